"""The reported situations, solved by `accelsel pin --write` alone."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from tests.e2e.conftest import HOSTS, OLD_TORCH, PYTHON_310, THIS_PYTHON, Project
from tests.kit.replay import Replay
from tests.kit.replay_catalog import Dist
from tests.kit.replay_fixtures import load

HEAD = '[project]\nname = "p"\nversion = "0"\n'
GENERIC = {"numpy", "requests", "filelock", "sympy", "jinja2", "setuptools", "typing-extensions"}


def project_text(*needs: str, python: str = ">=3.11") -> str:
    listed = ", ".join(f'"{need}"' for need in needs)
    return f'{HEAD}requires-python = "{python}"\ndependencies = [{listed}]\n'


def assert_settled(project: Project) -> None:
    """No file has two owners, the generic packages are the default index's, nothing moves."""
    assert project.shared() == {}
    assert not GENERIC & project.taken_from("/whl/")
    before = project.lock.read_bytes(), project.installed()
    project.uv("lock", "--check")
    project.uv("sync")
    project.uv("run", "python", "-c", "import torch")
    assert (project.lock.read_bytes(), project.installed()) == before


@pytest.mark.parametrize(
    ("host", "needs", "expected"),
    [
        pytest.param(
            "mi300x",
            ["torch>=2.5.1"],
            {"torch": "2.14.1+rocm7.2", "triton_rocm": "3.8.0"},
            id="rocm-today",
        ),
        pytest.param(
            "mi300x", ["torch", "wants-triton"], {"triton_rocm": "3.8.0"}, id="rocm-and-a-triton"
        ),
        pytest.param(
            "mi300x",
            ["torch>=2.5.1,<2.6"],
            {"torch": "2.5.1+rocm6.2", "pytorch_triton_rocm": "3.1.0"},
            id="rocm-as-reported",
            marks=OLD_TORCH,
        ),
        pytest.param(
            "arc-a770",
            ["torch<2.10"],
            {"torch": "2.9.1+xpu", "pytorch_triton_xpu": "3.5.0"},
            id="xpu-old-name",
        ),
        pytest.param(
            "arc-a770", ["torch"], {"torch": "2.14.1+xpu", "triton_xpu": "3.8.0"}, id="xpu-new-name"
        ),
    ],
)
def test_triton_of_the_same_index(
    make_project: Callable[[str], Project],
    host: str,
    needs: list[str],
    expected: Mapping[str, str],
) -> None:
    project = make_project(project_text(*needs, "requests>=2.32.2"))
    project.pin(host, "--write", "--sync")
    installed = project.installed()
    assert {name: installed.get(name) for name in expected} == expected
    assert_settled(project)


def by_hand(index: str, names: list[str], *needs: str, url: str) -> str:
    """A project as uv's own guide writes it: the triton of torch required by name."""
    sources = "".join(f'{name} = {{ index = "pytorch" }}\n' for name in names)
    return (
        f"{project_text(*needs)}[tool.uv.sources]\n{sources}"
        f'[[tool.uv.index]]\nname = "pytorch"\nurl = "{url}/whl/{index}"\nexplicit = true\n'
    )


OLD_ROCM = "pytorch-triton-rocm>=3.5.1 ; sys_platform == 'linux'"
NEW_ROCM = "triton-rocm>=3.6.0 ; sys_platform == 'linux'"
OLD_XPU = "pytorch-triton-xpu>=3.5 ; sys_platform == 'win32' or sys_platform == 'linux'"


@pytest.mark.parametrize(
    ("host", "needs", "words", "expected"),
    [
        pytest.param(
            "mi300x",
            ["torch>=2.9", OLD_ROCM, NEW_ROCM],
            [],
            {"torch": "2.14.1+rocm7.2", "triton_rocm": "3.8.0"},
            id="rocm-both-names",
        ),
        pytest.param(
            "mi300x",
            ["torch>=2.9,<2.10", OLD_ROCM],
            [],
            {"torch": "2.9.1+rocm6.4", "pytorch_triton_rocm": "3.5.1"},
            id="rocm-old-name",
        ),
        pytest.param(
            "arc-a770",
            ["torch>=2.9", OLD_XPU],
            [],
            {"torch": "2.14.1+xpu", "triton_xpu": "3.8.0"},
            id="xpu-of-an-older-torch",
        ),
        pytest.param(
            "arc-a770",
            ["torch>=2.9,<2.10", OLD_XPU],
            [],
            {"torch": "2.9.1+xpu", "pytorch_triton_xpu": "3.5.0"},
            id="xpu-old-name",
        ),
        pytest.param(
            "mi300x",
            ["torch>=2.9", OLD_ROCM, NEW_ROCM],
            ["--backends", "rocm7.2,rocm6.4"],
            {"torch": "2.14.1+rocm7.2", "triton_rocm": "3.8.0"},
            id="two-backends",
        ),
    ],
)
def test_the_triton_of_torch_is_a_requirement_of_the_project(
    make_project: Callable[[str], Project],
    replay: Replay,
    host: str,
    needs: list[str],
    words: list[str],
    expected: Mapping[str, str],
) -> None:
    """Its marker reaches machines that torch's index has no build for, and it may be the triton of
    another torch."""
    index = "rocm6.4" if host == "mi300x" else "xpu"
    names = ["torch", *(need.partition(">")[0] for need in needs[1:])]
    text = by_hand(index, names, *needs, url=replay.url)
    project = make_project(text)
    project.pin(host, "--write", "--sync", *words)
    installed = project.installed()
    assert {name: installed.get(name) for name in expected} == expected
    assert len(project.owners("triton")) == 1
    assert_settled(project)
    project.accelsel("unpin", "--write")
    assert project.file.read_text() == text


