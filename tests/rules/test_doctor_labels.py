"""What extension wheels write into their names."""

import pytest

from accelsel.rules.doctor_labels import abi_of, read


@pytest.mark.parametrize(
    ("text", "torch", "cuda", "cpu", "abi"),
    [
        ("pt25cu124", (2, 5), (12, 4), False, None),
        ("pt210cu128", (2, 10), (12, 8), False, None),
        ("pt24cpu", (2, 4), (), True, None),
        ("cu12torch2.6cxx11abiFALSE", (2, 6), (12,), False, False),
        ("cu12torch2.10cxx11abitrue", (2, 10), (12,), False, True),
        ("cu13torch2.10cxx11abiTRUE", (2, 10), (13,), False, True),
        ("cu128torch2.7.0cxx11abiFALSE", (2, 7), (12, 8), False, False),
        ("cu128.torch271", (2, 7), (12, 8), False, None),
        ("torch280cu128", (2, 8), (12, 8), False, None),
        ("torch2100cu130", (2, 10), (13, 0), False, None),
        ("cu.13.0.torch.2.11", (2, 11), (13, 0), False, None),
        ("cu128+torch2.7.0", (2, 7), (12, 8), False, None),
        ("cu118", None, (11, 8), False, None),
        ("cpu", None, (), True, None),
    ],
)
def test_labels(
    text: str, torch: tuple[int, int] | None, cuda: tuple[int, ...], cpu: bool, abi: bool | None
) -> None:
    label = read(text)
    assert label is not None
    assert torch in label.torch if torch else label.torch == ()
    assert (label.cuda, label.cpu, label.abi) == (cuda, cpu, abi)


@pytest.mark.parametrize("text", ["git1234abc", "computecanada", "ubuntu1", "post3", "accurate"])
def test_other_local_versions_say_nothing(text: str) -> None:
    assert read(text) is None


@pytest.mark.parametrize(
    ("release", "backend", "platform", "abi"),
    [
        ((2, 7, 0), "cu118", "linux-x86_64", True),
        ((2, 6, 0), "cu126", "linux-x86_64", True),
        ((2, 6, 0), "cu124", "linux-x86_64", False),
        ((2, 6, 0), "cpu", "linux-aarch64", True),
        ((2, 5, 1), "cu124", "linux-x86_64", False),
        ((2, 5, 1), "cpu", "linux-aarch64", None),
        ((2, 7, 0), "cu128", "windows-amd64", None),
    ],
)
def test_abi(release: tuple[int, ...], backend: str, platform: str, abi: bool | None) -> None:
    assert abi_of(release, backend, platform) is abi
