"""Packages around torch in a selection: what caps torch, what is written, who is in conflict."""

import sys
from dataclasses import replace

import pytest
from tests.kit import told as kept
from tests.rules.test_channels import HOST, TABLES

from accelsel.model.errors import AccelselError
from accelsel.model.profile import AmdDriver, Drivers, NvidiaDriver, Profile
from accelsel.model.request import Request
from accelsel.model.selection import Package, Selection
from accelsel.rules import select


def host(*archs: str, driver: str = "580.65.06", cuda: str = "13.0") -> Profile:
    amd = any(arch.startswith("gfx") for arch in archs)
    nvidia = NvidiaDriver(version=driver, cuda_version=cuda, source="nvml")
    gpus = tuple(
        replace(HOST.gpus[0], index=index, arch=arch, vendor="amd" if amd else "nvidia")
        for index, arch in enumerate(archs)
    )
    drivers = Drivers(amd=AmdDriver(version=None, rocm_version=None, source="kfd")) if amd else None
    return replace(
        HOST,
        state="usable" if archs else "no-gpu",
        gpus=gpus,
        drivers=drivers or Drivers(nvidia=nvidia if archs else None),
    )


def chosen(profile: Profile, *companions: str, **request: object) -> Selection:
    return select(profile, replace(Request(companions=companions), **request), TABLES)  # type: ignore[arg-type]


def told(selection: Selection) -> tuple[str | None, str | None, str | None]:
    if selection.torch is None:
        return None, None, selection.backend
    return selection.torch.version, selection.torch.specifier, selection.backend


def package(selection: Selection, name: str) -> Package:
    (found,) = [one for one in selection.packages if one.name == name]
    return found