@pytest.mark.parametrize(
    "setting",
    [
        '[[tool.uv.index]]\nname = "rocm"\nurl = "{url}/whl/rocm6.2"\n',
        '[[tool.uv.index]]\nurl = "{url}/whl/nightly/rocm6.2"\n',
        '[tool.uv]\nextra-index-url = ["{url}/whl/cu118"]\nindex-strategy = "unsafe-best-match"\n',
    ],
    ids=["named", "nameless", "extra-index-url"],
)
def test_an_index_below_the_mirror_that_shadows(
    make_project: Callable[[str], Project], replay: Replay, setting: str
) -> None:
    """The mirror says what is PyTorch's there, as the host itself would."""
    text = project_text("torch>=2.5.1", "requests>=2.32.2") + setting.format(url=replay.url)
    project = make_project(text)
    project.pin("mi300x", "--write", "--sync")
    assert project.taken_from("/whl/") == {"torch", "triton-rocm"}
    written = project.file.read_text().partition("[tool.accelsel")[0]
    assert not {"rocm6.2", "cu118"} & set(written.replace('"', "/").split("/"))
    assert "unsafe" not in written
    assert written.count("[[tool.uv.index]]") == written.count("explicit = true") == 1
    assert_settled(project)


def test_an_override_of_the_project_gives_way_to_the_mask(
    make_project: Callable[[str], Project],
) -> None:
    own = '[tool.uv]\noverride-dependencies = ["triton>=3"]\n'
    text = project_text("torch", "wants-triton") + own
    project = make_project(text)
    project.pin("mi300x", "--write", "--sync")
    assert project.owners("triton") == {"triton_rocm"}
    assert "triton" not in {one["name"] for one in project.locked()}
    assert "exclude-dependencies" not in project.file.read_text()  # which uv 0.9.0 does not know
    assert_settled(project)
    project.accelsel("unpin", "--write")
    assert project.file.read_text() == text


@OLD_TORCH
def test_a_wheel_url_becomes_a_version(
    make_project: Callable[[str], Project], replay: Replay
) -> None:
    tag = f"cp{sys.version_info.major}{sys.version_info.minor}"
    wheel = f"torch-2.2.1%2Bcu118-{tag}-{tag}-linux_x86_64.whl"
    url = f"https://download.pytorch.org/whl/cu118/{wheel}"
    project = make_project(project_text(f"torch @ {url}", "torchaudio", "certifi>=2024.2.2"))
    project.pin("gtx-1080-ti-580", "--write", "--sync")
    assert project.installed()["torch"].startswith("2.2.1+cu")
    assert project.installed()["torchaudio"].partition("+")[0] == "2.2.1"
    assert "@" not in project.file.read_text().partition("[tool")[0]
    assert_settled(project)


@pytest.mark.parametrize(
    ("needs", "words", "sync"),
    [
        (["torch==2.9.0", "torchvision"], [], []),
        (["torch", "torchvision==0.24.0"], [], []),
        (["torch==2.9.0", "torchvision"], ["--backends", "cpu,cu126"], ["--group", "cpu"]),
    ],
    ids=["torch", "torchvision", "several"],
)
def test_a_file_of_the_index_for_another_platform(
    make_project: Callable[[str], Project], needs: list[str], words: list[str], sync: list[str]
) -> None:
    """Torchvision 0.24.0 is there for Windows on Arm alone under a local version that comes first;
    uv takes it, and has nothing to install."""
    project = make_project(project_text(*needs, "requests", python=">=3.11,<3.14"))
    project.pin("no-gpu", "--write", "--lock", *words)
    project.uv("sync", *sync)
    assert project.installed()["torchvision"] == "0.24.0+cpu"
    assert project.installed()["torch"] == "2.9.0+cpu"
    project.uv("lock", "--check")


def test_what_other_packages_bring_of_the_family(make_project: Callable[[str], Project]) -> None:
    """Pinned without a lock: the default index has both for another CUDA, and torchaudio without a
    bound on torch."""
    project = make_project(project_text("torch<2.10", "timm", "speechbrain", python=">=3.11,<3.14"))
    project.pin("t4-535", "--write")
    text = project.file.read_bytes()
    project.uv("lock")
    project.uv("sync")
    installed = project.installed()
    assert {installed[name] for name in ("torch", "torchaudio")} == {"2.9.1+cu126"}
    assert installed["torchvision"] == "0.24.1+cu126"
    assert_settled(project)
    project.pin("t4-535", "--write")
    assert project.file.read_bytes() == text


@OLD_TORCH
def test_a_compiled_package_from_its_page(make_project: Callable[[str], Project]) -> None:
    project = make_project(project_text("torch==2.5.1", "torch-scatter", python=THIS_PYTHON))
    project.pin("t4-535", "--write", "--sync")
    assert project.installed()["torch"] == "2.5.1+cu121"
    assert project.installed()["torch_scatter"] == "2.1.2+pt25cu121"
    assert_settled(project)


def test_a_nightly_and_another_package_share_one_triton(
    make_project: Callable[[str], Project],
) -> None:
    project = make_project(project_text("torch", "torchvision", "wants-triton", "requests"))
    project.pin("rtx-5090-580", "--write", "--sync", "--channel", "nightly")
    installed = project.installed()
    assert installed["torch"].startswith("2.16.0.dev")
    assert installed["torchvision"].startswith("0.30.0.dev")
    assert len(project.owners("triton")) == 1
    assert_settled(project)


