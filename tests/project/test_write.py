"""What a pin writes for a small project, shape by shape, beside the reviewed pairs."""

import tomllib
from typing import Any

import pytest
from tests.project.cases import selection

from accelsel.model.errors import AccelselError
from accelsel.model.plan import PinOptions, Plan
from accelsel.project.plan import plan
from accelsel.project.read import read
from accelsel.project.render import render

URL = "https://download.pytorch.org/whl"
AARCH64 = "sys_platform == 'linux' and platform_machine == 'aarch64'"


def project(*dependencies: str, uv: str = "", indexes: tuple[tuple[str, str], ...] = ()) -> str:
    listed = ", ".join(f'"{d}"' for d in dependencies)
    text = f'[project]\nname = "demo"\nversion = "1"\ndependencies = [{listed}]\n\n{uv}\n'
    return text + "".join(
        f'\n[[tool.uv.index]]\nname = "{name}"\nurl = "{url}"\nexplicit = true\n'
        for name, url in indexes
    )


def pin(text: str, options: PinOptions | None = None, **facts: Any) -> tuple[Plan, Any]:
    made = plan(read(text), (selection(facts),), options or PinOptions())
    return made, tomllib.loads(render(text, made))["tool"]["uv"]


def codes(made: Plan) -> list[str]:
    return [warning.code for warning in made.warnings]


def names(uv: Any) -> list[str]:
    return [index["name"] for index in uv.get("index", [])]


def test_jetson_beside_a_server_of_the_same_architecture() -> None:
    source = f'[tool.uv.sources]\ntorch = {{ index = "sbsa", marker = "{AARCH64}" }}'
    text = project("torch", uv=source, indexes=(("sbsa", f"{URL}/cu130"),))
    jetson = {"name": "jp6", "url": "https://pypi.jetson-ai-lab.io/jp6/cu126"}
    _, uv = pin(text, backend="jetson-jp6", platforms=["linux-aarch64"], index=jetson)
    assert uv["sources"]["torch"]["marker"] == f"{AARCH64} and 'tegra' in platform_release"


def test_server_beside_a_jetson_of_the_project() -> None:
    tegra = f"{AARCH64} and 'tegra' in platform_release"
    source = f'[tool.uv.sources]\ntorch = [{{ index = "jp6", marker = "{tegra}" }}]'
    text = project("torch", uv=source, indexes=(("jp6", "https://jetson.example/jp6/cu126"),))
    _, uv = pin(text, backend="cu130", platforms=["linux-aarch64"])
    assert [(e["index"], e["marker"]) for e in uv["sources"]["torch"]] == [
        ("jp6", tegra),
        ("pytorch-cu130", f"{AARCH64} and 'tegra' not in platform_release"),
    ]


def test_macos_takes_the_source_away_from_macos_alone() -> None:
    source = '[tool.uv.sources]\ntorch = { index = "old" }'
    text = project("torch", uv=source, indexes=(("old", f"{URL}/cu124"),))
    _, uv = pin(text, backend="default", index=None, platforms=["macos-arm64", "macos-x86_64"])
    assert uv["sources"]["torch"] == {
        "index": "old", "marker": "sys_platform == 'linux' or sys_platform == 'win32'"
    }  # fmt: skip
    assert names(uv) == ["old"]


OTHERS = (
    "https://wheels.astral.sh/simple/cu126", "https://pypi.jetson-ai-lab.io/jp6/cu126",
    "https://flashinfer.ai/whl/cu126", "https://private.example/simple",
)  # fmt: skip


@pytest.mark.parametrize("url", OTHERS)
def test_an_index_of_somebody_else_is_neither_used_nor_dropped(url: str) -> None:
    source = '[tool.uv.sources]\nflash-attn = { index = "other" }'
    _, uv = pin(project("torch", "flash-attn", uv=source, indexes=(("other", url),)))
    assert names(uv) == ["other", "pytorch-cu126"]


@pytest.mark.parametrize(
    "url",
    ["https://mirror.example/pytorch-wheels/cu126", "https://mirror.example/pytorch/whl/cu126/"],
)
def test_a_mirror_of_the_project_is_used(url: str) -> None:
    _, uv = pin(project("torch", indexes=(("mine", url),)))
    assert names(uv) == ["mine"]
    assert uv["sources"]["torch"]["index"] == "mine"


def test_nightly_index_does_not_serve_the_stable_channel() -> None:
    source = '[tool.uv.sources]\ntorch = { index = "n" }'
    _, uv = pin(project("torch", uv=source, indexes=(("n", f"{URL}/nightly/cu126"),)))
    assert uv["index"][0]["url"] == f"{URL}/cu126"


def test_an_index_of_the_wanted_name_with_another_content() -> None:
    source = '[tool.uv.sources]\nfoo = { index = "pytorch-cu126" }'
    text = project("torch", "foo", uv=source, indexes=(("pytorch-cu126", "https://x.example"),))
    _, uv = pin(text)
    assert names(uv) == ["pytorch-cu126", "pytorch-cu126-2"]
    assert uv["sources"]["torch"]["index"] == "pytorch-cu126-2"