@pytest.mark.parametrize(
    ("archs", "driver", "name", "expected"),
    [
        ("sm_86", "580.65.06", "vllm", ("2.14.0", ">=2.14,<2.14.1", "cu130")),
        ("sm_86", "535.183.01", "vllm", ("2.10.0", ">=2.10,<2.11", "cu126")),
        ("sm_70", "580.65.06", "vllm", ("2.10.0", ">=2.10,<2.11", "cu129")),
        ("sm_90", "580.65.06", "sglang", ("2.14.1", ">=2.14.1,<2.15", "cu130")),
        ("sm_86", "580.65.06", "torch-scatter", ("2.12.1", ">=2.12,<2.13", "cu130")),
        ("sm_86", "580.65.06", "pyg-lib", ("2.14.1", ">=2.14,<2.15", "cu130")),
        ("sm_86", "580.65.06", "xformers", ("2.14.1", ">=2.10,<2.15", "cu130")),
        ("sm_90", "580.65.06", "flash-attn-3", ("2.14.1", ">=2.9,<2.15", "cu130")),
        ("sm_86", "580.65.06", "fbgemm-gpu", ("2.14.1", ">=2.14,<2.15", "cu130")),
        ("sm_90", "580.65.06", "tensorrt-llm", ("2.9.1", ">=2.9.1,<2.10", "cu130")),
        ("sm_86", "580.65.06", "torchao", ("2.15.0", ">=2.12,<2.16", "cu132")),
        ("", "", "torchtext", ("2.3.1", ">=2.3,<2.4", "cpu")),
        ("gfx1100", "", "torchao", ("2.14.1", ">=2.11,<2.15", "rocm7.2")),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_package_caps_torch(
    archs: str, driver: str, name: str, expected: tuple[str, str, str]
) -> None:
    cuda = "12.2" if driver.startswith("535") else "13.0"
    selection = chosen(host(*archs.split(), driver=driver, cuda=cuda), name)
    assert told(selection) == expected
    assert package(selection, name).kind != "triton"


def test_the_cap_is_explained() -> None:
    selection = chosen(host("sm_86"), "vllm")
    (reason,) = [reason for reason in selection.reasons if reason.rule == "companion"]
    assert "2.15.0" in reason.message
    assert "vllm" in reason.message
    rejected = [one for one in selection.rejected if one.rule == "companion"]
    assert {one.torch for one in rejected} >= {"2.15.0", "2.14.1"}


def test_the_python_is_one_that_all_have() -> None:
    free = chosen(host("sm_90"), requires_python=">=3.10")
    capped = chosen(host("sm_90"), "sglang", requires_python=">=3.10")
    assert free.python is not None
    assert (free.python > "3.13", capped.python) == (True, "3.13")


def test_a_python_that_no_release_has() -> None:
    selection = chosen(host("sm_90"), "tensorrt-llm", python="3.13")
    assert selection.outcome == "none"
    assert selection.reasons[0].rule == "companion"


@pytest.mark.parametrize(
    ("name", "wide", "pythons", "hint"),
    [
        ("tensorrt-llm", ">=3.11", ("3.12",), "'==3.12.*'"),
        ("tensorrt-llm", ">=3.10,<3.13", ("3.10", "3.12"), "'==3.12.*'"),
        ("tensorrt-llm", ">=3.12", (), ""),
        ("vllm", ">=3.10,<3.14", ("3.11", "3.12", "3.13"), "'>=3.11,<3.14'"),
        ("vllm", ">=3.11", (), ""),
        ("tensorrt-llm", None, (), ""),
    ],
)
def test_a_package_is_for_the_pythons_that_it_has_files_for(
    name: str, wide: str | None, pythons: tuple[str, ...], hint: str
) -> None:
    found = chosen(host("sm_90"), name, requires_python=wide)
    assert package(found, name).pythons == pythons
    hints = [one.hint for one in found.warnings if one.code == "companion-python"]
    assert bool(hints) == bool(pythons)
    assert all(hint in str(one) for one in hints)


@pytest.mark.parametrize(
    ("torch", "wide", "first"),
    [("==2.14.*", ">=3.9", "3.10"), (">=2.6", ">=3.9", None), ("==2.14.*", ">=3.10", None)],
)
def test_a_project_for_pythons_that_torch_has_no_wheels_for(
    torch: str, wide: str, first: str | None
) -> None:
    found = chosen(host("sm_61"), "torch-geometric", torch=torch, requires_python=wide)
    hints = [one.hint for one in found.warnings if one.code == "python-too-wide"]
    assert hints == ([f"requires-python = '>={first}', or an older torch"] if first else [])


def test_bounds_on_torch_are_never_moved() -> None:
    selection = chosen(host("sm_86"), "vllm", torch="==2.14.1")
    assert selection.outcome == "none"
    assert "2.14.0" in selection.reasons[0].message


def test_the_smallest_conflict_is_named() -> None:
    selection = chosen(host("sm_86"), "vllm>=0.33", "torch-scatter", "torchao", "deepspeed")
    assert selection.outcome == "none"
    messages = [reason.message for reason in selection.reasons if reason.rule == "companion"]
    assert "no torch serves torch-scatter and vllm>=0.33 together" in messages
    assert any(message.startswith("vllm>=0.33 goes with torch 2.14.0") for message in messages)


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        (
            ["torchvision==0.20.1", "torchaudio==2.9.0"],
            "no torch serves torchaudio==2.9.0 and torchvision==0.20.1 together",
        ),
        (
            ["torchvision==0.20.1", "torchao>=0.17"],
            "no torch serves torchvision==0.20.1 and torchao>=0.17 together",
        ),
        (
            ["triton==3.1.0", "torchao>=0.17", "requests"],
            "no torch serves triton==3.1.0 and torchao>=0.17 together",
        ),
        (
            ["flash-attn==2.8.3", "torchao", "flash-attn-4"],
            "no torch serves flash-attn==2.8.3 and flash-attn-4 together",
        ),
        (
            ["fbgemm-gpu", "fbgemm-gpu-cpu"],
            "no torch serves fbgemm-gpu-cpu here: fbgemm-gpu-cpu has no build for cu126",
        ),
    ],
    ids=["the-family", "family-and-another", "triton", "a-clash", "one-alone"],
)
def test_the_smallest_set_in_conflict_is_named(asked: list[str], line: str) -> None:
    selection = chosen(host("sm_90", driver="525.60.13", cuda="12.0"), *asked)
    assert selection.outcome == "none"
    assert any(reason.message.startswith(line) for reason in selection.reasons)


def test_what_one_package_lacks_is_told_once() -> None:
    messages = [r.message for r in chosen(host("sm_75"), "flash-attn-4", "requests").reasons]
    assert sum("flash-attn-4 has no code for sm_75" in message for message in messages) == 1


def test_a_triton_asked_for_holds_torch_back() -> None:
    selection = chosen(host("sm_120"), "triton<3.7")
    assert told(selection) == ("2.11.0", ">=2.9,<2.12", "cu130")
    messages = [reason.message for reason in selection.reasons]
    assert (
        "torch 2.15.0 with cu132 is held back: triton<3.7 was asked for, and torch 2.15.0 asks for "
        "triton~=3.9.0"
    ) in messages