@pytest.mark.parametrize(
    "setting",
    [
        (
            'prerelease = "allow"\n[tool.uv.sources]\ntorch = {{ index = "n" }}\n'
            '[[tool.uv.index]]\nname = "n"\nurl = "{url}"\nexplicit = true\n'
        ),
        'prerelease = "allow"\nextra-index-url = ["{url}"]\n',
    ],
    ids=["source", "extra-index-url"],
)
@pytest.mark.parametrize(
    ("host", "index"), [("rtx-5090-580", "cu126"), ("t4-535", "cu126"), ("no-gpu", "cpu")]
)
def test_a_project_of_nightlies_stays_one(
    make_project: Callable[[str], Project], replay: Replay, setting: str, host: str, index: str
) -> None:
    """No channel is asked for; a driver for CUDA 12 runs no nightly that the table has."""
    url = f"{replay.url}/whl/nightly/{index}"
    text = project_text("torch", "torchvision", "requests")
    project = make_project(f"{text}[tool.uv]\n{setting.format(url=url)}")
    project.pin(host, "--write", "--lock")
    [torch] = {
        one["version"]
        for one in project.locked()
        if "/nightly/" in str(one) and one["name"] == "torch"
    }
    assert torch.endswith("+cu130" if host == "rtx-5090-580" else f"+{index}")
    assert not GENERIC & project.taken_from("/whl/")
    project.uv("lock", "--check")
    project.pin(host, "--write", "--lock", "--channel", "stable")
    assert not project.taken_from("/nightly/")


def test_a_script_of_a_dated_nightly(make_project: Callable[[str], Project]) -> None:
    """A script cannot say for which platforms it is locked, and no other index has that torch."""
    project = make_project("")
    script = project.folder / "s.py"
    head = 'requires-python = ">=3.11,<3.14"\n# dependencies = ["torch==2.10.0.dev20251208"]'
    script.write_text(f"# /// script\n# {head}\n# ///\nimport torch\nprint(torch.__version__)\n")
    project.accelsel(
        "pin", "s.py", "--write", "--profile", str(HOSTS / "rtx-5090-580" / "profile.json"),
        *(word for mirror in project.mirrors for word in ("--mirror", mirror)),
    )  # fmt: skip
    project.uv("lock", "--script", "s.py")
    assert project.uv("run", "s.py").stdout.strip() == "2.10.0.dev20251208+cu130"


@OLD_TORCH
def test_triton_has_no_wheels_for_a_python(make_project: Callable[[str], Project]) -> None:
    """Torch 2.5 has wheels for Python 3.13, where its triton has none and is not needed."""
    project = make_project(project_text("torch==2.5.1", "pins-triton"))
    project.pin("t4-535", "--write", "--sync")
    assert project.installed()["triton"] == "3.1.0"
    assert_settled(project)
    exported = project.uv("export", "--no-hashes").stdout.splitlines()
    [line] = [line for line in exported if line.startswith("triton")]
    assert "python_full_version < '3.13'" in line


@pytest.mark.parametrize(
    ("host", "needs", "words", "where"),
    [
        pytest.param(
            "no-gpu", ["torch"], ["--python", "3.13"], "python_full_version < '3.13'", id="cpu"
        ),
        pytest.param(
            "no-gpu",
            ["torch==2.5.1"],
            ["--python", "3.13"],
            "python_full_version < '3.13'",
            id="cpu-of-its-time",
        ),
        pytest.param(
            "no-gpu",
            ["torch<2.14"],
            ["--platform", "windows-amd64"],
            "sys_platform == 'linux'",
            id="windows",
        ),
        pytest.param(
            "t4-535",
            ["torch<2.6"],
            ["--platform", "windows-amd64", "--python", "3.12"],
            "sys_platform == 'linux'",
            id="cuda-on-windows",
        ),
    ],
)
def test_another_package_asks_for_a_triton_without_files(
    make_project: Callable[[str], Project],
    host: str,
    needs: list[str],
    words: list[str],
    where: str,
) -> None:
    """It names triton 3.1.0, which has wheels for x86-64 Linux before Python 3.13 alone."""
    project = make_project(project_text(*needs, "pins-triton"))
    said = project.pin(host, "--write", "--lock", *words).stderr
    exported = project.uv("export", "--no-hashes").stdout.splitlines()
    [line] = [line for line in exported if line.startswith("triton")]
    assert line.startswith("triton==3.1.0 ;")
    assert where in line
    assert "no file for" not in said
    before = project.file.read_bytes()
    project.pin(host, "--write", "--lock", *words)
    assert project.file.read_bytes() == before
    project.uv("lock", "--check")


def test_the_triton_asked_for_holds_torch_back(make_project: Callable[[str], Project]) -> None:
    project = make_project(project_text("torch", "torchvision", "triton<3.7", "requests"))
    project.pin("rtx-5090-580", "--write", "--sync")
    installed = project.installed()
    assert installed["torch"] == "2.11.0+cu130"
    assert installed["triton"] == "3.6.0"
    assert_settled(project)


def test_who_asks_for_what_has_no_file_is_told(make_project: Callable[[str], Project]) -> None:
    """Torch of the default index has a triton of its own on Linux, so that nothing is masked."""
    project = make_project(project_text("torch<2.6", "pins-triton"))
    said = project.pin("macos-arm64", "--write", "--lock", "--python", "3.12").stderr
    assert "triton 3.1.0 has no file for Python 3.12 on macos-arm64" in said
    assert "p -> pins-triton -> triton" in said


