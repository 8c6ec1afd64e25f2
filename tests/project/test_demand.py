"""What a project asks for on one platform: what is always installed, what on request."""

from dataclasses import replace

import pytest

from accelsel.model.errors import AccelselError
from accelsel.model.request import Part
from accelsel.project.demand import demand, refuse_malformed
from accelsel.project.markers import JETSON
from accelsel.project.read import read

LINUX, WINDOWS, MAC = "linux-x86_64", "windows-amd64", "macos-arm64"
PROJECT = '[project]\nname = "a"\n'


def project(*dependencies: str, rest: str = "", requires: str = "") -> str:
    bound = f"requires-python = '{requires}'\n" if requires else ""
    return f"{PROJECT}{bound}dependencies = {list(dependencies)!r}\n{rest}"


APART = ("torch==2.4.1 ; sys_platform != 'darwin'", "torch==2.2.2 ; sys_platform == 'darwin'")
PYTHONS = ("torch>=2.4", "torch==2.0.0 ; python_version < '3.10'")
OVERRIDE = "[tool.uv]\noverride-dependencies = [{}]\n"
BOUND = "[tool.uv]\nconstraint-dependencies = ['torch<2.9']\n"
URL = "https://download.pytorch.org/whl/cu118/torch-2.2.1%2Bcu118-cp310-cp310-linux_x86_64.whl"
TORCH = {
    "none": (project("torch"), LINUX, ""),
    "a marker that holds": (project(*APART), LINUX, "==2.4.1"),
    "a marker of another platform": (project(*APART), MAC, "==2.2.2"),
    "a marker of Jetson": (
        project("torch<2.6 ; 'tegra' in platform_release", "torch>=2.1"), JETSON, "<2.6,>=2.1"
    ),
    "a marker of Jetson, on a server": (
        project("torch<2.6 ; 'tegra' in platform_release", "torch>=2.1"), "linux-aarch64", ">=2.1"
    ),
    "a Python that the project leaves out": (project(*PYTHONS, requires=">=3.11"), LINUX, ">=2.4"),
    "a Python between two minors": (
        project(*PYTHONS, requires=">=3.11.4,<3.12"), LINUX, ">=2.4"
    ),
    "text that is no marker": (project("torch<2.9 ; sys_platform is 'linux'"), LINUX, "<2.9"),
    "a constraint": (project("torch>=2.6", rest=BOUND), LINUX, ">=2.6,<2.9"),
    "a constraint alone": (project("timm", rest=BOUND), LINUX, "<2.9"),
    "the same bound twice": (project("torch<2.9", rest=BOUND), LINUX, "<2.9"),
    "an override": (
        project("torch>=2.6", rest=OVERRIDE.format("'torch==2.5.1'")), LINUX, "==2.5.1"
    ),
    "an override of the platform": (
        project("torch>=2.6", rest=OVERRIDE.format("\"torch==2.5.1 ; sys_platform == 'linux'\"")),
        LINUX, "==2.5.1",
    ),
    "a wheel in sources": (
        project("torch", rest=f"[tool.uv.sources]\ntorch.url = '{URL}'\n"), LINUX, "==2.2.1"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "platform", "expected"), TORCH.values(), ids=TORCH)
def test_bounds_on_torch(text: str, platform: str, expected: str) -> None:
    assert demand([read(text)], platform).torch == expected


@pytest.mark.parametrize(
    ("requires", "counted"),
    [
        (">=3.9", True), (">=3.10", False), (">=3.9.7,<4", True), ("==3.9.*", True),
        ("==3.11.*", False), ("~=3.9", True), ("~=3.9.2", True), ("~=3.10.2", False),
        ("<3.11,>3.9.1", True), ("!=3.9.*,>=3.9", False), ("!=3.9.0,>=3.9", True),
        ("==3.12.4", False), ("what", True),
    ],
)  # fmt: skip
def test_a_bound_for_a_python_counts_where_the_project_has_it(
    requires: str, *, counted: bool
) -> None:
    text = project("torch<2.9 ; python_version < '3.10'", requires=requires)
    found = demand([read(text)], LINUX)
    bounds = {found.torch, *(part.torch for part in found.parts)} - {""}
    assert bounds == ({"<2.9"} if counted else set())


SPLIT = ("torch==2.6.0 ; python_version < '3.14'", "torch>=2.9 ; python_version >= '3.14'")


