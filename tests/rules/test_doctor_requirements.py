"""Requires-Dist lines and their markers, as the doctor reads them."""

import pytest
from tests.rules.hosts import host
from tests.rules.test_doctor_subject import environment, package, subject

from accelsel.model.installed import Environment
from accelsel.model.profile import Profile
from accelsel.rules.doctor_requirements import (
    Asked,
    _applies,
    _holds,
    _read,
    marker_environment,
)

SYSTEMS = {
    "linux": ("linux", "Linux", "posix"),
    "windows": ("win32", "Windows", "nt"),
    "darwin": ("darwin", "Darwin", "posix"),
}


@pytest.mark.parametrize(
    ("profile", "found", "machine", "minor"),
    [
        (host(), environment(python="3.11.9"), "x86_64", "3.11"),
        (host(system="windows"), environment(python=None), "AMD64", "3.12"),
        (host(system="windows", arch="arm64"), None, "ARM64", "3.12"),
        (host(system="darwin", arch="arm64"), environment(python="3.14.0"), "arm64", "3.14"),
        (host(arch="aarch64"), None, "aarch64", "3.12"),
    ],
)
def test_the_environment_of_markers(
    profile: Profile, found: Environment | None, machine: str, minor: str
) -> None:
    python = found.python if found and found.python else "3.12.3"
    names = ("sys_platform", "platform_system", "os_name")
    assert marker_environment(subject(profile, environment=found)) == {
        **dict(zip(names, SYSTEMS[profile.os.system], strict=True)),
        "python_version": minor,
        "python_full_version": python,
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
        "implementation_version": python,
        "platform_release": "",
        "platform_version": "",
        "extra": "",
    }


@pytest.mark.parametrize(
    ("marker", "applies"),
    [
        ("", True),
        ("sys_platform == 'linux'", True),
        ('sys_platform == "win32"', False),
        ("sys_platform != 'win32' and platform_machine == 'x86_64'", True),
        ("sys_platform == 'linux' and platform_machine == 'aarch64'", False),
        ("python_version < '3.13'", True),
        ("python_version < '3.9' or sys_platform == 'linux'", True),
        ("extra == 'torch'", False),
        ("extra == ''", True),
        ("no marker", False),
        ("unknown == 'x'", False),
    ],
)
def test_a_marker_holds_here(marker: str, applies: bool) -> None:
    asked = Asked(name="a", specifier="", marker=marker)
    assert _applies(subject(environment=environment()), asked) is applies


@pytest.mark.parametrize(
    ("specifier", "version", "holds"),
    [
        ("", "1.0", True),
        ("==2.14.1", "2.14.1+cu126", True),
        ("==2.14.1+cu126", "2.14.1+cu126", True),
        ("==2.14.1+cu126", "2.14.1+cpu", False),
        ("<2.14", "2.14.1", False),
        ("no specifier", "2.14.1", True),
    ],
)
def test_a_specifier_holds(specifier: str, version: str, holds: bool) -> None:
    assert _holds(specifier, version) is holds


def test_lines_of_every_builder() -> None:
    lines = (
        "torch (>=2.0,<3)", "Torch_Vision[extra] >= 0.2 ; extra == 'x'", "torch @ https://a.example/",
        "triton==3.1.0;sys_platform=='linux'", "a.b",
    )  # fmt: skip
    found = [(one.name, one.specifier, one.marker) for one in _read(package("x", requires=lines))]
    assert found == [
        ("torch", ">=2.0,<3", ""),
        ("torch-vision", ">= 0.2", "extra == 'x'"),
        ("triton", "==3.1.0", "sys_platform=='linux'"),
        ("a-b", "", ""),
    ]