@pytest.mark.parametrize("shape", ["groups", "extras"])
@pytest.mark.parametrize("asker", ["wants-triton", "triton"])
def test_backends_with_and_without_triton(
    make_project: Callable[[str], Project], asker: str, shape: str
) -> None:
    """CUDA's torch takes triton itself, ROCm's owns its files: what another package asks for is
    there beside the first alone."""
    project = make_project(project_text("torch", asker, "requests"))
    words = ("--backends", "cpu,cu126,rocm7.2", "--as", shape)
    project.pin("h100-525", "--write", "--lock", *words)
    text = project.file.read_bytes()
    every = {"cpu": {"triton"}, "cu126": {"triton"}, "rocm7-2": {"triton_rocm"}}
    for name, owner in every.items():
        others = [word for one in every if one != name for word in ("--no-group", one)]
        chosen = ["--extra", name] if shape == "extras" else ["--group", name, *others]
        project.uv("sync", *chosen)
        assert project.owners("triton") == owner
        assert project.installed()["torch"].partition("+")[2] == name.replace("7-2", "7.2")
        assert project.shared() == {}
    project.pin("h100-525", "--write", "--lock", *words)
    assert project.file.read_bytes() == text
    project.uv("lock", "--check")
    project.accelsel("unpin", "--write")
    assert "triton-cu126" not in project.file.read_text()


def test_what_no_lock_shows_may_ask_for_triton(make_project: Callable[[str], Project]) -> None:
    """Pinned without a lock, and locked by uv alone."""
    project = make_project(project_text("torch", "wants-triton", "requests"))
    project.pin("mi300x", "--write", "--backends", "cu126,rocm7.2", "--as", "extras")
    text = project.file.read_bytes()
    project.uv("lock")
    for extra, owner in {"cu126": "triton", "rocm7-2": "triton_rocm"}.items():
        project.uv("sync", "--extra", extra)
        assert project.owners("triton") == {owner}
    project.pin("mi300x", "--write", "--backends", "cu126,rocm7.2", "--as", "extras")
    assert project.file.read_bytes() == text


@pytest.mark.parametrize(
    ("host", "rocm", "triton"),
    [
        ("mi300x", "2.14.1+rocm7.2", "triton_rocm"),
        ("no-gpu", "2.9.1+rocm6.4", "pytorch_triton_rocm"),
    ],
    ids=["of-this-host", "of-another-host"],
)
@pytest.mark.parametrize("key", ["extra", "group"])
def test_backends_that_the_project_keeps_itself(
    make_project: Callable[[str], Project],
    replay: Replay,
    key: str,
    host: str,
    rocm: str,
    triton: str,
) -> None:
    """Uv cannot lock it, as ROCm's triton is routed nowhere; each stays under its own name."""
    indexes = {"cpu": "cpu", "amd": "rocm6.4"}
    table = "dependency-groups" if key == "group" else "project.optional-dependencies"
    text = project_text("requests") + f'[{table}]\ncpu = ["torch>=2.9"]\namd = ["torch>=2.9"]\n'
    each = ", ".join(f'{{ index = "for-{name}", {key} = "{name}" }}' for name in indexes)
    both = ", ".join(f'{{ {key} = "{name}" }}' for name in indexes)
    text += f"[tool.uv]\nconflicts = [[{both}]]\n[tool.uv.sources]\ntorch = [{each}]\n"
    for name, index in indexes.items():
        url = f"{replay.url}/whl/{index}"
        text += f'[[tool.uv.index]]\nname = "for-{name}"\nurl = "{url}"\nexplicit = true\n'
    project = make_project(text)
    assert "no version of pytorch-triton-rocm" in project.uv("lock", code=1).stderr
    project.pin(host, "--write")
    project.uv("lock")
    for name in (*indexes, *indexes):
        project.uv("sync", f"--{key}", name)
        torch = project.installed()["torch"]
        assert torch == (rocm if name == "amd" else "2.14.1+cpu")
    assert project.owners("triton") == {triton}
    assert project.shared() == {}
    project.uv("lock", "--check")


@pytest.mark.parametrize("host", ["mi300x", "no-gpu", "arc-a770"])
def test_nightlies_of_other_backends(make_project: Callable[[str], Project], host: str) -> None:
    project = make_project(project_text("torch", "requests"))
    project.pin(host, "--write", "--sync", "--channel", "nightly")
    assert project.installed()["torch"].startswith("2.16.0.dev")
    assert_settled(project)


def test_flash_attention_2_and_3(make_project: Callable[[str], Project]) -> None:
    project = make_project(project_text("torch", "flash-attn", "flash-attn-3"))
    project.pin("h100-525", "--write", "--sync")
    installed = project.installed()
    assert installed["flash_attn_3"] == "3.0.0"
    assert installed["flash_attn"].startswith("2.")
    built = (project.site() / "flash_attn" / "__init__.py").read_text()
    assert f"BUILT_WITH = {installed['torch']!r}" in built
    assert_settled(project)


def test_flash_attention_of_three_generations(make_project: Callable[[str], Project]) -> None:
    """Newer ones of the second generation hold files of the fourth."""
    project = make_project(project_text("torch", "flash-attn", "flash-attn-3", "flash-attn-4"))
    project.pin("h100-525", "--write", "--sync")
    installed = project.installed()
    assert {"flash_attn", "flash_attn_3", "flash_attn_4"} <= set(installed)
    assert installed["flash_attn"] == "2.7.4.post1"
    assert_settled(project)


