"""What pages add to the table, and what they cannot."""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsel.knowledge import documents, load
from accelsel.knowledge.check import check
from accelsel.knowledge.documents import Document
from accelsel.knowledge.refresh import Page, changes, indexes, kept, refresh
from accelsel.knowledge.schema import violations
from accelsel.model.errors import AccelselError
from accelsel.model.table import Build

TODAY = "2026-12-01"
PYTHONS = ("3.11", "3.12", "3.14t")
LINUX = "manylinux_2_28_x86_64"
STRENGTH = {"inferred": 0, "read": 1, "verified": 2}


def wheel(torch: str, tags: str = LINUX, python: str = "3.12") -> str:
    minor = python.removeprefix("3.").removesuffix("t")
    free = "t" if python.endswith("t") else ""
    return f"torch-{torch}-cp3{minor}-cp3{minor}{free}-{tags}.whl"


def wheels(torch: str, tags: str = LINUX, pythons: Sequence[str] = PYTHONS) -> tuple[str, ...]:
    return tuple(wheel(torch, tags, python) for python in pythons)


def page(backend: str, *names: str) -> Page:
    return Page(backend=backend, url=f"https://host.example/{backend}/torch/", names=names)


@pytest.fixture
def learned(tmp_path: Path) -> Callable[..., tuple[Document, dict[tuple[str, str, str], Build]]]:
    """The document after pages, which is sound, and the stable builds of the table with it."""

    def learn(
        *pages: Page, previous: Document | None = None
    ) -> tuple[Document, dict[tuple[str, str, str], Build]]:
        document, refused = refresh(pages, previous, TODAY)
        assert refused == ()
        path = written(tmp_path / "rules.json", document)
        assert [str(finding) for finding in check((path,))] == []
        return document, stable(load((path,)).builds)

    return learn


def written(path: Path, document: Any) -> Path:
    path.write_text(json.dumps(document))
    return path


def stable(builds: Iterable[Build]) -> dict[tuple[str, str, str], Build]:
    return {(b.torch, b.backend, b.platform): b for b in builds if b.channel == "stable"}


BEFORE = stable(load().builds)
Learned = Callable[..., tuple[Document, dict[tuple[str, str, str], Build]]]


def test_the_indexes_are_pytorchs_own() -> None:
    found = indexes()
    assert found["cu126"] == "https://download.pytorch.org/whl/cu126"
    assert {"cpu", "rocm7.2", "xpu"} <= found.keys()
    assert not found.keys() & {"amd", "default", "jetson-jp6", "rocm10.0"}
    assert all(url.startswith("https://download.pytorch.org/whl/") for url in found.values())


def test_a_build_not_known_to_be_published_is_when_it_is_seen(learned: Learned) -> None:
    _, after = learned(page("cu126", *wheels("2.15.0+cu126")))
    key = ("2.15.0", "cu126", "linux-x86_64")
    old, new = BEFORE[key], after[key]
    assert (old.published, new.published) == (None, True)
    assert (new.confidence, new.checked, new.pythons) == ("read", TODAY, PYTHONS)
    assert (new.archs, new.ptx, new.triton, new.companions, new.glibc) == (
        old.archs, old.ptx, old.triton, old.companions, "2.28",
    )  # fmt: skip
    assert new.source == f"{old.source} read-cu126"
    assert after | {key: old} == BEFORE


def test_the_source_names_the_page(learned: Learned) -> None:
    document, _ = learned(page("cu126", *wheels("2.15.0+cu126")), page("cu128"))
    assert document["sources"] == [
        {"id": "read-cu126", "text": f"https://host.example/cu126/torch/, read on {TODAY}"}
    ]


def test_what_the_table_knows_already_is_no_row(learned: Learned) -> None:
    document, after = learned(page("cu126", *wheels("2.14.1+cu126")))
    assert (document["builds"], document["sources"], document["releases"]) == ([], [], [])
    assert after == BEFORE


def test_more_pythons_join_the_known_ones(learned: Learned) -> None:
    document, after = learned(page("cu126", *wheels("2.14.1+cu126", pythons=["3.13t"])))
    key = ("2.14.1", "cu126", "linux-x86_64")
    assert set(after[key].pythons) == {*BEFORE[key].pythons, "3.13t"}
    [change] = changes(None, document)
    assert change.what == "pythons"


