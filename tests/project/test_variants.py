"""Several backends in one project, beside the reviewed pairs."""

import tomllib
from operator import itemgetter
from typing import Any

import pytest
from tests.project.cases import selection

from accelsel.model.plan import PinOptions
from accelsel.model.value import replace
from accelsel.project.plan import plan
from accelsel.project.read import read
from accelsel.project.render import render

OWN_EXTRAS = """[project]
name = "demo"
version = "1"
dependencies = [{base}]
optional-dependencies.cpu = ["torch"]
optional-dependencies.video = ["torchcodec"]

[tool.uv]
sources.torch = [{{ index = "cpu", extra = "cpu" }}]
index = [{{ name = "cpu", url = "https://download.pytorch.org/whl/cpu", explicit = true }}]
"""
CODEC = {"name": "torchcodec", "specifier": "<0.9", "constrain": True}


@pytest.mark.parametrize(
    ("base", "extra", "codes"),
    [
        ('"torchcodec"', ["torch>=2.6,<2.15", "torchcodec<0.9"], []),
        ("", ["torch>=2.6,<2.15"], ["bound-not-scoped"]),
    ],
    ids=["installed with it", "in another extra alone"],
)
def test_a_bound_of_one_backend_leaves_the_other_extras_alone(
    base: str, extra: list[str], codes: list[str]
) -> None:
    text = OWN_EXTRAS.format(base=base)
    made = plan(read(text), (selection({"packages": [CODEC]}),), PinOptions())
    data = tomllib.loads(render(text, made))
    assert [
        item.split(" ;")[0] for item in data["project"]["optional-dependencies"]["cu126"]
    ] == extra
    assert "constraint-dependencies" not in data["tool"]["uv"]
    assert [warning.code for warning in made.warnings] == codes


def test_a_default_group_that_excludes_an_extra_is_told() -> None:
    text = OWN_EXTRAS.format(base="")
    chosen = (selection({"backend": "cpu"}), selection({}))
    made = plan(read(text), chosen, PinOptions(shape="groups"))
    assert [w.hint for w in made.warnings if w.code == "default-group-excludes"] == [
        "`uv sync --no-group cpu --extra cpu`, or --as extras"
    ]


def test_backends_that_exclude_each_other_by_pairs_do_already() -> None:
    text = """[project]
name = "demo"
version = "1"
dependencies = []
optional-dependencies.cuda = ["torch"]
optional-dependencies.cpu = ["torch"]
optional-dependencies.metal = ["torch"]

[tool.uv]
conflicts = [
    [{ extra = "cuda" }, { extra = "cpu" }],
    [{ extra = "cuda" }, { extra = "metal" }],
    [{ extra = "cpu" }, { extra = "metal" }],
]
sources.torch = [
    { index = "cpu", extra = "cpu" },
    { index = "cpu", extra = "metal" },
    { index = "gpu", extra = "cuda" },
]
index = [
    { name = "cpu", url = "https://download.pytorch.org/whl/cpu", explicit = true },
    { name = "gpu", url = "https://download.pytorch.org/whl/cu126", explicit = true },
]
"""
    made = plan(read(text), (selection({}),), PinOptions())
    assert made.changed
    assert not [edit for edit in made.edits if edit.key == "conflicts"]


def test_nothing_is_masked_for_the_other_backends_of_the_project() -> None:
    facts = {
        "backend": "rocm6.4",
        "platforms": ["linux-x86_64"],
        "excludes": ["triton"],
        "packages": [
            {"name": "triton", "override": True, "marker": "python_version < '0'", "kind": "triton"}
        ],
    }
    made = plan(read(OWN_EXTRAS.format(base="")), (selection(facts),), PinOptions())
    keys = {edit.key for edit in made.edits}
    assert not keys & {"override-dependencies", "exclude-dependencies"}
    assert {warning.code for warning in made.warnings} == {"override-not-scoped"}


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ('no-build-isolation-package = ["grouped-gemm"]', "grouped-gemm built from source"),
        ("no-build-isolation = true", "every package built from source"),
        ('no-build-isolation-package = ["deepspeed"]', ""),
        ("", ""),
    ],
    ids=["unknown", "all", "wired", "none"],
)
def test_a_build_that_serves_every_backend_is_told(setting: str, told: str) -> None:
    """Uv keeps one build of it, whichever torch was installed then."""
    head = '[project]\nname = "p"\nversion = "1"\ndependencies = ["torch", "deepspeed"]'
    text = f"{head}\n[tool.uv]\n{setting}\n"
    wired = {"name": "deepspeed", "match_runtime": True}
    chosen = (selection({"packages": [wired]}), selection({"backend": "cpu", "packages": [wired]}))
    made = plan(read(text), chosen, PinOptions(shape="groups"))
    said = [w.message for w in made.warnings if w.code == "built-once"]
    assert [told in one for one in said] == ([True] if told else [])
    single = plan(read(text), chosen[:1], PinOptions())
    assert "built-once" not in {w.code for w in single.warnings}