@pytest.mark.parametrize(
    ("host", "name", "words", "label"),
    [
        ("mi300x", "flash-attn", [], "+rocm7.2"),
        ("mi300x", "deepspeed", [], "+rocm7.2"),
        ("arc-a770", "deepspeed", [], "+xpu"),
        ("rtx-5090-580", "flash-attn", ["--channel", "nightly"], "+cu130"),
        ("rx-7900-xtx", "deepspeed", ["--backend", "amd"], "+rocm10.1.0"),
    ],
    ids=["rocm", "rocm-and-variables", "xpu", "nightly", "amd"],
)
def test_a_build_beside_torch_has_what_torch_asks_for(
    make_project: Callable[[str], Project], host: str, name: str, words: list[str], label: str
) -> None:
    """Torch's own triton and runtime are on its index alone, which a build has to be told."""
    project = make_project(project_text("torch", name, "requests"))
    project.pin(host, "--write", "--sync", *words)
    module = name.replace("-", "_")
    built = (project.site() / module / "__init__.py").read_text()
    assert f"BUILT_WITH = {project.installed()['torch']!r}" in built
    assert project.installed()["torch"].endswith(label)
    assert_settled(project)
    if host != "rx-7900-xtx":  # uv 0.9's Windows is of a machine that AMD's torch is not for
        project.uv("sync", "--dry-run", "--python-platform", "windows")


def test_builds_beside_torch_of_several_backends(make_project: Callable[[str], Project]) -> None:
    project = make_project(project_text("torch", "deepspeed", "requests"))
    words = ("--backends", "cpu,rocm7.2,xpu", "--as", "extras")
    project.pin("mi300x", "--write", "--lock", *words)
    for extra in ("cpu", "rocm7-2", "xpu", "cpu"):
        project.uv("sync", "--extra", extra)
        built = (project.site() / "deepspeed" / "__init__.py").read_text()
        torch = project.installed()["torch"]
        assert torch.endswith(f"+{extra.replace('7-2', '7.2')}")
        assert f"BUILT_WITH = {torch!r}" in built
        assert project.shared() == {}
    project.uv("lock", "--check")


def test_a_triton_for_windows_beside_one_of_torchs_own(
    make_project: Callable[[str], Project],
) -> None:
    """Unsloth asks for triton-windows on Windows, where XPU's torch has its own triton."""
    project = make_project(project_text("torch", "unsloth", "requests"))
    project.pin("arc-a770", "--write", "--lock")
    tritons = {one["name"] for one in project.locked() if "triton" in one["name"]}
    assert tritons == {"triton-xpu"}


@OLD_TORCH
def test_variants_with_packages_compiled_for_each(make_project: Callable[[str], Project]) -> None:
    compiled = {"torch-scatter": "2.1.2", "torch-cluster": "1.6.3", "pyg-lib": "0.4.0"}
    needs = [f"{name}>={version}" for name, version in compiled.items()]
    project = make_project(
        project_text("torch==2.5.1", *needs, "deepspeed", "requests", python=THIS_PYTHON)
    )
    project.pin("t4-535", "--write", "--lock", "--backends", "cu121,cu124", "--as", "extras")
    for number, backend in enumerate(("cu121", "cu124", "cu121", "cu124")):
        said = project.uv("sync", "--extra", backend).stderr
        installed = project.installed()
        assert installed["torch"] == f"2.5.1+{backend}"
        for name, version in compiled.items():
            assert installed[name.replace("-", "_")] == f"{version}+pt25{backend}"
        built = (project.site() / "deepspeed" / "__init__.py").read_text()
        assert f"BUILT_WITH = '2.5.1+{backend}'" in built
        assert ("Built deepspeed" in said) == (number < 2)
        assert project.shared() == {}
    project.uv("lock", "--check")


@OLD_TORCH
def test_variants_as_reported(
    tmp_path: Path, make_project: Callable[[str], Project], replay: Replay
) -> None:
    """The project of uv issue 13794: extras of its own, with sources and flat indexes by hand."""
    extras = ("cu121", "cu124")
    family, pyg = ("torch", "torchvision"), ("torch-scatter", "torch-sparse", "pyg-lib")
    needs = (
        '["torch==2.5.1", "torchvision==0.20.1", "torch-scatter>=2.1.2", "torch-sparse>=0.6.18",'
        ' "pyg-lib>=0.4.0"]'
    )
    text = project_text("deepspeed", "accelerate", "requests", python=">=3.11,<3.14")
    text += "[project.optional-dependencies]\n" + "".join(f"{name} = {needs}\n" for name in extras)
    text += (
        '[tool.uv]\nconflicts = [[{ extra = "cu121" }, { extra = "cu124" }]]\n'
        'no-build-isolation-package = ["torch-scatter", "torch-sparse", "deepspeed"]\n'
        "[tool.uv.sources]\n"
    )
    for names, index in ((family, "pytorch"), (pyg, "pyg")):
        each = ", ".join(f'{{ index = "{index}-{name}", extra = "{name}" }}' for name in extras)
        text += "".join(f"{name} = [{each}]\n" for name in names)
    for name in extras:
        page = f"{replay.url}/data.pyg.org/whl/torch-2.5.0+{name}.html"
        text += (
            f'[[tool.uv.index]]\nname = "pytorch-{name}"\nurl = "{replay.url}/whl/{name}"\n'
            f'explicit = true\n[[tool.uv.index]]\nname = "pyg-{name}"\nurl = "{page}"\n'
            'format = "flat"\nexplicit = true\n'
        )
    project = make_project(text)
    cache = str(tmp_path / "cache")  # in which no other test has built anything
    project = replace(project, env={**project.env, "UV_CACHE_DIR": cache})
    project.pin("t4-535", "--write", "--lock")
    for number, name in enumerate((*extras, *extras)):
        said = project.uv("sync", "--extra", name).stderr
        installed = project.installed()
        assert installed["torch"] == f"2.5.1+{name}"
        assert installed["torch_scatter"] == f"2.1.2+pt25{name}"
        built = (project.site() / "deepspeed" / "__init__.py").read_text()
        assert f"BUILT_WITH = '2.5.1+{name}'" in built
        assert ("Built deepspeed" in said) == (number < 2)
        assert project.shared() == {}
    assert not GENERIC & (project.taken_from("/whl/") | project.taken_from("pyg.org"))
    project.uv("lock", "--check")