def test_what_was_inferred_is_read(learned: Learned) -> None:
    key = ("2.14.1", "cu126", "linux-aarch64")
    assert BEFORE[key].confidence == "inferred"
    _, after = learned(page("cu126", *wheels("2.14.1+cu126", "manylinux_2_28_aarch64")))
    assert after[key].confidence == "read"
    assert after[key].pythons == BEFORE[key].pythons


def test_a_build_without_a_row_has_no_known_architectures(learned: Learned) -> None:
    document, after = learned(page("rocm7.14", *wheels("2.15.0+rocm7.14")))
    found = after["2.15.0", "rocm7.14", "linux-x86_64"]
    assert (found.published, found.archs, found.ptx) == (True, None, None)
    assert document["releases"] == []
    [change] = changes(None, document)
    assert (change.what, change.selectable) == ("new", False)


def test_a_cpu_build_of_a_known_release_has_no_gpu_code(learned: Learned) -> None:
    _, after = learned(page("cpu", *wheels("2.15.0+cpu", "win_arm64")))
    found = after["2.15.0", "cpu", "windows-arm64"]
    assert (found.archs, found.ptx) == ((), ())
    assert {one.name for one in found.companions} == {"torchvision", "torchaudio"}


def test_a_release_that_the_table_does_not_know(learned: Learned, tmp_path: Path) -> None:
    pages = [
        page("cu130", *wheels("2.16.0+cu130"), *wheels("2.16.0+cu130", "win_amd64")),
        page("cpu", *wheels("2.16.0+cpu", "manylinux_2_34_aarch64.manylinux_2_35_aarch64")),
    ]
    document, after = learned(*pages)
    assert [row["torch"] for row in document["releases"]] == ["2.16.0"]
    for platform in ("linux-x86_64", "windows-amd64"):
        found = after["2.16.0", "cu130", platform]
        assert (found.archs, found.pythons, found.companions) == (None, PYTHONS, ())
    cpu = after["2.16.0", "cpu", "linux-aarch64"]
    assert (cpu.archs, cpu.glibc) == (None, "2.34")
    assert after.keys() - BEFORE.keys() == {key for key in after if key[0] == "2.16.0"}
    release = load((tmp_path / "rules.json",)).releases["2.16.0"]
    assert release.requires_python == ">=3.11"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("torch-2.15.0+cu130-cp312-cp312-win_amd64.whl", id="another-backend"),
        pytest.param(wheel("2.15.0"), id="no-local-part"),
        pytest.param(wheel("2.15.0+cu126.cxx11.abi"), id="variant"),
        pytest.param(wheel("2.15.0rc3+cu126"), id="release-candidate"),
        pytest.param(wheel("2.16.0.dev20261101+cu126"), id="nightly"),
        pytest.param(wheel("1.13.1+cu126"), id="older-than-the-table"),
        pytest.param(wheel("99.0.0+cu126"), id="implausible-major"),
        pytest.param(wheel("2.016.0+cu126"), id="leading-zero"),
        pytest.param(wheel("2.1\u0665.0+cu126"), id="other-digits"),
        pytest.param(wheel("2.15.0+cu126") + "\n", id="newline"),
        pytest.param("../" + wheel("2.15.0+cu126"), id="path"),
        pytest.param(wheel("2.15.0+cu126", f"{LINUX}.win_amd64"), id="two-platforms"),
        pytest.param(wheel("2.15.0+cu126", "manylinux_2_28_riscv64"), id="unknown-platform"),
        pytest.param(wheel("2.15.0+cu126", ".".join([LINUX] * 20)), id="long"),
        pytest.param(f"torch-2.15.0+cu126-cp312-cp313-{LINUX}.whl", id="tags-that-disagree"),
        pytest.param(f"torch-2.15.0+cu126-1-cp312-cp312-{LINUX}.whl", id="build-number"),
        pytest.param("torch-2.15.0+cu126.tar.gz", id="sdist"),
        pytest.param("torchvision-2.15.0+cu126-cp312-cp312-win_amd64.whl", id="another-project"),
        pytest.param("", id="empty"),
    ],
)
def test_names_that_say_nothing(name: str) -> None:
    document, refused = refresh([page("cu126", name)], None, TODAY)
    assert (document["builds"], refused) == ([], ())


