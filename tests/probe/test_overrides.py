import pytest

from accelsel.model.errors import AccelselError
from accelsel.probe import overrides
from accelsel.probe.facts import ArchOverride, DriverOverride, Overrides


def read(**env: str) -> Overrides:
    return overrides.read(env.get)


def driver(
    source: str, version: str | None = None, cuda_version: str | None = None
) -> DriverOverride:
    return DriverOverride(version=version, cuda_version=cuda_version, source=f"env:{source}")


@pytest.mark.parametrize(
    ("name", "value", "version", "cuda"),
    [
        ("ACCELSEL_CUDA_DRIVER", "580.65.06", "580.65.06", None),
        ("ACCELSEL_CUDA_DRIVER", "535", "535", None),
        ("ACCELSEL_CUDA_DRIVER", "12.8", None, "12.8"),
        ("ACCELSEL_CUDA_DRIVER", "13", None, "13.0"),
        ("ACCELSEL_CUDA_DRIVER", " 12.8.1 ", None, "12.8"),
        ("ACCELSEL_CUDA_DRIVER", "", None, None),
        ("UV_CUDA_DRIVER_VERSION", "550.144.03", "550.144.03", None),
        ("CONDA_OVERRIDE_CUDA", "12.4", None, "12.4"),
        ("CONDA_OVERRIDE_CUDA", "12.4=0", None, "12.4"),
        ("CONDA_OVERRIDE_CUDA", "", None, None),
        ("NV_VARIANT_PROVIDER_FORCE_CUDA_DRIVER_VERSION", "12.6", None, "12.6"),
    ],
)
def test_driver(name: str, value: str, version: str | None, cuda: str | None) -> None:
    assert read(**{name: value}).driver == driver(name, version, cuda)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ACCELSEL_CUDA_DRIVER", "banana"),
        ("ACCELSEL_CUDA_DRIVER", "128"),
        ("ACCELSEL_CUDA_DRIVER", "cu128"),
        ("ACCELSEL_CUDA_DRIVER", "-1"),
        ("ACCELSEL_CUDA_DRIVER", "0"),
        ("ACCELSEL_CUDA_DRIVER", "99.9"),
        ("ACCELSEL_CUDA_DRIVER", "580."),
        ("ACCELSEL_CUDA_DRIVER", "580.65.06.01.02"),
        ("ACCELSEL_CUDA_DRIVER", "9999999999"),
        ("ACCELSEL_CUDA_DRIVER", "١٢.٨"),
        ("UV_CUDA_DRIVER_VERSION", "12.8"),
        ("CONDA_OVERRIDE_CUDA", "580.65.06"),
        ("CONDA_OVERRIDE_CUDA", "12.4=build"),
        ("NV_VARIANT_PROVIDER_FORCE_CUDA_DRIVER_VERSION", "580"),
        ("ACCELSEL_GPU_ARCH", "banana"),
        ("ACCELSEL_GPU_ARCH", "sm_61,banana"),
        ("ACCELSEL_GPU_ARCH", "sm_999"),
        ("ACCELSEL_GPU_ARCH", "sm_7"),
        ("ACCELSEL_GPU_ARCH", "61"),
        ("ACCELSEL_GPU_ARCH", ","),
        ("ACCELSEL_GPU_ARCH", "gfx"),
        ("ACCELSEL_GPU_ARCH", "gfx000"),
        ("ACCELSEL_GPU_ARCH", "gfx11-generic"),
        ("ACCELSEL_GPU_ARCH", "apple-m0"),
        ("UV_AMD_GPU_ARCHITECTURE", "sm_61"),
        ("CONDA_OVERRIDE_CUDA_ARCH", "gfx1100"),
        ("CONDA_OVERRIDE_CUDA_ARCH", "8.6=0=1"),
        ("NV_VARIANT_PROVIDER_FORCE_SM_ARCH", "x"),
    ],
)
def test_implausible(name: str, value: str) -> None:
    with pytest.raises(AccelselError) as caught:
        read(**{name: value})
    assert (caught.value.code, caught.value.kind) == (2, "bad-override")
    assert name in caught.value.message
    assert "\n" not in caught.value.message


def test_a_long_value_is_shown_in_part() -> None:
    with pytest.raises(AccelselError) as caught:
        read(ACCELSEL_CUDA_DRIVER="\x1b" * 1000)
    assert len(caught.value.message) < 300
    assert "\x1b" not in caught.value.message