def test_nightlies_of_backends_with_and_without_triton(
    make_project: Callable[[str], Project],
) -> None:
    """A nightly pins a triton of its own day, which no override can follow: told, and put back."""
    project = make_project(project_text("torch", "wants-triton"))
    before = project.file.read_bytes()
    words = ("--channel", "nightly", "--backends", "cu130,rocm7.2")
    said = project.pin("rtx-5090-580", "--write", "--lock", *words, code=6).stderr
    assert "both own the module triton" in said
    assert "p -> wants-triton -> triton: pin one backend, or require wants-triton in" in said
    assert project.file.read_bytes() == before
    assert not project.lock.exists()


OWN_EXTRAS = [
    pytest.param(
        'cuda = ["torch", "torchvision"]\nrocm = ["torch", "torchvision"]\n',
        ["requests"],
        "cpu,cu126,rocm7.2",
        {"cpu": "cpu", "cuda": "cu126", "rocm": "rocm7.2"},
        id="by-kind",
    ),
    pytest.param(
        'gpu = ["torch", "bitsandbytes"]\ncpu = ["torch>=2.6"]\n',
        ["requests"],
        "cpu,cu126",
        {"cpu": "cpu", "gpu": "cu126"},
        id="gpu",
    ),
    pytest.param(
        'gpu = ["torch", "bitsandbytes"]\n',
        ["requests"],
        "cu126,rocm7.2",
        {"cu126": "cu126", "rocm7-2": "rocm7.2"},
        id="gpu-of-two",
    ),
    pytest.param(
        'cu126 = ["bitsandbytes"]\nrocm = []\n',
        ["torch"],
        "cpu,cu126,rocm7.2",
        {"cpu": "cpu", "cu126": "cu126", "rocm7-2": "rocm7.2"},
        id="without-torch",
    ),
    pytest.param(
        'train = ["torch", "lightning"]\n',
        ["torch"],
        "cpu,rocm7.2",
        {"cpu": "cpu", "rocm7-2": "rocm7.2"},
        id="of-no-backend",
    ),
]


def torch_in(extras: str) -> list[str]:
    return [line for line in extras.splitlines() if '"torch' in line]


@pytest.mark.parametrize(("extras", "needs", "backends", "expected"), OWN_EXTRAS)
def test_extras_without_sources(
    make_project: Callable[[str], Project],
    extras: str,
    needs: list[str],
    backends: str,
    expected: Mapping[str, str],
) -> None:
    """Extras of the project's own, none of which says where its torch comes from."""
    text = f"{project_text(*needs)}[project.optional-dependencies]\n{extras}"
    project = make_project(text)
    words = ("--backends", backends, "--as", "extras")
    said = project.pin("h100-525", "--write", "--lock", *words).stderr
    loose = "is of no backend" in said
    assert loose == (not expected.keys() >= {line.partition(" ")[0] for line in torch_in(extras)})
    for extra, backend in expected.items():
        project.uv("sync", "--extra", extra)
        assert project.installed()["torch"].partition("+")[2] == backend
        assert project.shared() == {}
    project.uv("lock", "--check")
    project.accelsel("unpin", "--write")
    assert project.file.read_text() == text


def test_an_extra_asks_for_its_own_backend_alone(make_project: Callable[[str], Project]) -> None:
    """A bound on torch and a package without a build for the CPU, in the extra of CUDA."""
    extras = 'cuda = ["torch==2.9.*", "flash-attn"]\ncpu = ["torch"]\n'
    project = make_project(f"{project_text()}[project.optional-dependencies]\n{extras}")
    words = ("--backends", "cpu,cu126", "--as", "extras")
    said = project.pin("h100-525", "--write", "--lock", *words).stderr
    assert "left out" not in said
    locked = {(one["name"], one.get("version")) for one in project.locked()}
    assert {("torch", "2.9.1+cu126"), ("torch", "2.14.1+cpu")} <= locked
    project.uv("sync", "--extra", "cuda")
    built = (project.site() / "flash_attn" / "__init__.py").read_text()
    assert "BUILT_WITH = '2.9.1+cu126'" in built


def test_a_package_that_one_of_the_backends_lacks(make_project: Callable[[str], Project]) -> None:
    project = make_project(project_text("torch", "flash-attn"))
    before = project.file.read_bytes()
    said = project.pin("h100-525", "--write", "--backends", "cpu,cu126", code=4).stderr
    assert "flash-attn has no build for cpu" in said
    assert "require the package in the extra or group of cu126 alone" in said
    assert project.file.read_bytes() == before


def test_files_for_one_gpu_beside_other_backends(make_project: Callable[[str], Project]) -> None:
    project = make_project(project_text("torch"))
    said = project.pin("rx-7900-xtx", "--write", "--backends", "amd,cpu", code=4).stderr
    assert "pin it alone, by --backend amd" in said
    project.pin("rx-7900-xtx", "--write", "--lock", "--backend", "amd")


