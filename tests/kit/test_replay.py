"""The replay answers as the hosts do, and its files are what its pages say."""

import hashlib
import io
import json
import re
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from email.message import Message
from urllib.parse import unquote

import pytest
from tests.kit.replay import Replay
from tests.kit.replay_catalog import Catalog, Dist
from tests.kit.replay_sdist import Source

_JSON = "application/vnd.pypi.simple.v1+json"


def get(url: str, accept: str = "text/html") -> tuple[bytes, Message]:
    request = urllib.request.Request(url, headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read(), answer.headers


@pytest.fixture(scope="module")
def small() -> Iterator[Replay]:
    catalog = Catalog(
        [
            Dist(
                index="/whl/cu126",
                name="torch",
                version="2.14.1+cu126",
                wheels=("cp312-cp312-manylinux_2_28_x86_64", "cp312-cp312-win_amd64"),
                requires=("numpy", "triton~=3.8.0 ; platform_system == 'Linux'"),
                requires_python=">=3.10",
                backend="cu126",
            ),
            Dist(index="/pypi/simple", name="Two.Names", version="1", yanked="empty"),
            Dist(index="/pypi/simple", name="built", version="1", wheels=(), sdist=Source()),
        ]
    )
    with Replay(catalog) as replay:
        yield replay


def test_html_page(small: Replay) -> None:
    page, headers = get(f"{small.url}/whl/cu126/torch/", _JSON)
    assert headers["Content-Type"].startswith("text/html")  # as PyTorch's index
    links = re.findall(
        r'href="([^"#]+)#sha256=([0-9a-f]+)" data-requires-python="([^"]+)"', page.decode()
    )
    assert [unquote(href) for href, _, _ in links] == [
        "/whl/cu126/torch-2.14.1+cu126-cp312-cp312-manylinux_2_28_x86_64.whl",
        "/whl/cu126/torch-2.14.1+cu126-cp312-cp312-win_amd64.whl",
    ]
    assert {python for _, _, python in links} == {"&gt;=3.10"}
    for href, digest, _ in links:
        assert hashlib.sha256(get(small.url + href)[0]).hexdigest() == digest


def test_json_page(small: Replay) -> None:
    page = json.loads(get(f"{small.default_index}/two-names/", _JSON)[0])
    assert page["name"] == "two-names"
    [file] = page["files"]
    assert (file["filename"], file["yanked"]) == ("two_names-1-py3-none-any.whl", "empty")
    data = get(small.url + file["url"])[0]
    assert hashlib.sha256(data).hexdigest() == file["hashes"]["sha256"]
    described = get(small.url + file["url"] + ".metadata")[0]
    assert hashlib.sha256(described).hexdigest() == file["core-metadata"]["sha256"]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.read("two_names-1.dist-info/METADATA") == described


def test_the_stub_says_its_backend(small: Replay) -> None:
    name = "torch-2.14.1%2Bcu126-cp312-cp312-win_amd64.whl"
    with zipfile.ZipFile(io.BytesIO(get(f"{small.url}/whl/cu126/{name}")[0])) as archive:
        assert archive.read("torch/_accelsel_stub") == b"cu126\n"
        assert b"cuda = '12.6'" in archive.read("torch/version.py")


@pytest.mark.parametrize(
    "path",
    [
        "/whl/cu130/torch/",
        "/whl/cu126/numpy/",
        "/whl/cu126/torch-9.whl",
        "/pypi/simple/built-1.tar.gz.metadata",
    ],
)
def test_absent(small: Replay, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(small.url + path)
    assert caught.value.code == 404
    caught.value.close()


def test_source_distribution(small: Replay) -> None:
    first = get(f"{small.default_index}/built-1.tar.gz")[0]
    assert first[:2] == b"\x1f\x8b"
    with Replay(small.catalog) as again:
        assert get(f"{again.default_index}/built-1.tar.gz")[0] == first


def test_log_and_faults(small: Replay) -> None:
    small.requests.clear()
    small.faults["/whl/cu126/"] = 403
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(f"{small.url}/whl/cu126/torch/")
    assert caught.value.code == 403
    caught.value.close()
    small.faults.clear()
    get(f"{small.url}/whl/cu126/torch/")
    assert small.requests == ["/whl/cu126/torch/"] * 2


@pytest.mark.parametrize(
    ("index", "project", "version", "needs"),
    [
        ("/whl/cu126", "torch", "2.14.1+cu126", "nvidia-cudnn-cu12==9.10.2.21"),
        ("/whl/cu132", "torch", "2.15.0+cu132", "triton~=3.9.0"),
        ("/whl/rocm6.4", "torch", "2.9.1+rocm6.4", "pytorch-triton-rocm==3.5.1"),
        ("/whl/rocm7.2", "torch", "2.11.0+rocm7.2", "triton-rocm==3.6.0"),
        ("/whl/cpu", "torch", "2.14.1", None),
        ("/pypi/simple", "torch", "2.10.0", "nvidia-cublas-cu12==12.8.4.1"),
        ("/pypi/simple", "torch", "2.15.0", "nvidia-cudnn-cu13==9.26.0.51"),
        ("/pypi/simple", "pytorch-triton-rocm", "2.1.0", None),
        ("/whl/nightly/cu130", "torch", "2.10.0.dev20251208+cu130", "pytorch-triton==3.6.0+git"),
        ("/whl/nightly/cu130", "torch", "2.11.0.dev20260104+cu130", "triton==3.6.0+git"),
        ("/stable.repo.amd.com/rocm/whl-next", "torch", "2.14.0+rocm10.1.0", "rocm[libraries]=="),
        ("/pypi.nvidia.com", "tensorrt-llm", "0.12.0", "torch<=2.4.0,>=2.4.0a0"),
        ("/data.pyg.org/whl/torch-2.5.0+cu121.html", "torch-scatter", "2.1.2+pt25cu121", None),
        ("/wheels.astral.sh/simple/cu130", "flash-attn", "2.8.3+cu.13.0.torch.2.11", "torch==2.11"),
    ],
)
def test_rows_are_the_facts(
    replay: Replay, index: str, project: str, version: str, needs: str | None
) -> None:
    [dist] = [d for d in replay.catalog.dists(index, project) if d.version == version]
    assert dist.wheels
    assert needs is None or any(need.startswith(needs) for need in dist.requires)


@pytest.mark.parametrize(
    ("index", "version"),
    [
        pytest.param("/whl/rocm7.2", "2.10.0+rocm7.2", id="rocm7.2-begins-with-2.11"),
        pytest.param("/whl/cu128", "2.14.1+cu128", id="cu128-ended-with-2.11"),
        pytest.param("/whl/cpu", "2.15.0+cpu", id="2.15-on-cpu-is-not-established"),
    ],
)
def test_what_is_not_published(replay: Replay, index: str, version: str) -> None:
    assert version not in {dist.version for dist in replay.catalog.dists(index, "torch")}
