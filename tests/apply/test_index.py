"""Index pages over real HTTP, and what is no page."""

import socket

import pytest
from tests.kit.replay import SILENT, Replay

from accelsel.apply import index
from accelsel.apply.index import IndexFile, Page, pages, read_page
from accelsel.model.errors import NETWORK, USAGE, AccelselError


def error_of(*addresses: tuple[str, str]) -> AccelselError:
    [page] = pages(addresses)
    assert isinstance(page, AccelselError)
    return page


def files_of(page: Page) -> tuple[IndexFile, ...]:
    assert isinstance(page, tuple)
    assert page
    return page


def test_pages_of_both_formats(replay: Replay) -> None:
    addresses = [(f"{replay.url}/whl/cu126", "torch"), (replay.default_index, "torch")]
    html, json = map(files_of, pages(addresses))
    assert any(file.name.startswith("torch-2.14.1+cu126-cp312") for file in html)
    assert {file.requires_python for file in html if "2.14.1" in file.name} == {">=3.10"}
    assert all(file.sha256 and len(file.sha256) == 64 for file in (*html, *json))
    assert any(file.name.startswith("torch-2.15.0-cp312") for file in json)


def test_order_and_absence(replay: Replay) -> None:
    url = f"{replay.url}/whl/cu126/"
    absent, there = pages([(url, "no-such-name"), (url, "torchvision")])
    assert absent is None
    assert files_of(there)[0].name.startswith("torchvision-")
    replay.faults["/whl/cu126/torch/"] = 403
    assert pages([(url, "torch")]) == (None,)


def test_one_failure_leaves_the_others(replay: Replay) -> None:
    replay.faults["/whl/cu128/"] = 503
    names = ["cu126", "cu128", "cu129", "cu130", "cpu", "xpu"]
    found = pages([(f"{replay.url}/whl/{name}", "torch") for name in names])
    for name, page in zip(names, found, strict=True):
        if name == "cu128":
            assert isinstance(page, AccelselError)
        else:
            assert any(name in file.name for file in files_of(page))


def test_no_hashes_on_a_nightly_page(replay: Replay) -> None:
    files = files_of(*pages([(f"{replay.url}/whl/nightly/cu130", "torch")]))
    assert {file.sha256 for file in files} == {None}


def test_yanked(replay: Replay) -> None:
    files = files_of(*pages([(replay.default_index, "flash-attn-3")]))
    assert [file.yanked for file in files] == ["Empty release"]


@pytest.mark.parametrize("status", [500, 503])
def test_a_server_error(replay: Replay, status: int) -> None:
    replay.faults["/whl/cpu/"] = status
    error = error_of((f"{replay.url}/whl/cpu", "torch"))
    assert (error.code, error.kind) == (NETWORK, "network")
    assert str(status) in error.message


def test_unreachable() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    error = error_of((f"http://user:secret@127.0.0.1:{port}/whl", "torch"))
    assert (error.code, error.kind) == (NETWORK, "network")
    assert "secret" not in f"{error.where}{error.message}"


def test_dropped(replay: Replay) -> None:
    replay.faults["/whl/cpu/"] = 0
    assert error_of((f"{replay.url}/whl/cpu", "torch")).code == NETWORK


@pytest.mark.parametrize(
    ("limit", "value", "kind"),
    [
        ("MAX_BYTES", 1000, "bad-index"),
        ("DEADLINE_S", -1.0, "network"),
        ("TIMEOUT_S", 0.2, "network"),
    ],
)
def test_no_page_is_read_for_ever(
    replay: Replay, monkeypatch: pytest.MonkeyPatch, limit: str, value: float, kind: str
) -> None:
    monkeypatch.setattr(index, limit, value)
    if limit == "TIMEOUT_S":
        replay.faults["/whl/cpu/"] = SILENT
    assert error_of((f"{replay.url}/whl/cpu", "torch")).kind == kind


def test_offline_asks_nobody(replay: Replay) -> None:
    with pytest.raises(AccelselError) as caught:
        pages([(f"{replay.url}/whl/cpu", "torch")], offline=True)
    assert (caught.value.code, caught.value.kind) == (NETWORK, "offline")
    assert replay.requests == []


@pytest.mark.parametrize("url", ["ftp://host.example/x", "no url", "http://"])
def test_what_is_no_url(url: str) -> None:
    assert error_of((url, "torch")).code in {USAGE, NETWORK}


@pytest.mark.parametrize(
    ("text", "content_type"),
    [
        ("{", "application/vnd.pypi.simple.v1+json"),
        ("[]", "application/json"),
        ('{"files": [1]}', "application/json"),
        ('{"files": ' + "[" * 100_000, "application/json"),
        ("%PDF", "application/pdf"),
    ],
)
def test_what_is_no_page(text: str, content_type: str) -> None:
    with pytest.raises(AccelselError) as caught:
        read_page(text, content_type, "here")
    assert (caught.value.code, caught.value.kind) == (USAGE, "bad-index")


def test_html_details() -> None:
    page = (
        '<html><body><a href="https://r2.example/whl/torch-2.1%2Bcu118-cp311-cp311-linux_x86_64.whl'
        '#sha256=ab" data-requires-python="&gt;=3.8" data-yanked>x</a><a name="top">y</a></body>'
    )
    name = "torch-2.1+cu118-cp311-cp311-linux_x86_64.whl"
    assert read_page(page, "text/html; charset=utf-8", "here") == (
        IndexFile(name=name, requires_python=">=3.8", sha256="ab", yanked=""),
    )
