"""Markers for platforms, and platforms of markers."""

import itertools

import pytest

from accelsel.project.markers import (
    JETSON,
    PLATFORMS,
    UNIVERSE,
    beyond,
    exact,
    marker,
    overlaps,
    platforms_of,
    since,
    span,
    variables,
)

LINUX = "sys_platform == 'linux' and platform_machine == 'x86_64'"
TABLE = {
    ("linux-x86_64",): LINUX,
    ("linux-x86_64", "linux-aarch64"): "sys_platform == 'linux'",
    ("linux-x86_64", "windows-amd64"): (
        f"({LINUX}) or (sys_platform == 'win32' and platform_machine == 'AMD64')"
    ),
    ("macos-arm64", "macos-x86_64", "linux-x86_64", "linux-aarch64"): (
        "sys_platform == 'linux' or sys_platform == 'darwin'"
    ),
    tuple(PLATFORMS): "",
}


@pytest.mark.parametrize(("platforms", "text"), TABLE.items())
def test_marker(platforms: tuple[str, ...], text: str) -> None:
    assert marker(platforms) == text


@pytest.mark.parametrize(
    ("condition", "python", "text"),
    [
        ("", None, ""),
        (LINUX, None, LINUX),
        ("", "3.10", "python_full_version >= '3.10'"),
        (LINUX, "3.10", f"{LINUX} and python_full_version >= '3.10'"),
        ("a == '1' or b == '2'", "3.9",
         "(a == '1' or b == '2') and python_full_version >= '3.9'"),
    ],
)  # fmt: skip
def test_a_marker_from_a_python_on(condition: str, python: str | None, text: str) -> None:
    assert since(condition, python) == text


def test_marker_of_jetson() -> None:
    one = "sys_platform == 'linux' and platform_machine == 'aarch64'"
    assert marker(("linux-aarch64",), jetson=True) == f"{one} and 'tegra' in platform_release"


def test_marker_refuses_what_is_no_platform() -> None:
    with pytest.raises(ValueError, match="linux-ppc64le"):
        marker(("linux-ppc64le",))


EVERY = [c for n in range(1, 8) for c in itertools.combinations(UNIVERSE, n)]


@pytest.mark.parametrize("platforms", EVERY, ids=",".join)
def test_exact_holds_on_exactly_its_platforms(platforms: tuple[str, ...]) -> None:
    assert platforms_of(exact(platforms)) == set(platforms)


def test_span_tells_jetson_apart() -> None:
    assert span(["linux-aarch64"]) == ("linux-aarch64", JETSON)
    assert span(["linux-aarch64"], jetson=True) == (JETSON,)
    assert span(["windows-amd64"]) == ("windows-amd64",)


HOLDS = {
    "sys_platform != 'linux'": {"windows-amd64", "windows-arm64", "macos-arm64", "macos-x86_64"},
    "platform_system == 'Windows' and platform_machine == 'AMD64'": {"windows-amd64"},
    "os_name == 'posix' and platform_machine == 'arm64'": {"macos-arm64"},
    "'tegra' in platform_release": {JETSON},
    "python_version < '3.12' and sys_platform == 'darwin'": {"macos-arm64", "macos-x86_64"},
    "python_version < '3.0'": set(),
    "extra == 'gpu'": set(),
    "this is no marker": set(UNIVERSE),
}


@pytest.mark.parametrize(("text", "platforms"), HOLDS.items())
def test_platforms_of(text: str, platforms: set[str]) -> None:
    assert platforms_of(text) == platforms


VAGUE = [
    ("platform_system == 'linux'", ("linux-x86_64",), True),
    ("platform_system == 'linux' and sys_platform == 'darwin'", ("linux-x86_64",), False),
    ("extra == 'cuda'", ("linux-x86_64",), True),
    ("sys_platform == 'emscripten'", ("linux-x86_64",), False),
    ("platform_machine == 'riscv64'", ("linux-x86_64",), False),
    ("platform_system == 'Darwin'", ("linux-x86_64",), False),
    ("", ("linux-x86_64",), False),
]


@pytest.mark.parametrize(("text", "platforms", "answer"), VAGUE)
def test_overlaps(text: str, platforms: tuple[str, ...], answer: bool) -> None:
    assert overlaps(text, platforms) is answer


def test_variables() -> None:
    text = "sys_platform == 'linux' and 'tegra' not in platform_release or python_version < \"3\""
    assert variables(text) == ("sys_platform", "platform_release", "python_version")


def test_each_machine_by_name() -> None:
    linux = ("linux-x86_64", "linux-aarch64", JETSON)
    assert exact(linux) == "sys_platform == 'linux'"
    assert exact(linux, each=("win32",)) == "sys_platform == 'linux'"
    assert exact(linux, each=("linux",)) == (
        "(sys_platform == 'linux' and platform_machine == 'x86_64') or "
        "(sys_platform == 'linux' and platform_machine == 'aarch64')"
    )
    assert not beyond(exact(UNIVERSE, each=("linux", "win32", "darwin")))


ALL = {"linux", "win32", "darwin"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ALL),
        ("sys_platform == 'linux'", {"linux"}),
        ("platform_machine != 'x86_64'", ALL),
        ("sys_platform == 'darwin' and platform_machine == 'arm64'", set()),
        ("no marker", ALL),
    ],
)
def test_beyond_the_known_machines(text: str, found: set[str]) -> None:
    assert beyond(text) == found