def test_an_extra_with_torch_beside_groups(make_project: Callable[[str], Project]) -> None:
    extras = '[project.optional-dependencies]\ntrain = ["torch", "lightning"]\n'
    project = make_project(project_text("torch") + extras)
    project.pin("h100-525", "--write", "--lock", "--backends", "rocm7.2,cpu")
    project.uv("sync", "--extra", "train")
    assert project.installed()["torch"].endswith("+rocm7.2")
    assert project.owners("triton") == {"triton_rocm"}


FAMILY = {
    "tensorrt",
    "tensorrt-cu12",
    "tensorrt-cu12-bindings",
    "tensorrt-cu12-libs",
    "tensorrt-llm",
}


@OLD_TORCH
@pytest.mark.parametrize(
    "setting",
    [
        'extra-index-url = ["{url}"]',
        'index = [{{ url = "{url}" }}]',
        'index-strategy = "unsafe-best-match"\nextra-index-url = ["https://pypi.nvidia.com"]',
    ],
    ids=["extra-index-url", "index", "unsafe-strategy"],
)
def test_a_vendor_index_that_shadowed(
    make_project: Callable[[str], Project], replay: Replay, setting: str
) -> None:
    """The report of tests/e2e/test_reports.py; NVIDIA's index has no release but 0.12.0 for it."""
    url = f"{replay.url}/pypi.nvidia.com"
    project = make_project(
        project_text("tensorrt_llm~=0.12", "requests", python=">=3.10,<3.13")
        + f'[tool.uv]\nprerelease = "allow"\n{setting.format(url=url)}\n'
    )
    project.pin("t4-535", "--write", "--lock")
    assert project.taken_from("pypi.nvidia.com") == FAMILY
    locked = {
        (one["name"], one["version"]): one["source"].get("registry", "") for one in project.locked()
    }
    assert ("torch", "2.4.0+cu121") in locked
    assert locked["nvidia-cudnn-cu12", "9.1.0.70"] == replay.default_index
    assert all("/whl/" not in where for (name, _), where in locked.items() if name != "torch")
    assert "unsafe" not in project.file.read_text().partition("[tool.accelsel")[0]
    project.uv("lock", "--check")


@pytest.mark.skipif(not PYTHON_310, reason="tensorrt-llm 0.12 has wheels for Python 3.10 alone")
def test_a_vendor_index_that_shadowed_installs(make_project: Callable[[str], Project]) -> None:
    project = make_project(project_text("tensorrt_llm~=0.12", "requests", python="==3.10.*"))
    project = replace(project, env={**project.env, "UV_PYTHON": str(PYTHON_310)})
    project.pin("t4-535", "--write", "--sync")
    text = project.file.read_bytes()
    project.pin("t4-535", "--write")
    assert project.file.read_bytes() == text
    installed = project.installed()
    assert installed["torch"] == "2.4.0+cu121"
    assert installed["tensorrt_llm"] == "0.12.0"
    assert project.taken_from("pypi.nvidia.com") == FAMILY
    assert_settled(project)


def test_no_python_has_the_wheels_of_a_vendor(make_project: Callable[[str], Project]) -> None:
    project = make_project(project_text("tensorrt-llm>=1.0", python=">=3.13"))
    project = replace(project, env={k: v for k, v in project.env.items() if k != "UV_PYTHON"})
    said = project.pin("rtx-5090-580", "--write", code=4).stderr
    assert "with Python 3.12: torch 2.9.1 with cu130 runs" in said


def test_the_family_of_a_vendor(make_project: Callable[[str], Project]) -> None:
    """TensorRT-LLM and its own names from NVIDIA's index, everything else not."""
    project = make_project(project_text("torch", "tensorrt-llm==1.2.1", "requests"))
    project.pin("rtx-5090-580", "--write", "--lock", "--python", "3.12")
    assert project.taken_from("pypi.nvidia.com") == {
        "tensorrt-llm",
        "tensorrt-cu13",
        "tensorrt-cu13-bindings",
        "tensorrt-cu13-libs",
    }
    assert not GENERIC & project.taken_from("/whl/")
    project.uv("lock", "--check")


def test_an_older_release_holds_on_every_platform(make_project: Callable[[str], Project]) -> None:
    """Torch-TensorRT ends for CUDA 12 with 2.8; where it has no wheels at all uv would take the
    newest, whose parts the default index has as stubs that fetch while they are built."""
    project = make_project(project_text("torch-tensorrt", "requests", python=">=3.11,<3.14"))
    project.pin("h100-525", "--write", "--lock")
    versions = {one["version"] for one in project.locked() if one["name"] == "torch-tensorrt"}
    assert versions == {"2.8.0"}
    assert not {name for name in project.taken_from("/pypi/") if name.startswith("tensorrt")}
    project.uv("lock", "--check")


def test_finished_wheels_from_a_page(make_project: Callable[[str], Project]) -> None:
    """NATTEN's pages are one for each torch and CUDA, and none is newer than torch 2.12."""
    project = make_project(project_text("torch", "natten", python=">=3.11,<3.14"))
    project.pin("rtx-5090-580", "--write", "--lock", "--prebuilt", "natten")
    [page] = {one for one in registries(project, "natten") if "natten.org" in one}
    assert page.endswith("/whl.natten.org/cu130/torch2.12.0")
    assert ("torch", "2.12.0+cu130") in {(one["name"], one["version"]) for one in project.locked()}


def registries(project: Project, name: str) -> set[str]:
    return {one["source"]["registry"] for one in project.locked() if one["name"] == name}