def test_old_index_stays_where_another_package_uses_it() -> None:
    source = '[tool.uv.sources]\ntorch = { index = "old" }\nfoo = { index = "old" }'
    text = project("torch", "foo", uv=source, indexes=(("old", f"{URL}/cu118"),))
    _, uv = pin(text)
    assert names(uv) == ["old", "pytorch-cu126"]


OWN = {
    "git": ("torch", '[tool.uv.sources]\ntorch = { git = "https://example.org/torch" }'),
    "path": ("torch", '[tool.uv.sources]\ntorch = { path = "../torch" }'),
    "direct git": ("torch @ git+https://example.org/torch", ""),
    "direct file": ("torch @ file:///wheels/torch-2.9.0-cp312-cp312-linux_x86_64.whl", ""),
}


@pytest.mark.parametrize(("requirement", "uv"), OWN.values(), ids=OWN)
def test_a_build_of_the_project_stays(requirement: str, uv: str) -> None:
    made, after = pin(project(requirement, "torchvision", uv=uv))
    assert codes(made) == ["source-kept"]
    assert "torch" not in after["sources"] or "index" not in after["sources"]["torch"]
    assert not [c for c in after.get("constraint-dependencies", []) if c.startswith("torch>")]


def test_family_of_the_lock_is_routed_though_no_requirement_names_it() -> None:
    _, uv = pin(project("torch", "timm"), PinOptions(locked=("timm", "torchvision", "numpy")))
    assert uv["sources"]["torchvision"]["index"] == "pytorch-cu126"
    assert [c.split(" ; ")[0] for c in uv["constraint-dependencies"]] == [
        "torch>=2.6,<2.15", "torchvision>=0"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("own", "left"),
    [
        ("override-dependencies = [\"triton; sys_platform == 'never'\"]", True),
        ("override-dependencies = [\"triton; sys_platform == 'darwin'\"]", False),
        ("override-dependencies = [\"triton<3; extra == 'own'\"]", False),
        ('exclude-dependencies = ["triton"]', True),
    ],
    ids=["nowhere", "elsewhere", "in an extra", "excluded"],
)
def test_a_mask_of_the_project_stays_as_it_is_written(own: str, left: bool) -> None:
    text = project("torch", uv=f"[tool.uv]\n{own}")
    before = tomllib.loads(text)["tool"]["uv"].get("override-dependencies", [])
    _, uv = pin(text, excludes=["triton"])
    after = uv.get("override-dependencies", [])
    assert after == (before if left else ["triton ; python_version < '0'"])


def test_platform_that_no_index_serves_is_told() -> None:
    environments = (
        "[tool.uv]\nenvironments = [\"sys_platform == 'linux'\", \"sys_platform == 'darwin'\"]"
    )
    options = PinOptions(served=("linux-x86_64", "linux-aarch64", "macos-arm64"))
    made, _ = pin(project("torch", uv=environments), options)
    (warning,) = made.warnings
    assert warning.code == "platform-without-wheel"
    assert "macos-x86_64" in warning.message


def test_platform_outside_of_the_environments_is_told() -> None:
    environments = "[tool.uv]\nenvironments = [\"sys_platform == 'darwin'\"]"
    assert codes(pin(project("torch", uv=environments))[0]) == ["platform-not-in-environments"]


def test_prerelease_disallowed_is_told_for_a_nightly() -> None:
    text = project("torch", uv='[tool.uv]\nprerelease = "disallow"')
    assert codes(pin(text, channel="nightly")[0]) == ["prerelease-disallowed"]


@pytest.mark.parametrize(
    ("uv", "told"),
    [
        ('exclude-newer = "7 days"', ["exclude-newer"]),
        ('exclude-newer = "7 days"\nexclude-newer-package = { torch = false }', []),
        ("", []),
    ],
    ids=["all", "but torch", "none"],
)
def test_a_bound_on_upload_dates_is_told(uv: str, told: list[str]) -> None:
    assert codes(pin(project("torch", uv=f"[tool.uv]\n{uv}"))[0]) == told


def test_strategy_stays_for_other_indexes_and_is_told() -> None:
    uv = '[tool.uv]\nindex-strategy = "unsafe-best-match"\nextra-index-url = ["https://x.example"]'
    made, after = pin(project("torch", uv=uv))
    assert codes(made) == ["index-strategy"]
    assert after["index-strategy"] == "unsafe-best-match"


@pytest.mark.parametrize("user", ["", "user:secret@"])
@pytest.mark.parametrize("key", ["extra-index-url", "find-links"])
def test_pytorch_beside_the_default_index_goes(key: str, user: str) -> None:
    here, other = f"https://{user}download.pytorch.org/whl/cu118", "https://x.example"
    made, after = pin(project("torch", uv=f'[tool.uv]\n{key} = ["{here}", "{other}"]'))
    assert after[key] == [other]
    assert not made.warnings


