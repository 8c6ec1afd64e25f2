"""Locked packages without a file for the machine."""

from typing import Any

import pytest

from accelsel.apply.lock_files import lacking, may_be_requested, requested, scarce, told

OLD = ["cp311-cp311-manylinux_2_17_x86_64", "cp312-cp312-manylinux_2_17_x86_64"]


def lock(*wheels: str, asker: str | None = "asks", sdist: bool = False) -> dict[str, Any]:
    """A lock of a project that requires torch, and triton through a package or itself."""
    registry = {"registry": "https://index.example/simple"}
    need = [{"name": "triton"}]
    triton: dict[str, Any] = {"name": "triton", "version": "3.1.0", "source": registry}
    triton["wheels"] = [
        {"url": f"https://files.example/triton-3.1.0-{tags}.whl"} for tags in wheels
    ]
    if sdist:
        triton["sdist"] = {"url": "https://files.example/triton-3.1.0.tar.gz"}
    root: dict[str, Any] = {"name": "p", "version": "0", "source": {"virtual": "."}}
    root["dependencies"] = need if asker is None else [{"name": asker}]
    packages = [root, triton]
    if asker is not None:
        packages.append({"name": asker, "version": "1", "source": registry, "dependencies": need})
    return {"package": packages}


@pytest.mark.parametrize(
    ("wheels", "platform", "python", "fits"),
    [
        (OLD, "linux-x86_64", "3.12", True),
        (OLD, "linux-x86_64", "3.13", False),
        (OLD, "linux-aarch64", "3.12", False),
        (OLD, "windows-amd64", "3.12", False),
        (OLD, "macos-arm64", "3.12", False),
        (["cp312-abi3-manylinux_2_28_aarch64"], "linux-aarch64", "3.14", True),
        (["cp312-abi3-manylinux_2_28_aarch64"], "linux-aarch64", "3.11", False),
        (["cp312-abi3-manylinux_2_28_aarch64"], "linux-aarch64", "3.14t", False),
        (["cp314-cp314t-win_amd64"], "windows-amd64", "3.14t", True),
        (["cp314-cp314t-win_amd64"], "windows-amd64", "3.14", False),
        (["cp310-cp310-macosx_11_0_universal2"], "macos-arm64", "3.10", True),
        (["py3-none-any"], "windows-arm64", "3.13", True),
        (["py39-none-manylinux_2_28_x86_64"], "linux-x86_64", "3.13", True),
        (["py39-none-manylinux_2_28_x86_64"], "linux-x86_64", "3.8", False),
        (["py2-none-any"], "linux-x86_64", "3.12", False),
        (OLD, "plan9-mips", "3.12", True),
    ],
)
def test_files_for_a_machine(wheels: list[str], platform: str, python: str, fits: bool) -> None:
    assert (scarce(lock(*wheels), platform, python) == ()) == fits


def test_a_source_distribution_is_a_file() -> None:
    assert scarce(lock(*OLD, sdist=True), "macos-arm64", "3.13") == ()


@pytest.mark.parametrize(
    ("asker", "chain"), [("asks", ("p", "asks", "triton")), (None, ("p", "triton"))]
)
def test_it_is_told_who_asks(asker: str | None, chain: tuple[str, ...]) -> None:
    [found] = scarce(lock(*OLD, asker=asker), "linux-x86_64", "3.13")
    assert found.chain == chain
    assert (found.places, found.below) == (("linux-x86_64",), "3.13")
    message, hint = told(found, "linux-x86_64", "3.13")
    assert message.startswith("triton 3.1.0 has no file for Python 3.13 on linux-x86_64")
    assert ("p -> asks -> triton" in message) == (asker is not None)
    assert hint.startswith(f"require {asker or 'triton'} on linux-x86_64 before Python 3.13 alone")


@pytest.mark.parametrize(
    ("wheels", "asker", "found"),
    [
        (OLD, "asks", ("3.13", ("linux-x86_64",), "asks")),
        (OLD, None, ("3.13", ("linux-x86_64",), "p")),
        (OLD, "torch", None),
        (["cp312-abi3-win_amd64"], "asks", (None, ("windows-amd64",), "asks")),
    ],
)
def test_who_asks_beside_torch(
    wheels: list[str], asker: str | None, found: tuple[str | None, tuple[str, ...], str] | None
) -> None:
    one = requested(lock(*wheels, asker=asker), "triton")
    assert (one and (one.below, one.places, one.chain[0])) == found


def test_nobody_asks_for_what_is_not_there() -> None:
    assert requested(lock(*OLD, asker="torch"), "numpy") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("version = 1\n", False),
        ('[[package]]\nname = "torch"\ndependencies = [\n    { name = "triton" },\n]\n', False),
        ('[[package]]\nname = "triton"\nversion = "3.1.0"\n', False),
        ('[[package]]\nname = "x"\ndependencies = [\n    { name = "triton-xpu" },\n]\n', False),
        ('[[package]]\nname = "x"\ndependencies = [\n    { name = "triton" },\n]\n', True),
    ],
    ids=["empty", "torch-alone", "itself", "another-name", "asked-for"],
)
def test_who_may_ask_is_seen_without_parsing(text: str, expected: bool) -> None:
    assert may_be_requested(text.encode(), "triton") is expected


@pytest.mark.parametrize(
    ("python", "platform", "told_of"),
    [
        ("3.13", "linux-x86_64", True),
        ("3.12", "linux-x86_64", False),
        (None, "linux-x86_64", False),
        (None, "windows-amd64", True),
    ],
)
def test_a_python_that_nobody_knows(python: str | None, platform: str, told_of: bool) -> None:
    """Where it is not known, a file for the project's oldest Python will do."""
    found = lacking({**lock(*OLD), "requires-python": ">=3.11"}, platform, python, newest="3.14")
    assert bool(found) == told_of