def test_indexes_of_the_packages_are_in_the_selection() -> None:
    selection = chosen(host("sm_86"), "torch-scatter", "tensorrt")
    assert {(index.name, index.format) for index in selection.indexes} == {
        ("pyg-212-cu130", "flat"), ("nvidia", "simple"),
    }  # fmt: skip


def test_a_chosen_index_of_wheels() -> None:
    selection = chosen(host("sm_86"), "flash-attn", prebuilt=("astral",))
    assert told(selection) == ("2.12.1", ">=2.9,<2.13", "cu130")
    assert package(selection, "flash-attn").index == "astral-cu130"
    assert not package(selection, "flash-attn").match_runtime
    assert any(
        "flash-attn from https://wheels.astral.sh" in reason.message and "trusted" in reason.message
        for reason in selection.reasons
    )


def test_an_index_of_wheels_that_is_not_known() -> None:
    with pytest.raises(AccelselError) as caught:
        chosen(host("sm_86"), "flash-attn", prebuilt=("wheels.example",))
    assert (caught.value.code, caught.value.kind) == (2, "unknown-prebuilt")
    assert "astral" in (caught.value.help or "")


def test_names_that_are_not_in_the_table_are_told_and_left_alone() -> None:
    selection = chosen(host("sm_86"), "requests", "numpy")
    assert told(selection) == told(chosen(host("sm_86")))
    assert [reason.message for reason in selection.reasons if reason.rule == "companion"] == [
        "left alone, as the rules table does not have them: requests, numpy"
    ]


def test_the_table_is_read_only_for_packages_around_torch() -> None:
    read = []

    def companions() -> object:
        read.append(1)
        assert TABLES.companions is not None
        return TABLES.companions()

    tables = replace(TABLES, companions=companions)  # type: ignore[arg-type]
    select(host("sm_86"), Request(companions=("torchvision",)), tables)
    assert read == []
    select(host("sm_86"), Request(companions=("torchao",)), tables)
    assert read


def test_without_a_table_every_name_is_left_alone() -> None:
    tables = replace(TABLES, companions=None)
    selection = select(host("sm_86"), Request(companions=("vllm",)), tables)
    assert told(selection) == told(chosen(host("sm_86")))


def test_amd_names_are_all_routed_and_pinned() -> None:
    selection = chosen(host("gfx1031"), "torchvision", "torchaudio")
    assert told(selection) == ("2.14.0", "==2.14.0+rocm10.1.0", "amd")
    assert selection.torch is not None
    assert selection.torch.extras == ("device-gfx1031",)
    routed = {one.name: one.specifier for one in selection.packages}
    assert routed == {
        "torchvision": "==0.29.0a0+rocm10.1.0",
        "torchaudio": "==2.11.0.3+rocm10.1.0",
        "triton": "==3.8.0+git675c5987.rocm10.1.0",
        "rocm": ">=0",
        "rocm-bootstrap": ">=0",
        "rocm-sdk-core": ">=0",
        "rocm-sdk-libraries": ">=0",
        "rocm-sdk-device-gfx1031": ">=0",
        "amd-torch-device-gfx1031": ">=0",
        "amd-torchvision-device-gfx1031": ">=0.29.0a0",
    }
    assert {one.index for one in selection.packages} == {"amd"}
    assert package(selection, "torchvision").extras == ("device-gfx1031",)
    assert package(selection, "torchaudio").extras == ()


def test_amd_triton_is_nowhere_but_where_a_wheel_asks_for_it() -> None:
    triton = package(chosen(host("gfx1031")), "triton")
    assert triton.override
    assert triton.platforms == ("linux-x86_64",)
    assert triton.elsewhere == ("linux-aarch64",)


def test_amd_family_packages() -> None:
    selection = chosen(host("gfx1201"), backend="amd")
    names = {one.name for one in selection.packages}
    assert {"amd-torch-device-gfx1201", "amd-torch-device-gfx12-0"} <= names


def test_several_amd_gpus_get_the_code_of_each() -> None:
    selection = chosen(host("gfx1031", "gfx1201"))
    assert selection.torch is not None
    assert selection.torch.extras == ("device-gfx1031", "device-gfx1201")
    names = {one.name for one in selection.packages}
    assert {"rocm-sdk-device-gfx1031", "rocm-sdk-device-gfx1201"} <= names


