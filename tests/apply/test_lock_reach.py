"""What a lock holds for some of a project's extras and groups alone."""

import tomllib

import pytest

from accelsel.apply.lock_reach import reached

LOCK = """\
[[package]]
name = "an-app"
version = "0"
source = { virtual = "." }
dependencies = [
    { name = "torch", version = "2.14.1", marker = "extra != 'extra-6-an-app-serve'" },
    { name = "torch", version = "2.10.0", marker = "extra == 'extra-6-an-app-serve'" },
]
[package.optional-dependencies]
serve = [{ name = "vllm" }]
vision = [{ name = "timm", extra = ["image"] }]
[package.dev-dependencies]
bench = [{ name = "vllm" }]
[[package]]
name = "torch"
version = "2.10.0"
source = { registry = "https://x.example" }
dependencies = [{ name = "triton" }]
[[package]]
name = "torch"
version = "2.14.1"
source = { registry = "https://x.example" }
[[package]]
name = "timm"
version = "1"
source = { registry = "https://x.example" }
[package.optional-dependencies]
image = [{ name = "torchvision" }]
other = [{ name = "an-other" }]
[[package]]
name = "vllm"
version = "1"
source = { registry = "https://x.example" }
dependencies = [{ name = "torchaudio" }, { name = "torch", version = "2.10.0" }]
""" + "".join(
    f'[[package]]\nname = "{name}"\nversion = "1"\nsource = {{ registry = "https://x.example" }}\n'
    for name in ("torchaudio", "torchvision", "triton", "an-other")
)
SERVE, BENCH, VISION = ("extra", "serve"), ("group", "bench"), ("extra", "vision")


@pytest.mark.parametrize(
    ("without", "gone"),
    [
        ((), {"an-other"}),
        ((SERVE,), {"an-other"}),
        ((SERVE, BENCH), {"an-other", "vllm", "torchaudio"}),
        ((VISION,), {"an-other", "timm", "torchvision"}),
        ((("group", "serve"),), {"an-other"}),
    ],
    ids=["all", "asked for elsewhere", "by extra and group", "an extra of a package", "other kind"],
)
def test_what_is_held_for_a_part_alone_goes_with_it(
    without: tuple[tuple[str, str], ...], gone: set[str]
) -> None:
    lock = tomllib.loads(LOCK)
    assert {one["name"] for one in lock["package"]} - reached(lock, without) == gone


def test_a_lock_without_project_holds_all() -> None:
    lock = {"package": [one for one in tomllib.loads(LOCK)["package"] if one["name"] != "an-app"]}
    assert "an-other" in reached(lock, (SERVE,))