@pytest.mark.parametrize(
    ("tags", "platform", "glibc"),
    [
        ("linux_x86_64", "linux-x86_64", None),
        ("manylinux1_x86_64", "linux-x86_64", "2.5"),
        ("manylinux2014_aarch64", "linux-aarch64", "2.17"),
        ("manylinux_2_17_x86_64.manylinux2014_x86_64", "linux-x86_64", "2.17"),
        ("linux_s390x", "linux-s390x", None),
        ("win_arm64", "windows-arm64", None),
    ],
)
def test_platform_tags(tags: str, platform: str, glibc: str | None) -> None:
    document, _ = refresh([page("cpu", *wheels("2.17.0+cpu", tags))], None, TODAY)
    [row] = document["builds"]
    assert (row["platform"], row.get("glibc")) == (platform, glibc)


def test_a_page_of_too_many_unknown_releases_is_refused() -> None:
    flood = [wheel(f"2.{minor}.0+cpu") for minor in range(20, 60)]
    document, refused = refresh(
        [page("cpu", *flood), page("cu126", *wheels("2.15.0+cu126"))], None, TODAY
    )
    assert refused == ("cpu",)
    assert {row["backend"] for row in document["builds"]} == {"cu126"}


def test_a_backend_without_a_page_keeps_what_was_read(learned: Learned) -> None:
    first, _ = learned(
        page("cu126", *wheels("2.15.0+cu126")), page("cu130", *wheels("2.16.0+cu130"))
    )
    second, after = learned(page("cu126"), previous=first)
    assert {(row["torch"], row["backend"]) for row in second["builds"]} == {("2.16.0", "cu130")}
    assert [row["id"] for row in second["sources"]] == ["read-cu130"]
    assert after["2.15.0", "cu126", "linux-x86_64"] == BEFORE["2.15.0", "cu126", "linux-x86_64"]
    assert changes(first, second) == ()


def test_only_what_is_new_since_the_last_time_is_a_change() -> None:
    pages = [page("cu126", *wheels("2.15.0+cu126"))]
    first, _ = refresh(pages, None, TODAY)
    assert [change.what for change in changes(None, first)] == ["published"]
    second, _ = refresh(pages, first, "2026-12-02")
    assert changes(first, second) == ()


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "[" * 100_000, "{}", '{"table": [{"version": "2020.1.1"}]}', "\udcff"],
    ids=repr,
)
def test_a_file_that_is_no_earlier_result(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rules.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(AccelselError) as caught:
        kept(path)
    assert caught.value.kind == "bad-rules"


def test_an_earlier_result_is_read_back(tmp_path: Path) -> None:
    document, _ = refresh([page("cu126", *wheels("2.15.0+cu126"))], None, TODAY)
    assert kept(written(tmp_path / "rules.json", document)) == document


_VERSIONS = st.one_of(
    st.sampled_from(sorted({build.torch for build in load().builds})),
    st.builds("{}.{}.{}".format, *[st.integers(0, 1200)] * 3),
    st.text("0123456789.+rcdev", max_size=12),
)
_TAGS = st.lists(
    st.sampled_from([LINUX, "linux_aarch64", "manylinux2014_s390x", "win_amd64", "any", "x"]),
    max_size=3,
).map(".".join)
_LOCALS = st.sampled_from(["", "+cpu", "+cu126", "+rocm7.2", "+cu126.x"])
_NAMES = st.one_of(
    st.text(max_size=60),
    st.builds(
        lambda torch, local, tags, python: wheel(torch + local, tags, python),
        _VERSIONS,
        _LOCALS,
        _TAGS,
        st.sampled_from([*PYTHONS, "3.0", "3.99t", "3.100"]),
    ),
)
_SCHEMA = documents.schema()


@settings(deadline=None, max_examples=40)
@given(st.dictionaries(st.sampled_from(["cpu", "cu126", "rocm7.2"]), st.lists(_NAMES, max_size=20)))
def test_no_page_makes_nonsense_or_weakens_the_table(
    tmp_path_factory: pytest.TempPathFactory, listed: dict[str, list[str]]
) -> None:
    pages = [page(backend, *names) for backend, names in listed.items()]
    document, _ = refresh(pages, None, TODAY)
    assert list(violations(document, _SCHEMA)) == []
    path = written(tmp_path_factory.getbasetemp() / "fuzz.json", document)
    assert check((path,)) == ()
    after = stable(load((path,)).builds)
    for key, old in BEFORE.items():
        new = after[key]
        assert (new.archs, new.ptx, new.broken) == (old.archs, old.ptx, old.broken)
        if old.published:
            assert new.published
            assert set(new.pythons) >= set(old.pythons)
            assert STRENGTH[new.confidence] >= STRENGTH[old.confidence]