def test_override_replaces_a_name_per_platform() -> None:
    package = {
        "name": "triton", "specifier": "==3.8.0", "index": "pytorch-cu126", "kind": "triton",
        "platforms": ["linux-x86_64"], "override": True, "elsewhere": ["linux-aarch64"],
    }  # fmt: skip
    _, uv = pin(project("torch"), packages=[package])
    assert uv["override-dependencies"] == [
        "triton==3.8.0 ; sys_platform == 'linux' and platform_machine == 'x86_64'",
        f"triton>=0 ; {AARCH64}",
    ]


def test_package_that_the_default_index_lacks_is_routed_everywhere() -> None:
    package = {
        "name": "flash-attn-3", "index": "pytorch-cu126", "kind": "extension", "everywhere": True
    }  # fmt: skip
    _, uv = pin(project("torch", "flash-attn-3"), packages=[package])
    assert uv["sources"]["flash-attn-3"] == {"index": "pytorch-cu126"}


def test_a_backend_that_has_one_wheel_alone() -> None:
    wheel = {"name": "jp5", "url": "https://nvidia.example/torch-2.1.0-cp38-cp38-linux_aarch64.whl"}
    _, uv = pin(
        project("torch"), backend="jetson-jp5", platforms=["linux-aarch64"], index=wheel
    )  # fmt: skip
    assert uv["sources"]["torch"]["url"] == wheel["url"]
    assert "index" not in uv


def test_platform_without_a_marker_is_refused() -> None:
    with pytest.raises(AccelselError) as raised:
        pin(project("torch"), platforms=["linux-riscv64"])
    assert (raised.value.code, raised.value.kind) == (2, "unknown-platform")


def test_an_override_of_the_project_is_its_bound() -> None:
    view = read(
        project("torch>=2.6", uv='[tool.uv]\noverride-dependencies = ["torch==2.5.1+cu124"]')
    )
    assert view.bounds("torch") == "==2.5.1"


def test_a_wheel_of_another_backend_by_url_is_told() -> None:
    url = "https://data.pyg.org/whl/torch-2.2.0%2Bcu118/torch_scatter-2.1.2%2Bpt22{}-cp310-cp310-x.whl"
    for local, told in (("cu118", ["wheel-of-another-backend"]), ("cu126", [])):
        source = f'[tool.uv.sources]\ntorch_scatter = {{ url = "{url.format(local)}" }}'
        made, _ = pin(project("torch", "torch_scatter", uv=source))
        assert codes(made) == told


def test_a_build_of_another_backend_by_local_version_is_told() -> None:
    for label, told in (("cu128.torch27", ["wheel-of-another-backend"]), ("cu126", []), ("x", [])):
        made, _ = pin(project("torch", f"natten==0.21+{label}"))
        assert codes(made) == told


def test_a_package_of_a_vendors_index_keeps_the_marker_that_it_has() -> None:
    uv = """
[tool.uv.sources]
tensorrt = { index = "nvidia", marker = "sys_platform != 'darwin'" }

[[tool.uv.index]]
name = "nvidia"
url = "https://pypi.nvidia.com"
explicit = true
"""
    vendor = {"name": "tensorrt", "index": "nvidia", "kind": "vendor", "everywhere": True}
    index = {"name": "nvidia", "url": "https://pypi.nvidia.com"}
    _, made = pin(project("torch", "tensorrt", uv=uv), packages=[vendor], indexes=[index])
    assert made["sources"]["tensorrt"] == {"index": "nvidia", "marker": "sys_platform != 'darwin'"}


@pytest.mark.parametrize(
    ("marker", "bound"),
    [
        ("sys_platform == 'linux' and platform_machine == 'x86_64'",
         ["torch>=2.6,<2.15 ; sys_platform == 'linux' and platform_machine == 'x86_64'"]),
        ("sys_platform == 'darwin'", []),
        ("extra == 'gpu'",
         [("torch>=2.6,<2.15 ; sys_platform == 'linux' or "
          "(sys_platform == 'win32' and platform_machine == 'AMD64')")]),
    ],
    ids=["on some", "elsewhere", "of an extra"],
)  # fmt: skip
def test_a_bound_stands_where_an_override_of_the_project_does(
    marker: str, bound: list[str]
) -> None:
    uv = f"""
[tool.uv]
override-dependencies = ["torch==2.11.0 ; {marker}"]

[tool.uv.sources]
torch = [
    {{ index = "mine", marker = "platform_machine == 'riscv64'" }},
    {{ index = "other", marker = "sys_platform == 'darwin'" }},
]
"""
    three = ["linux-x86_64", "linux-aarch64", "windows-amd64"]
    _, made = pin(project("torch", uv=uv), platforms=three)
    assert made.get("constraint-dependencies", []) == bound


def test_a_source_for_an_extra_that_is_a_group_is_told() -> None:
    source = '[dependency-groups]\ncpu = ["torch"]\n\n[tool.uv.sources]\n'
    source += 'torch = [{ index = "cpu", extra = "cpu" }]'
    made, _ = pin(project(uv=source, indexes=(("cpu", f"{URL}/cpu"),)))
    assert codes(made) == ["source-of-no-list"]