@pytest.mark.parametrize(
    ("python", "torch", "parts"),
    [
        (None, "", ["==2.6.0", ">=2.9"]),
        ("3.12", "==2.6.0", [">=2.9"]),
        ("3.14t", ">=2.9", ["==2.6.0"]),
        ("cpython-3.14.1", ">=2.9", ["==2.6.0"]),
    ],
)
def test_bounds_for_some_pythons(python: str | None, torch: str, parts: list[str]) -> None:
    found = demand([read(project(*SPLIT, requires=">=3.10"))], LINUX, python)
    assert found.torch == torch
    assert [part.torch for part in found.parts] == parts
    assert all(part.joined and "python_version" in part.place for part in found.parts)


NT = "apex = [{ git = 'x', marker = \"os_name == 'nt'\" }]"
SOURCES = "[tool.uv.sources]\n"
EXCLUDE = "[tool.uv]\nexclude-dependencies = ['xformers']\n"
GIT = "[tool.uv.sources]\n{} = {{ git = 'https://git.example/apex', rev = 'main' }}\n"
AROUND = {
    "once, with its constraint": (
        project("Flash_Attn[x]>=2", rest="[tool.uv]\nconstraint-dependencies = ['flash-attn<3']\n"),
        ("flash-attn[x]>=2", "flash-attn<3"),
    ),
    "of another platform": (project("vllm ; sys_platform == 'win32'", "numpy"), ("numpy",)),
    "in uv's words": (
        project("dion @ git+https://git.example/dion.git; platform_machine == 'x86_64'"),
        ("dion @ git+https://git.example/dion.git ; platform_machine == 'x86_64'",),
    ),
    "from a repository": (
        project("apex", rest=GIT.format("apex")), ("apex @ git+https://git.example/apex",)
    ),
    "from a repository, for another extra": (
        project("apex", rest="[tool.uv.sources]\napex = [{ git = 'x', extra = 'b' }]\n"),
        ("apex",),
    ),
    "from a repository, for another platform": (
        project("apex", rest=f"{SOURCES}{NT}"),
        ("apex",),
    ),
    "from a path": (
        project("rotary-emb", rest=f"{SOURCES}rotary_emb.path = './csrc/my rotary'"),
        ("rotary-emb @ file:./csrc/my%20rotary",),
    ),
    "from an index": (
        project("apex", rest="[tool.uv.sources]\napex = { index = 'x' }\n"), ("apex",)
    ),
    "overridden": (project("torchvision<0.20", rest=OVERRIDE.format("'torchvision==0.22'")),
                   ("torchvision==0.22",)),
    "excluded": (project("xformers", "vllm", rest=EXCLUDE), ("vllm",)),
    "itself": (project("a[b]", "numpy"), ("numpy",)),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), AROUND.values(), ids=AROUND)
def test_packages_around_torch(text: str, expected: tuple[str, ...]) -> None:
    found = demand([read(text)], LINUX)
    assert found.companions == expected
    assert found.parts == ()


