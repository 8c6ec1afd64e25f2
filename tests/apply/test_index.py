"""Index pages over real HTTP, and what is no page."""

import socket

import pytest
from tests.kit.replay import Replay

from accelsel.apply.index import IndexFile, WheelName, pages, read_page, wheel_name
from accelsel.model.errors import NETWORK, USAGE, AccelselError


def test_pages_of_both_formats(replay: Replay) -> None:
    html, json = pages([(f"{replay.url}/whl/cu126", "torch"), (replay.default_index, "torch")])
    assert html
    assert json
    names = {wheel.version for file in html if (wheel := wheel_name(file.name))}
    assert "2.14.1+cu126" in names
    assert {file.requires_python for file in html if "2.14.1" in file.name} == {">=3.10"}
    assert all(file.sha256 and len(file.sha256) == 64 for file in (*html, *json))
    assert any(file.name.startswith("torch-2.15.0-cp312") for file in json)


def test_order_and_absence(replay: Replay) -> None:
    index = f"{replay.url}/whl/cu126/"
    absent, there = pages([(index, "no-such-name"), (index, "torchvision")])
    assert absent is None
    assert there
    replay.faults["/whl/cu126/torch/"] = 403
    assert list(pages([(index, "torch")])) == [None]


def test_no_hashes_on_a_nightly_page(replay: Replay) -> None:
    [files] = pages([(f"{replay.url}/whl/nightly/cu130", "torch")])
    assert files
    assert {file.sha256 for file in files} == {None}


def test_yanked(replay: Replay) -> None:
    [files] = pages([(replay.default_index, "flash-attn-3")])
    assert files
    assert [file.yanked for file in files] == ["Empty release"]


@pytest.mark.parametrize("status", [500, 503])
def test_a_server_error(replay: Replay, status: int) -> None:
    replay.faults["/whl/cpu/"] = status
    with pytest.raises(AccelselError, match=str(status)) as caught:
        list(pages([(f"{replay.url}/whl/cpu", "torch")]))
    assert (caught.value.code, caught.value.kind) == (NETWORK, "network")


def test_unreachable() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(AccelselError) as caught:
        list(pages([(f"http://user:secret@127.0.0.1:{port}/whl", "torch")]))
    assert (caught.value.code, caught.value.kind) == (NETWORK, "network")
    assert "secret" not in f"{caught.value.where}{caught.value.message}"


def test_dropped(replay: Replay) -> None:
    replay.faults["/whl/cpu/"] = 0
    with pytest.raises(AccelselError) as caught:
        list(pages([(f"{replay.url}/whl/cpu", "torch")]))
    assert caught.value.code == NETWORK


def test_offline_asks_nobody(replay: Replay) -> None:
    with pytest.raises(AccelselError) as caught:
        list(pages([(f"{replay.url}/whl/cpu", "torch")], offline=True))
    assert (caught.value.code, caught.value.kind) == (NETWORK, "offline")
    assert replay.requests == []


@pytest.mark.parametrize("url", ["ftp://host.example/x", "no url", "http://"])
def test_what_is_no_url(url: str) -> None:
    with pytest.raises(AccelselError) as caught:
        list(pages([(url, "torch")]))
    assert caught.value.code in {USAGE, NETWORK}


@pytest.mark.parametrize(
    ("text", "content_type"),
    [
        ("{", "application/vnd.pypi.simple.v1+json"),
        ("[]", "application/json"),
        ('{"files": [1]}', "application/json"),
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


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param(
            "triton_rocm-3.8.0-cp314-cp314t-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
            WheelName(
                project="triton-rocm",
                version="3.8.0",
                pythons=("cp314",),
                abis=("cp314t",),
                platforms=("manylinux_2_27_x86_64", "manylinux_2_28_x86_64"),
            ),
            id="two-platforms",
        ),
        pytest.param(
            "x-1-2-py2.py3-none-any.whl",
            WheelName(
                project="x", version="1", pythons=("py2", "py3"), abis=("none",), platforms=("any",)
            ),
            id="build-number",
        ),
        pytest.param("torch-2.1.tar.gz", None, id="sdist"),
        pytest.param("torch.whl", None, id="no-tags"),
    ],
)
def test_wheel_names(name: str, expected: WheelName | None) -> None:
    assert wheel_name(name) == expected