@pytest.mark.parametrize(
    ("python", "where"),
    [
        (">=3.11", "python_full_version == '3.12.*'"),
        (">=3.10,<3.13", "python_full_version != '3.11.*'"),
    ],
)
def test_a_vendor_has_no_wheels_for_a_python(
    make_project: Callable[[str], Project], python: str, where: str
) -> None:
    """TensorRT-LLM has wheels for 3.10 and 3.12 alone; uv divides the lock at 3.12 for numpy's sake
    and keeps to that division in every later lock."""
    project = make_project(project_text("torch", "numpy", python=python))
    project.uv("lock")
    project.file.write_text(project.file.read_text().replace('"numpy"', '"numpy", "tensorrt-llm"'))
    said = project.pin("rtx-5090-580", "--write", "--lock", "--python", "3.12").stderr
    assert "tensorrt-llm has files for Python" in said
    assert "tensorrt-llm" in project.taken_from("pypi.nvidia.com")
    project.uv("lock", "--check")
    project.uv("lock", "--upgrade")
    exported = project.uv("export", "--no-hashes").stdout.splitlines()
    [line] = [line for line in exported if line.startswith("tensorrt-llm==")]
    assert "sys_platform == 'linux'" in line
    assert where in line
    project.accelsel("unpin", "--write")
    assert "tensorrt-llm ;" not in project.file.read_text()


@pytest.mark.parametrize(
    ("text", "sync"),
    [
        (project_text("torch", "torchvision", "requests"), []),
        (
            project_text("requests") + '[dependency-groups]\nml = ["torch", "torchvision"]\n',
            ["--group", "ml"],
        ),
        (
            project_text("requests")
            + '[project.optional-dependencies]\nml = ["torch>=2.12", "torchvision"]\n',
            ["--extra", "ml"],
        ),
    ],
    ids=["project", "group", "extra"],
)
def test_the_multi_arch_index_of_amd(
    make_project: Callable[[str], Project], text: str, sync: list[str]
) -> None:
    project = make_project(text)
    project.pin("rx-7900-xtx", "--write", "--lock", "--backend", "amd")
    project.uv("sync", *sync)
    installed = project.installed()
    assert installed["torch"] == "2.14.0+rocm10.1.0"
    assert installed["amd_torch_device_gfx1100"] == "2.14.0+rocm10.1.0"
    assert installed["amd_torchvision_device_gfx1100"] == "0.29.0a0+rocm10.1.0"
    assert not GENERIC & project.taken_from("amd.com")
    assert project.shared() == {}
    project.uv("lock", "--check")
    if not sync:
        assert_settled(project)


AMD_FAMILY = {
    "torch",
    "torchvision",
    "triton",
    "rocm",
    "rocm-bootstrap",
    "rocm-sdk-core",
    "rocm-sdk-libraries",
    "rocm-sdk-device-gfx1100",
    "amd-torch-device-gfx110x",
    "amd-torch-device-gfx1100",
    "amd-torchvision-device-gfx1100",
}
HOSTILE = [
    pytest.param(
        "gtx-1080-ti-580",
        ["torch", "torchvision", "torchaudio"],
        [],
        ["/whl/cu126"],
        {"torch", "torchvision", "torchaudio"},
        id="pytorch",
    ),
    pytest.param(
        "mi300x", ["torch"], [], ["/whl/rocm7.2"], {"torch", "triton-rocm"}, id="pytorch-rocm"
    ),
    pytest.param(
        "rtx-5090-580",
        ["torch"],
        ["--channel", "nightly"],
        ["/whl/nightly/cu130"],
        {"torch", "triton"},
        id="pytorch-nightly",
    ),
    pytest.param(
        "rx-7900-xtx",
        ["torch", "torchvision"],
        ["--backend", "amd"],
        ["/stable.repo.amd.com/rocm/whl-next"],
        AMD_FAMILY,
        id="amd",
    ),
    pytest.param(
        "t4-535",
        ["tensorrt-llm~=0.12"],
        [],
        ["/pypi.nvidia.com", "/whl/cu121"],
        {*FAMILY, "torch"},
        id="nvidia",
        marks=OLD_TORCH,
    ),
    pytest.param(
        "t4-535",
        ["torch==2.5.1", "torch-scatter"],
        [],
        ["/data.pyg.org/whl/torch-2.5.0+cu121.html", "/whl/cu121"],
        {"torch", "torch-scatter"},
        id="pyg",
        marks=OLD_TORCH,
    ),
]


@pytest.mark.parametrize(("host", "needs", "words", "indexes", "family"), HOSTILE)
def test_a_hostile_index_gives_nothing_but_the_family(
    tmp_path: Path,
    make_project: Callable[[str], Project],
    host: str,
    needs: list[str],
    words: list[str],
    indexes: list[str],
    family: set[str],
) -> None:
    """Every name that the default index has, in a version that would win."""
    catalog = load()
    for index in indexes:
        for name in catalog.projects("/pypi/simple"):
            if name not in family:
                catalog.add(Dist(index=index, name=name, version="9999"))
    with Replay(catalog) as hostile:
        python = ">=3.10,<3.13" if "tensorrt-llm~=0.12" in needs else ">=3.11,<3.14"
        project = make_project(project_text(*needs, "requests", python=python))
        env = {**project.env, **hostile.environment(tmp_path / "cache")}
        project = Project(folder=project.folder, env=env, mirrors=hostile.mirrors)
        project.pin(host, "--write", "--lock", *words)
        taken = {
            one["name"]
            for one in project.locked()
            if one["source"].get("registry", hostile.default_index) != hostile.default_index
        }
        assert taken == family
        assert "9999" not in {one["version"] for one in project.locked()}
        assert "explicit = false" not in project.file.read_text()
        project.uv("lock", "--check")
