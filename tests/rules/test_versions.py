import pytest

from accelsel.model.errors import AccelselError
from accelsel.rules.versions import (
    admits,
    admits_python,
    arch_numbers,
    dotted,
    meets,
    mentioned,
    next_minor,
    numbers,
    overlap,
    python_key,
    python_tag,
    release,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2.14.1+cu126", (2, 14, 1)),
        ("580.65.06", (580, 65, 6)),
        ("v2.1", (2, 1)),
        ("13", (13,)),
        ("2.1.0a0+41361538.nv23.06", (2, 1, 0)),
        ("", ()),
        ("N/A", ()),
    ],
)
def test_numbers(text: str, expected: tuple[int, ...]) -> None:
    assert numbers(text) == expected


def test_releases_sort_as_pep_440_does() -> None:
    ordered = ["2.1.0a0", "2.1", "2.1.1", "2.9.1", "2.10.0.dev1", "2.10.0rc1", "2.10.0", "2.11"]
    assert sorted(ordered, key=release) == ordered
    assert release("2.1") == release("2.1.0")
    assert release("2.10.0")[1]
    assert not release("2.10.0rc1")[1]
    assert not release("2.10.0b2")[1]
    assert not release("2.16.0.dev0")[1]
    assert release("0") == ((), True)


@pytest.mark.parametrize(
    ("version", "floor", "expected"),
    [
        ("580.65.06", "580.65.06", True),
        ("580.65.05", "580.65.06", False),
        ("580", "580.65.06", True),
        ("595.80", "580.65.06", True),
        ("579", "580.65.06", False),
        ("525.60.13", "525.60.13", True),
        ("525.60.12", "525.60.13", False),
        ("13.0", "13.2", False),
        ("13.2", "13.2", True),
        ("13", "13.2", True),
        ("12.9", "13", False),
    ],
)
def test_meets(version: str, floor: str, *, expected: bool) -> None:
    assert meets(numbers(version), numbers(floor)) is expected


def test_small_forms() -> None:
    assert dotted((12, 6)) == "12.6"
    assert next_minor("2.14.1") == "2.15"
    assert next_minor("2.9") == "2.10"
    assert next_minor("3") == "3.1"
    assert arch_numbers("sm_120") == (120,)
    assert arch_numbers("xe-hpg") == ()
    assert sorted(["3.10", "3.9", "3.14t"], key=python_key) == ["3.9", "3.10", "3.14t"]


@pytest.mark.parametrize(
    ("specifier", "inside", "outside"),
    [
        ("", ["0", "2.16.0.dev0"], []),
        ("  ", ["1"], []),
        (">=2.6,<2.15", ["2.6.0", "2.14.1"], ["2.15.0", "2.5.1"]),
        ("==2.7.1+cu118", ["2.7.1+cu118"], ["2.7.1+cu126"]),
        (">=2.15", ["2.16.0.dev0"], ["2.15.0.dev0"]),
    ],
)
def test_admits(specifier: str, inside: list[str], outside: list[str]) -> None:
    admitted = admits(specifier, where="--torch")
    assert all(admitted(version) for version in inside)
    assert not any(admitted(version) for version in outside)


@pytest.mark.parametrize("text", ["2.9.1", "=>2", "torch>=2", "==2.x"])
def test_no_specifier(text: str) -> None:
    with pytest.raises(AccelselError) as caught:
        admits(text, where="--torch")
    error = caught.value
    assert (error.code, error.kind, error.where) == (2, "invalid-specifier", "--torch")
    assert text in error.message
    assert error.help
    assert "==2.9.1" in error.help


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("", "==2.0", True),
        ("==2.0", " ", True),
        (">=0.20", "==0.29.0", True),
        ("<0.20", "==0.29.0", False),
        ("==0.21.*", "==0.21.0", True),
        ("==0.21.*", "==0.22.0", False),
        (">=0.29.1", "<0.29.2", True),
        (">=0.29.1", "<0.29.1", False),
        ("<0.29", "<0.20", True),
        (">2.0", "<2.1", True),
        (">=2.11", ">=2.9,<2.11", False),
        ("", "", True),
        ("", "!=2", True),
        ("~=2.9.0", ">=2.9.1", True),
        ("==0.29.0a0+rocm10.1.0", ">=0.20", True),
    ],
)
def test_overlap(first: str, second: str, *, expected: bool) -> None:
    assert overlap(first, second, where="torchvision") is expected
    assert overlap(second, first, where="torchvision") is expected


def test_mentioned_has_the_versions_and_their_neighbours() -> None:
    assert set(mentioned("==1.2")) == {"1.2", "0", "2", "1.1", "1.3", "1.2.1"}
    assert "-1" not in ",".join(mentioned("<0.0"))
    assert mentioned("==2.7.*")[0] == "2.7"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3.12", "3.12"),
        ("3.12.3", "3.12"),
        (" 3.14t ", "3.14t"),
        ("3.14.0t", "3.14t"),
        ("3.14+freethreaded", "3.14t"),
        ("cpython-3.11", "3.11"),
        ("cpython@3.11", "3.11"),
        ("python3.11", "3.11"),
        ("CPython3.13", "3.13"),
        ("3.15.0rc1", "3.15"),
        ("3.15.0b2", "3.15"),
    ],
)
def test_python_tag(text: str, expected: str) -> None:
    assert python_tag(text) == expected


@pytest.mark.parametrize("text", ["", "3", "2.7", "pypy3.11", ">=3.11", "3.12x"])
def test_no_python(text: str) -> None:
    with pytest.raises(AccelselError) as caught:
        python_tag(text)
    assert (caught.value.code, caught.value.kind) == (2, "invalid-python")
    assert repr(text) in caught.value.message
    assert caught.value.help
    assert "3.14t" in caught.value.help


@pytest.mark.parametrize(
    ("specifier", "inside", "outside"),
    [
        ("", ["3.8", "3.15t"], []),
        (">=3.11", ["3.11", "3.15"], ["3.10"]),
        (">=3.11.4", ["3.11", "3.12"], ["3.10"]),
        (">=3.10,<3.12", ["3.10", "3.11"], ["3.12"]),
        ("==3.12.*", ["3.12", "3.12t"], ["3.11", "3.13"]),
        ("==3.12.4", ["3.12"], ["3.11"]),
        ("<3.12.4", ["3.12"], ["3.13"]),
        ("!=3.11.*", ["3.10", "3.12"], ["3.11"]),
    ],
)
def test_admits_python(specifier: str, inside: list[str], outside: list[str]) -> None:
    admitted = admits_python(specifier)
    assert [tag for tag in (*inside, *outside) if admitted(tag)] == inside


def test_requires_python_that_is_no_specifier() -> None:
    with pytest.raises(AccelselError) as caught:
        admits_python("3.11")
    assert caught.value.where == "requires-python"


def test_overlap_tells_whose_specifier_is_malformed() -> None:
    for pair in (("2.x", "==1"), ("==1", "2.x")):
        with pytest.raises(AccelselError) as caught:
            overlap(*pair, where="torchaudio")
        assert caught.value.where == "torchaudio"