def test_what_to_give_instead_is_said() -> None:
    with pytest.raises(AccelselError) as caught:
        read(ACCELSEL_CUDA_DRIVER="128")
    assert caught.value.help == (
        "give a driver version such as 580.65.06 or a CUDA version such as 12.8, leave it empty to "
        "pretend there is none, or unset ACCELSEL_CUDA_DRIVER"
    )


def test_first_one_set_wins_for_each_fact() -> None:
    found = read(
        ACCELSEL_CUDA_DRIVER="",
        UV_CUDA_DRIVER_VERSION="580.65.06",
        UV_AMD_GPU_ARCHITECTURE="gfx1100",
        CONDA_OVERRIDE_CUDA="not read, since another one is set",
        CONDA_OVERRIDE_CUDA_ARCH="8.6",
        NV_VARIANT_PROVIDER_FORCE_SM_ARCH="not read either",
    )
    assert found.driver == driver("ACCELSEL_CUDA_DRIVER")
    assert found.archs == {
        "amd": ArchOverride(archs=("gfx1100",), source="env:UV_AMD_GPU_ARCHITECTURE"),
        "nvidia": ArchOverride(archs=("sm_86",), source="env:CONDA_OVERRIDE_CUDA_ARCH"),
    }


def test_the_list_of_all_gpus_speaks_for_every_vendor() -> None:
    found = read(ACCELSEL_GPU_ARCH="sm_61, gfx1100,SM_90a,xe-hpg", UV_AMD_GPU_ARCHITECTURE="gfx906")
    assert {vendor: stated.archs for vendor, stated in found.archs.items()} == {
        "nvidia": ("sm_61", "sm_90"),
        "amd": ("gfx1100",),
        "intel": ("xe-hpg",),
        "apple": (),
    }
    assert {stated.source for stated in found.archs.values()} == {"env:ACCELSEL_GPU_ARCH"}


@pytest.mark.parametrize(
    ("entry", "vendor", "arch"),
    [
        ("sm_120", "nvidia", "sm_120"),
        ("12.0", "nvidia", "sm_120"),
        ("gfx90a", "amd", "gfx90a"),
        ("gfx942:sramecc+:xnack-", "amd", "gfx942"),
        ("gen9", "intel", "gen9"),
        ("xe2", "intel", "xe2"),
        ("apple-m3", "apple", "apple-m3"),
    ],
)
def test_names_of_architectures(entry: str, vendor: str, arch: str) -> None:
    archs = {name: stated.archs for name, stated in read(ACCELSEL_GPU_ARCH=entry).archs.items()}
    assert archs == {name: (arch,) if name == vendor else () for name in archs}


@pytest.mark.parametrize("value", ["8.6", "8.6=0", "sm_86"])
def test_capability_as_conda_writes_it(value: str) -> None:
    assert read(CONDA_OVERRIDE_CUDA_ARCH=value).archs["nvidia"].archs == ("sm_86",)


def test_empty_list_means_no_gpu() -> None:
    assert {stated.archs for stated in read(ACCELSEL_GPU_ARCH="").archs.values()} == {()}
    assert len(read(ACCELSEL_GPU_ARCH="").archs) == 4


def test_nothing_set() -> None:
    assert read() == Overrides()


OWN = {"UV_CUDA_DRIVER_VERSION": "580.65.06", "UV_TORCH_BACKEND": "cu130"}


def test_own_output_is_no_fact() -> None:
    env = {**OWN, "ACCELSEL_ENV": overrides.mark(OWN)}
    assert read(**env) == Overrides()
    assert overrides.is_own(env.get, "UV_TORCH_BACKEND")


def test_a_value_that_the_user_has_changed_is_a_fact() -> None:
    env = {**OWN, overrides.MARK: overrides.mark(OWN), "UV_CUDA_DRIVER_VERSION": "535.183.01"}
    assert read(**env).driver == driver("UV_CUDA_DRIVER_VERSION", "535.183.01")
    assert not overrides.is_own(env.get, "UV_CUDA_DRIVER_VERSION")


def test_a_variable_beside_the_mark_is_a_fact() -> None:
    env = {**OWN, overrides.MARK: overrides.mark(OWN), "UV_AMD_GPU_ARCHITECTURE": "gfx1100"}
    assert read(**env).archs["amd"].archs == ("gfx1100",)


def test_a_mark_without_a_list_covers_other_tools_variables() -> None:
    env = {**OWN, overrides.MARK: "1", "ACCELSEL_GPU_ARCH": "sm_90"}
    found = read(**env)
    assert found.driver is None
    assert found.archs["nvidia"].archs == ("sm_90",)
