"""Requirement strings of a request, in every form that PEP 508 has."""

import pytest

from accelsel.model.errors import AccelselError
from accelsel.rules.companions_offer import Wanted
from accelsel.rules.requirements import _joined, environment, names, parsed


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Flash_Attn", ("flash-attn", "", (), False)),
        ("flash-attn >= 2.8, < 3", ("flash-attn", "<3,>=2.8", (), False)),
        ("flash-attn==2.8.1rc1", ("flash-attn", "==2.8.1rc1", (), False)),
        ("vllm[audio,flashinfer]>=0.9", ("vllm", ">=0.9", ("audio", "flashinfer"), False)),
        ("vllm (>=0.9)", ("vllm", ">=0.9", (), False)),
        ("vllm @ https://example.com/vllm.whl", ("vllm", "", (), True)),
        ("vllm>=0.9 ; sys_platform == 'linux'", ("vllm", ">=0.9", (), False)),
        ("vllm>=0.9 ; sys_platform == 'win32'", None),
    ],
)
def test_a_requirement_in_any_form(
    text: str, read: tuple[str, str, tuple[str, ...], bool] | None
) -> None:
    found = [
        (w.name, w.specifier, w.extras, w.direct) for w in parsed((text,), "linux-x86_64", None)
    ]
    assert found == ([read] if read else [])


def test_two_requirements_of_one_package_are_one() -> None:
    texts = ("vllm[audio]>=0.9", "torchao", "vllm[flashinfer,audio]<1", "vllm")
    (vllm, other) = parsed(texts, "linux-x86_64", None)
    assert (vllm.name, vllm.specifier, vllm.extras) == ("vllm", ">=0.9,<1", ("audio", "flashinfer"))
    assert (vllm.direct, other.name) == (False, "torchao")
    (vllm,) = parsed(("vllm @ https://a.example/vllm.whl", "vllm>=1"), "linux-x86_64", None)
    assert (vllm.specifier, vllm.direct) == (">=1", True)


def test_text_that_is_none_is_told_with_an_example() -> None:
    with pytest.raises(AccelselError) as caught:
        parsed(("flash attn!",), "linux-x86_64", None)
    error = caught.value
    assert (error.code, error.kind, error.where) == (2, "invalid-requirement", "--with")
    assert error.message == "'flash attn!' is not a requirement"
    assert error.help == "write a name and a specifier, for example 'flash-attn>=2.8'"


@pytest.mark.parametrize(
    ("platform", "python", "system"),
    [
        ("linux-x86_64", "3.12", ("linux", "Linux", "posix", "x86_64")),
        ("linux-aarch64", "3.14t", ("linux", "Linux", "posix", "aarch64")),
        ("windows-amd64", "3.9", ("win32", "Windows", "nt", "AMD64")),
        ("macos-arm64", None, ("darwin", "Darwin", "posix", "arm64")),
        ("freebsd-amd64", None, ("freebsd", "freebsd", "posix", "amd64")),
    ],
)
def test_the_environment_of_markers(
    platform: str, python: str | None, system: tuple[str, str, str, str]
) -> None:
    minor = (python or "").rstrip("t")
    pythons = {"python_version": minor, "python_full_version": f"{minor}.0"} if python else {}
    keys = ("sys_platform", "platform_system", "os_name", "platform_machine")
    expected = dict(zip(keys, system, strict=True)) | {"extra": ""} | pythons
    assert environment(platform, python) == expected


def test_names_are_those_of_the_platform() -> None:
    texts = ("A_b", "c ; sys_platform == 'win32'", "d ; python_version < '3.12'", "e[f]>1")
    assert names(texts, "linux-x86_64", "3.12") == {"a-b", "e"}
    assert names(texts, "windows-amd64", "3.11") == {"a-b", "c", "d", "e"}


def test_two_as_one() -> None:
    """Not by way of `parsed`, which remembers."""
    first = Wanted(name="a", specifier=">1", extras=("x",))
    found = _joined(first, Wanted(name="a", specifier="<3", extras=("x", "y"), direct=True))
    assert found == Wanted(name="a", specifier=">1,<3", extras=("x", "y"), direct=True)
    assert _joined(first, Wanted(name="a")) == first