OWN_BACKENDS = """[project]
name = "demo"
version = "1"
dependencies = ["torch", "torchaudio"]
optional-dependencies.cpu = ["torch", "torchaudio"]
optional-dependencies.gpu = ["torch", "torchaudio"]
optional-dependencies.speech = ["speech", "torch", "torchaudio", "torchvision"]
optional-dependencies.engine = ["engine"]

[tool.uv]
conflicts = [
    [{ extra = "cpu" }, { extra = "gpu" }],
    [{ extra = "speech" }, { extra = "gpu" }],
    [{ extra = "speech" }, { extra = "engine" }],
]
sources.torch = [
    { index = "cpu", extra = "cpu" },
    { index = "cpu", extra = "speech" },
    { index = "gpu", extra = "gpu" },
]
index = [
    { name = "cpu", url = "https://download.pytorch.org/whl/cpu", explicit = true },
    { name = "gpu", url = "https://download.pytorch.org/whl/cu128", explicit = true },
]
"""


def written(*chosen: dict[str, Any]) -> dict[str, Any]:
    made = plan(read(OWN_BACKENDS), tuple(map(selection, chosen)), PinOptions(shape="extras"))
    return tomllib.loads(render(OWN_BACKENDS, made))


def test_what_goes_together_in_the_project_goes_together_still() -> None:
    conflicts = written({"backend": "cpu"}, {"backend": "xpu"})["tool"]["uv"]["conflicts"]
    assert [[*map(itemgetter("extra"), one)] for one in conflicts] == [
        ["cpu", "gpu", "xpu"], ["speech", "gpu", "xpu"], ["speech", "engine"]
    ]  # fmt: skip


def test_an_extra_for_a_backend_holds_what_those_of_all_backends_hold() -> None:
    chosen = ({"backend": "cpu"}, {"backend": "xpu"})
    extras = written(*chosen)["project"]["optional-dependencies"]
    assert [item.partition(">")[0] for item in extras["xpu"]] == ["torch", "torchaudio"]
    assert [item.partition(">")[0] for item in extras["cpu"]] == ["torch", "torchaudio"]


def test_a_package_from_an_index_of_no_backend_is_installed_by_no_backend() -> None:
    vendor = {"name": "nvidia", "url": "https://pypi.nvidia.com"}
    engine = {"name": "engine-libs", "index": "nvidia"}
    data = written({"packages": [engine], "indexes": [vendor]})
    assert "engine-libs" not in str(data["project"])
    assert data["tool"]["uv"]["sources"]["engine-libs"]["index"] == "nvidia"
    bounds = data["tool"]["uv"]["constraint-dependencies"]
    assert "engine-libs>=0" in [bound.partition(" ;")[0] for bound in bounds]


@pytest.mark.parametrize(
    ("releases", "told"),
    [(("3.4.0", "3.8.0"), ["triton-releases"]), (("3.8.0", "3.8.0"), [])],
    ids=["of two releases", "of one release"],
)
def test_extras_of_several_tritons_exclude_each_other(
    releases: tuple[str, str], told: list[str]
) -> None:
    text = '[project]\nname = "demo"\nversion = "1"\ndependencies = ["torch"]\n'
    rocm = replace(selection({"backend": "rocm7.2"}), excludes=("triton",))
    chosen = [
        replace(
            selection({"backend": backend}),
            triton=f"triton=={release} ; platform_system == 'Linux'",
        )
        for backend, release in zip(("cu126", "cu130"), releases, strict=True)
    ]
    options = PinOptions(shape="groups", tritons_apart=True)
    made = plan(read(text), (*chosen, rocm), options)
    sets = tomllib.loads(render(text, made))["tool"]["uv"]["conflicts"]
    assert [{"extra": "triton-cu126"}, {"extra": "triton-cu130"}] in sets or not told
    assert len(sets) == 1 + len(told)
    assert [w.code for w in made.warnings if w.code.startswith("triton")] == told


@pytest.mark.parametrize(
    ("override", "told"),
    [("torch==2.11.0", True), ("torch ; sys_platform == 'never'", False), ("numpy<2", False)],
    ids=["torch", "masked", "another package"],
)
def test_an_override_that_no_extra_or_group_can_have_is_told(override: str, told: bool) -> None:
    text = f"""[project]
name = "demo"
version = "1"
dependencies = ["torch"]

[tool.uv]
override-dependencies = ["{override}"]
"""
    chosen = (selection({"backend": "cpu"}), selection({}))
    made = plan(read(text), chosen, PinOptions(shape="groups"))
    assert ("override-of-all-backends" in [w.code for w in made.warnings]) is told


def test_a_set_of_conflicts_is_indented_as_the_others_are() -> None:
    text = """[project]
name = "demo"
version = "1"
dependencies = ["torch"]
optional-dependencies.old = ["torch<2.1"]
optional-dependencies.one = []
optional-dependencies.two = []

[tool.uv]
conflicts = [
  [
    { extra = "one" },
    { extra = "two" },
  ],
]
"""
    made = plan(read(text), (selection({}),), PinOptions())
    assert """
    { extra = "two" },
  ],
  [
    { extra = "old" },
    { group = "cu126" },
  ],
]
""" in render(text, made)
