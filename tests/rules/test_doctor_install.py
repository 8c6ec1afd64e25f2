"""For whom a wheel is, by its tag, and what became of an environment."""

import pytest
from tests.rules.hosts import host
from tests.rules.test_doctor_subject import environment, subject

from accelsel.model.profile import Profile
from accelsel.rules.doctor_install import _against

LINUX, ARM = host(), host(arch="aarch64")
WINDOWS, MAC = host(system="windows"), host(system="darwin", arch="arm64")


@pytest.mark.parametrize(
    ("tag", "profile", "whom"),
    [
        ("py3-none-any", LINUX, None),
        ("cp312-cp312-manylinux_2_28_x86_64", LINUX, None),
        ("cp312-cp312-musllinux_1_2_x86_64", LINUX, None),
        ("cp312-cp312-linux_x86_64", LINUX, None),
        ("cp312-cp312-manylinux_2_28_aarch64", LINUX, "aarch64 processors"),
        ("cp312-cp312-manylinux_2_28_x86_64", ARM, "x86_64 processors"),
        ("cp312-cp312-manylinux_2_28_ppc64le", LINUX, None),
        ("cp312-cp312-linux_x86_64", host(arch="riscv64"), None),
        ("cp312-cp312-win_amd64", LINUX, "Windows"),
        ("cp312-cp312-macosx_11_0_arm64", LINUX, "macOS"),
        ("cp312-cp312-manylinux_2_28_x86_64", WINDOWS, "Linux"),
        ("cp312-cp312-win_amd64", WINDOWS, None),
        ("cp312-cp312-macosx_11_0_arm64", MAC, None),
        ("cp312-cp312-manylinux_2_28_x86_64", MAC, "Linux"),
        ("cp312-cp312-any_other", MAC, None),
        ("cp311-cp311-manylinux_2_28_x86_64", LINUX, "Python 3.11; this is 3.12"),
        ("cp313-none-any", LINUX, None),
        ("cp313-abi3-any", LINUX, "Python 3.13 or newer"),
        ("cp39-abi3-any", LINUX, None),
        ("cp312-abi3-any", LINUX, None),
        ("py2.py3-none-any", LINUX, None),
        ("cp3-cp3-any", LINUX, None),
        ("pp310-pypy310-any", LINUX, None),
        ("cp312-cp312t-any", LINUX, "the free-threaded Python 3.12; this is the ordinary one"),
        ("cp311.cp312-cp311-any", LINUX, "Python 3.11; this is 3.12"),
    ],
)
def test_for_whom_a_wheel_is(tag: str, profile: Profile, whom: str | None) -> None:
    assert _against(subject(profile), environment(), tag) == whom


@pytest.mark.parametrize(
    ("tag", "whom"),
    [
        ("cp314-cp314-any", "the ordinary Python 3.14; this is the free-threaded one"),
        ("cp314-cp314t-any", None),
        ("cp310-abi3-any", "ordinary Pythons; this is a free-threaded one"),
        ("cp313-cp313t-any", "Python 3.13; this is 3.14"),
    ],
)
def test_a_free_threaded_python(tag: str, whom: str | None) -> None:
    free = environment(python="3.14.0", free_threaded=True)
    assert _against(subject(), free, tag) == whom


def test_what_is_not_known_of_a_python_is_not_held_against_a_wheel() -> None:
    assert _against(subject(), environment(python=None), "cp311-cp311-any") is None
    unread = environment(free_threaded=None)
    assert _against(subject(), unread, "cp312-cp312t-any") is None