EXTRA = "[project.optional-dependencies]\nflash = ['flash-attn']\n"
GROUP = "[dependency-groups]\n"
OLD_NEW = (
    "old = ['torch==2.4.0', 'torchvision==0.19.0', 'xformers']\nnew = ['torch==2.7.0']\n"
    "[tool.uv]\nconflicts = [[{ group = 'old' }, { group = 'new' }]]\n"
)
OLD = Part(place="group old", torch="==2.4.0", companions=("torchvision==0.19.0",))
NEW = Part(place="group new", torch="==2.7.0")
FLASH = Part(place="extra flash", companions=("flash-attn",))
XFORMERS = Part(place="group old", companions=("xformers",))
PARTS = {
    "an extra": (project("torch", rest=EXTRA), "", (), (FLASH,)),
    "an extra, of what is installed anyhow": (
        project("flash-attn", rest=EXTRA), "", ("flash-attn",), ()
    ),
    "an extra that the project itself asks for": (
        project("A[flash]", rest=EXTRA), "", ("flash-attn",), ()
    ),
    "one package in two extras": (
        project(rest=f"{EXTRA}all = ['flash-attn']\nbound = ['flash-attn<3']\n"), "", (),
        (
            replace(FLASH, also=("extra all",)),
            Part(place="extra bound", companions=("flash-attn<3",)),
        ),
    ),
    "a package with its constraint": (
        project(rest=f"{EXTRA}[tool.uv]\nconstraint-dependencies = ['flash-attn<3']\n"), "", (),
        (Part(place="extra flash", companions=("flash-attn", "flash-attn<3")),),
    ),
    "the group dev": (project(rest=f"{GROUP}dev = ['vllm']\n"), "", ("vllm",), ()),
    "a group in dev": (
        project(rest=f"{GROUP}dev = [{{ include-group = 'gpu' }}]\ngpu = ['vllm']\n"),
        "", ("vllm",), (),
    ),
    "dev, which is no default": (
        project(rest=f"{GROUP}dev = ['vllm']\n[tool.uv]\ndefault-groups = []\n"), "", (),
        (Part(place="group dev", companions=("vllm",)),),
    ),
    "all groups": (
        project(rest=f"{GROUP}My_Group = ['vllm']\n[tool.uv]\ndefault-groups = 'all'\n"),
        "", ("vllm",), (),
    ),
    "a named group": (
        project(rest=f"{GROUP}My_Group = ['vllm']\n[tool.uv]\ndefault-groups = ['my-group']\n"),
        "", ("vllm",), (),
    ),
    "legacy dev-dependencies": (
        project(rest="[tool.uv]\ndev-dependencies = ['vllm']\n"), "", ("vllm",), ()
    ),
    "groups in conflict": (project(rest=GROUP + OLD_NEW), "", (), (OLD, XFORMERS, NEW)),
    "groups in conflict, one a default": (
        project(rest=f"{GROUP}{OLD_NEW}default-groups = ['new']\n"), "==2.7.0", (), (OLD, XFORMERS)
    ),
    "groups in conflict through others": (
        project(
            rest=f"{GROUP}b = [{{ include-group = 'c' }}]\nc = ['torch<2.8']\nd = ['torch>=2.9']\n"
            "[tool.uv]\nconflicts = [[{ group = 'b' }, { group = 'd' }]]\n"
        ),
        "", (), (Part(place="group c", torch="<2.8"), Part(place="group d", torch=">=2.9")),
    ),
    "extras in conflict with a bound in common": (
        project(
            rest="[project.optional-dependencies]\n"
            "cpu = ['torch>=2.6,<2.9', 'torchvision']\ncu = ['torch>=2.6', 'torchvision']\n"
            "[tool.uv]\nconflicts = [[{ extra = 'cpu' }, { extra = 'cu' }]]\n"
        ),
        ">=2.6", (),
        (
            Part(place="extra cpu", torch="<2.9", companions=("torchvision",)),
            Part(place="extra cu", companions=("torchvision",)),
        ),
    ),
    "one with torch among those in conflict": (
        project(
            rest="[project.optional-dependencies]\na = ['torch<2.9']\nb = ['jax']\n"
            "[tool.uv]\nconflicts = [[{ extra = 'a' }, { extra = 'b' }]]\n"
        ),
        "", (),
        (
            Part(place="extra a", torch="<2.9", joined=True),
            Part(place="extra b", companions=("jax",)),
        ),
    ),
    "an extra with a bound": (
        project("torch>=2.6", rest="[project.optional-dependencies]\na = ['torch<2.9']\n"),
        ">=2.6", (), (Part(place="extra a", torch="<2.9", joined=True),),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "torch", "always", "parts"), PARTS.values(), ids=PARTS)
def test_parts(text: str, torch: str, always: tuple[str, ...], parts: tuple[Part, ...]) -> None:
    found = demand([read(text)], LINUX)
    assert (found.torch, found.companions, found.parts) == (torch, always, parts)


def test_a_workspace_is_asked_as_one() -> None:
    root = read(
        "[tool.uv.workspace]\nmembers = ['b']\n[tool.uv]\nconstraint-dependencies = ['torch<2.9']\n"
        "conflicts = [[{ package = 'b', extra = 'x' }, { package = 'b', extra = 'y' }]]\n"
        "[tool.uv.sources]\napex = { git = 'https://git.example/apex' }\n"
    )
    member = read(
        '[project]\nname = "b"\ndependencies = ["torch>=2.6", "apex"]\n'
        "[project.optional-dependencies]\nx = ['torch<2.8']\ny = ['torch>=2.8']\n"
        "[tool.uv]\nconstraint-dependencies = ['torch<2.1']\n"
    )
    found = demand([root, member], LINUX)
    assert found.torch == ">=2.6,<2.9"
    assert found.companions == ("apex @ git+https://git.example/apex",)
    assert [(part.place, part.torch) for part in found.parts] == [
        ("extra x", "<2.8"), ("extra y", ">=2.8"),
    ]  # fmt: skip


