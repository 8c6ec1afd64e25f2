"""Requirement strings taken apart and put together."""

import pytest

from accelsel.project.requirement import Place, normalize, parse, rewrite, url_version, written

PLACE = Place(kind="dependencies")
WHEEL = "https://download.pytorch.org/whl/cu118/torch-2.2.1%2Bcu118-cp310-cp310-linux_x86_64.whl"
PARTS = {
    "torch": ("torch", (), "", None, None),
    "Torch_Vision >= 0.20 , <1": ("torch-vision", (), ">=0.20,<1", None, None),
    "torch[opt,dev]==2.5.1+cu124;sys_platform=='linux'": (
        "torch", ("opt", "dev"), "==2.5.1+cu124", None, "sys_platform=='linux'"
    ),
    "torch (>=2.5)": ("torch", (), ">=2.5", None, None),
    f"torch @ {WHEEL} ; os_name == 'posix'": ("torch", (), "", WHEEL, "os_name == 'posix'"),
    "a.b @git+https://example.org/a@v1": ("a-b", (), "", "git+https://example.org/a@v1", None),
}  # fmt: skip


@pytest.mark.parametrize(("raw", "parts"), PARTS.items(), ids=PARTS)
def test_parse(raw: str, parts: tuple[object, ...]) -> None:
    found = parse(raw, PLACE)
    assert found is not None
    assert (found.name, found.extras, found.specifier, found.url, found.marker) == parts


@pytest.mark.parametrize("raw", ["", "!!", "torch >=2 <3 extra", "-torch", "torch["])
def test_parse_leaves_what_is_none(raw: str) -> None:
    found = parse(raw, PLACE)
    assert found is None or found.name == "torch"


REWRITTEN = {
    "torch==2.5.1+cu124": "torch==2.5.1",
    "Torch[opt] === 2.5.1+cu124 ; os_name == 'nt'": "Torch[opt]==2.5.1 ; os_name == 'nt'",
    f"torch @ {WHEEL}": "torch==2.2.1",
    "torch @ https://example.org/torch-2.9.0.tar.gz#sha256=00": "torch==2.9.0",
    "torch @ https://example.org/latest": "torch",
    "torch>=2.5": "torch>=2.5",
}


@pytest.mark.parametrize(("raw", "text"), REWRITTEN.items(), ids=REWRITTEN)
def test_rewrite(raw: str, text: str) -> None:
    found = parse(raw, PLACE)
    assert found is not None
    assert rewrite(found) == text


def test_written_keeps_a_requirement_that_has_its_bound() -> None:
    found = parse("torch >=2.5 ;os_name=='nt'", PLACE)
    assert found is not None
    assert written(found, ">=2.5") == found.raw
    assert written(found, ">=2.6") == "torch>=2.6 ;os_name=='nt'"


def test_url_version_of_a_wheel_with_build_tag() -> None:
    assert url_version("https://x/torch-2.9.0-1-cp312-cp312-win_amd64.whl?x=1") == "2.9.0"


def test_normalize() -> None:
    assert normalize("A._-b") == "a-b"