def test_what_a_package_brings_must_exist_for_the_backend() -> None:
    profile = host("sm_90", driver="595.71.05", cuda="13.2")
    assert chosen(profile).backend == "cu132"
    assert chosen(profile, "vllm").backend == "cu130"  # the cu132 index has no torchaudio


def test_plain_select_does_not_import_the_rows() -> None:
    import subprocess

    code = (
        "import sys; from accelsel.knowledge import load; from accelsel.rules import select;"
        "from accelsel.model.request import Request; select(None, Request(platform='linux-x86_64',"
        "backend='cu130'), load()); print('accelsel.model.companion' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("bound", "expected"),
    [("", ">=4.0.4"), (">=2.7", ">=4.0.4"), ("==2.7.1", "<4"), ("<2.8", "<4")],
)
def test_an_older_release_is_taken_where_the_project_asks_for_an_older_torch(
    bound: str, expected: str
) -> None:
    found = chosen(host(), "pyannote-audio", torch=bound)
    assert package(found, "pyannote-audio").specifier == expected


TOLD: dict[str, tuple[Profile, str, dict[str, object]]] = {
    "vllm": (host("sm_86"), "vllm", {}),
    "a package of a few Pythons": (
        host("sm_90"), "tensorrt-llm", {"requires_python": ">=3.10,<3.13"},
    ),
    "a package of some Pythons without a gap": (
        host("sm_90"), "vllm", {"requires_python": ">=3.10,<3.14"},
    ),
    "a Python that torch has left": (
        host("sm_61"), "torch-geometric", {"torch": "==2.14.*", "requires_python": ">=3.9"},
    ),
    "indexes of their own": (host("sm_86"), "torch-scatter tensorrt requests", {}),
    "finished wheels": (host("sm_86"), "flash-attn natten", {"prebuilt": ("astral", "natten")}),
    "the device code of AMD": (host("gfx1031", "gfx1201"), "torchvision torchaudio numpy", {}),
    "unsloth on a Radeon": (host("gfx1100"), "unsloth", {}),
    "a name that may ask for triton, beside the CPU": (
        host(), "requests", {"requires_python": ">=3.9"},
    ),
    "a name that may ask for triton, beside CUDA": (
        host("sm_86"), "requests", {"torch": "==2.8.*", "requires_python": ">=3.9"},
    ),
    "a triton that holds torch back": (host("sm_120"), "triton<3.7", {}),
    "a nightly": (host("sm_90"), "torchvision", {"channel": "nightly"}),
    "a nightly of before": (host("sm_90"), "unsloth-zoo", {"torch": "==2.10.0.dev20251208"}),
    "a nightly on a Radeon": (host("gfx1100"), "", {"channel": "nightly"}),
    "a nightly for the CPU": (host(), "", {"channel": "nightly"}),
    "no Python": (host("sm_90"), "tensorrt-llm", {"python": "3.13"}),
    "bounds in the way": (host("sm_86"), "vllm", {"torch": "==2.14.1"}),
    "two in each other's way": (host("sm_86"), "vllm>=0.33 torch-scatter torchao deepspeed", {}),
    "two of the family": (host("sm_90"), "torchvision==0.20.1 torchaudio==2.9.0", {}),
    "one alone": (host("sm_75"), "flash-attn-4 requests", {}),
    "a clash": (host("sm_90"), "flash-attn==2.8.3 torchao flash-attn-4", {}),
}  # fmt: skip


@pytest.mark.parametrize("name", TOLD)
def test_what_is_told(name: str) -> None:
    profile, asked, more = TOLD[name]
    found = chosen(profile, *asked.split(), **more)
    text = kept.text(found, without=("rejected", "rules"))
    for one in found.rejected[:6]:
        text += f"not {one.torch} {one.backend}, {one.rule}: {one.message}\n"
    kept.same(f"selections/{name.replace(' ', '-').replace(',', '')}", text)


def test_an_unknown_index_of_wheels_is_told_with_those_that_are_known() -> None:
    with pytest.raises(AccelselError) as caught:
        chosen(host("sm_86"), "flash-attn", prebuilt=("wheels.example",))
    error = caught.value
    assert error.message == "there is no index of finished wheels named 'wheels.example'"
    assert error.where == "--prebuilt"
    assert (error.help or "").startswith("one of astral, ")