NEVER = OVERRIDE.format("\"torch; sys_platform == 'never'\"")
MASKED = {
    "nothing": (project("torch"), None),
    "an override": (project("torch", rest=OVERRIDE.format("'torch<2.9'")), None),
    "an override that never holds": (project("torch", rest=NEVER), "override-dependencies"),
    "an override elsewhere": (
        project("torch", rest=OVERRIDE.format("\"torch; sys_platform == 'linux'\"")), None
    ),
    "an exclusion": (
        project("torch", rest="[tool.uv]\nexclude-dependencies = ['torch']\n"),
        "exclude-dependencies",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), MASKED.values(), ids=MASKED)
def test_torch_kept_off_the_platform(text: str, expected: str | None) -> None:
    found = demand([read(text)], LINUX).masked
    assert (found and found.partition(",")[0]) == expected


MALFORMED = {
    "an operator too many": ('[project]\nname = "a"\ndependencies = [\n  "torch>=<2.3",\n]\n', 4),
    "a literal string": (f"{PROJECT}dependencies = ['numpy=>1']\n", 3),
    "in a constraint": (f"{PROJECT}[tool.uv]\nconstraint-dependencies = ['torch<<2']\n", 4),
    "written with an escape": (f'{PROJECT}dependencies = ["torch\\u003c<2"]\n', None),
}


@pytest.mark.parametrize(("text", "line"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_requirement_is_told_with_its_line(text: str, line: int | None) -> None:
    with pytest.raises(AccelselError) as raised:
        refuse_malformed(read(text))
    where = f"pyproject.toml:{line}" if line else "pyproject.toml"
    assert (raised.value.code, raised.value.kind, raised.value.where) == (
        2, "invalid-requirement", where,
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "torch (>=2.6)", "torch >= 2.6, <3", "torch[a,b]==2.*;python_version>'3'", "torch===2.6+x",
        "dion @ git+https://git.example/d.git; platform_machine == 'x86_64'", "!!",
    ],
)  # fmt: skip
def test_what_uv_accepts_is_not_refused(text: str) -> None:
    refuse_malformed(read(f'{PROJECT}dependencies = ["{text}"]\n'))


WHEEL = "https://download.pytorch.org/whl/{0}/torch-2.6.0%2B{0}-cp311-cp311-linux_x86_64.whl"


@pytest.mark.parametrize(
    ("backend", "beside", "served"),
    [("cu118", "torch", True), ("cu118", "numpy", False), ("xpu", "numpy", True)],
)
def test_a_list_that_names_its_own_wheel_needs_none_that_is_chosen(
    backend: str, beside: str, *, served: bool
) -> None:
    found = demand(
        [
            read(
                f'[project]\nname = "demo"\nversion = "1"\ndependencies = ["{beside}"]\n'
                f'optional-dependencies.own = ["torch @ {WHEEL.format(backend)}", "torchao"]\n'
            )
        ],
        "linux-x86_64",
    )
    assert (found.parts == ()) == served


def test_overrides_of_an_extra_keep_torch_off_no_platform() -> None:
    text = (
        '[project]\nname = "demo"\nversion = "1"\ndependencies = ["torch>=2.6"]\n'
        "[tool.uv]\noverride-dependencies = [\"torch==2.6.0 ; extra == 'gpu'\"]\n"
    )
    found = demand([read(text)], "linux-x86_64")
    assert (found.torch, found.masked) == (">=2.6", None)


def test_a_local_version_of_an_index_of_its_own_is_the_projects_business() -> None:
    text = """
[project]
name = "demo"
version = "1"
dependencies = ["torch>=2.6", "apex==0.1+cu128.torch271", "natten==0.21+cu128", "flash-attn"]

[tool.uv.sources]
apex = { index = "mine" }
natten = { index = "pytorch" }
flash-attn = { index = "mine" }

[[tool.uv.index]]
name = "mine"
url = "https://wheels.example/simple"

[[tool.uv.index]]
name = "pytorch"
url = "https://download.pytorch.org/whl/cu128"
"""
    found = demand([read(text)], "linux-x86_64")
    assert found.companions == ("natten==0.21+cu128", "flash-attn")


def test_the_triton_of_another_backend_of_the_project_is_not_asked_for() -> None:
    text = """
[project]
name = "demo"
version = "1"
dependencies = []
optional-dependencies.rocm = ["torch", "pytorch-triton-rocm", "torchao"]
optional-dependencies.more = ["pytorch-triton-xpu"]

[tool.uv]
sources.torch = [{ index = "rocm", extra = "rocm" }]
index = [{ name = "rocm", url = "https://download.pytorch.org/whl/rocm6.4", explicit = true }]
"""
    parts = demand([read(text)], "linux-x86_64").parts
    assert {name for part in parts for name in part.companions} == {"torchao", "pytorch-triton-xpu"}
