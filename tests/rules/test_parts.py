"""Parts of a project that are installed on request, beside what is always installed."""

from dataclasses import replace

import pytest
from tests.kit import told
from tests.rules.hosts import amd, host, nvidia
from tests.rules.rows import TABLES

from accelsel.model.profile import Profile
from accelsel.model.request import Part, Request
from accelsel.model.selection import Selection
from accelsel.rules import select
from accelsel.rules.versions import admits

PASCAL, AMPERE, NONE = nvidia("sm_61"), nvidia("sm_86"), host()
FLASH = Part(place="extra flash", companions=("flash-attn",))


def chosen(profile: Profile, *parts: Part, **asked: object) -> Selection:
    return select(profile, Request(parts=parts, **asked), TABLES)  # type: ignore[arg-type]


def codes(selection: Selection) -> list[str]:
    kept = ("companion-left-out", "part-left-out")
    return [warning.code for warning in selection.warnings if warning.code in kept]


def names(selection: Selection) -> set[str]:
    return {package.name for package in selection.packages}


@pytest.mark.parametrize("profile", [PASCAL, NONE], ids=["Pascal", "no GPU"])
def test_a_package_that_no_build_serves_is_left_out(profile: Profile) -> None:
    needed = chosen(profile, companions=("flash-attn",))
    assert needed.outcome == "none"
    bare, found = chosen(profile), chosen(profile, FLASH)
    assert found.torch == bare.torch
    assert found.backend == bare.backend
    [warning] = (w for w in found.warnings if w.code == "companion-left-out")
    assert "flash-attn of extra flash" in warning.message
    assert warning.hint is not None
    assert "flash-attn" not in names(found)


def test_a_package_that_a_build_serves_is_served_as_if_it_were_needed() -> None:
    found, needed = chosen(AMPERE, FLASH), chosen(AMPERE, companions=("flash-attn",))
    assert replace(found, reasons=needed.reasons) == needed
    assert "flash-attn" in names(found)


def test_one_package_in_the_way_takes_no_other_along() -> None:
    vision = Part(place="extra vision", companions=("torchvision>=0.20",))
    other = Part(place="extra docs", companions=("sphinx",))
    found = chosen(PASCAL, FLASH, vision, other)
    assert codes(found) == ["companion-left-out"]
    assert "torchvision" in names(found)
    assert any("sphinx" in reason.message for reason in found.reasons)


def test_each_package_is_left_out_for_its_own_reason() -> None:
    xformers = Part(place="extra flash", companions=("xformers",))
    found = chosen(PASCAL, FLASH, xformers, requires_python=">=3.11,<3.14")
    [told] = (w.message for w in found.warnings if w.code == "companion-left-out")
    assert told.startswith("flash-attn of extra flash is left out: flash-attn has no code")


def test_what_is_always_installed_counts_first() -> None:
    old = Part(place="extra old", companions=("torchvision==0.19.0",))
    found = chosen(PASCAL, old, torch=">=2.7")
    assert found.torch is not None
    assert found.torch == chosen(PASCAL, torch=">=2.7").torch
    assert codes(found) == ["companion-left-out"]
    assert chosen(PASCAL, old, torch="==99").outcome == "none"


def rivals(*torch: str) -> tuple[Part, ...]:
    return tuple(Part(place=f"group g{at}", torch=bound) for at, bound in enumerate(torch))


@pytest.mark.parametrize(
    ("bounds", "left"),
    [
        (("==2.7.0", ">=2.6"), 0),
        (("<2.8", ">=2.9"), 0),
        (("==2.4.0", "==2.7.0"), 0),  # cu118 has both
        (("==1.9.0", ">=2.6"), 1),
        (("==1.9.0", "==1.8.0"), 2),
    ],
)
def test_alternatives_are_met_by_the_range(bounds: tuple[str, ...], left: int) -> None:
    found = chosen(PASCAL, *rivals(*bounds))
    assert codes(found) == ["part-left-out"] * left
    assert found.torch is not None
    within = admits(found.torch.specifier, where="torch")
    known = {row.torch for row in TABLES.builds if row.backend == found.backend and row.published}
    met = [any(map(admits(b, where=""), filter(within, known))) for b in bounds]
    assert met.count(False) == left


def test_bounds_that_hold_together_as_far_as_a_build_can() -> None:
    together = [replace(part, joined=True) for part in rivals(">=2.6", "<2.9")]
    found = chosen(PASCAL, *together)
    assert found.torch == chosen(PASCAL, torch=">=2.6,<2.9").torch
    apart = [replace(part, joined=True) for part in rivals("==2.6.0", ">=2.9")]
    assert chosen(PASCAL, *apart).torch == chosen(PASCAL).torch
    assert codes(chosen(PASCAL, *apart)) == []
    assert chosen(PASCAL, *apart, torch="==99").outcome == "none"


def test_alternatives_that_the_newest_range_meets_move_nothing() -> None:
    assert chosen(PASCAL, *rivals("==2.7.0", ">=2.6")).torch == chosen(PASCAL).torch


def test_builds_before_the_choice_are_told_why_not() -> None:
    found = chosen(PASCAL, *rivals("==2.4.0", "==2.7.0"))
    told = [one.message for one in found.rejected if one.rule == "requested-range"]
    assert any("group g0 asks for torch==2.4.0" in message for message in told)


def test_companions_of_alternatives_follow_the_range() -> None:
    old = Part(place="group old", torch="==2.6.0", companions=("torchvision==0.21.0",))
    wrong = Part(place="group new", torch="==2.7.0", companions=("torchvision==0.21.0",))
    found = chosen(PASCAL, old, wrong)
    assert [w.message.partition(" asks")[0] for w in found.warnings if "asks for" in w.message] == [
        "group new"
    ]
    [vision] = (package for package in found.packages if package.name == "torchvision")
    assert admits(vision.specifier or ">=0", where="")("0.21.0")


@pytest.mark.parametrize(
    ("torch", "companions", "left"),
    [
        ("", ("vllm<0.20",), True),
        ("", ("vllm<0.20", "flash-attn"), True),
        ("", ("vllm",), False),
        ("", ("flash-attn",), False),
        (">=2.13", ("vllm<0.20",), False),
    ],
    ids=["older alone", "beside another", "another release goes", "without bounds on torch",
         "refused by the project itself"],
)  # fmt: skip
def test_what_requires_another_torch_is_left_out_by_name(
    torch: str, companions: tuple[str, ...], left: object
) -> None:
    parts = (
        Part(place="extra serve", also=("group bench",), companions=companions),
        Part(place="uv.lock", companions=companions),
    )
    found = chosen(amd("gfx1100"), *parts, torch=torch)
    told = [(one.kind, one.name, one.packages) for one in found.left_out]
    assert told == ([("extra", "serve", ("vllm",)), ("group", "bench", ("vllm",))] if left else [])
    hints = {str(w.hint) for w in found.warnings if w.code == "companion-left-out"}
    assert any("uv" in hint and "refuses" in hint for hint in hints) == bool(torch)


VISION = Part(place="extra vision", companions=("torchvision==0.21.0",))
TOLD: dict[str, tuple[Profile, tuple[Part, ...], dict[str, object]]] = {
    "one that no build serves": (PASCAL, (FLASH,), {}),
    "one that a build serves": (AMPERE, (FLASH,), {}),
    "two that exclude each other": (
        AMPERE,
        (FLASH, VISION, Part(place="group serve", companions=("vllm<0.20", "torchao"))),
        {},
    ),
    "more than go together": (
        AMPERE,
        (
            Part(place="extra serve", companions=("vllm>=0.33",)),
            Part(place="extra graph", companions=("torch-scatter", "pyg-lib")),
            Part(place="extra old", companions=("torchvision==0.19.0", "xformers")),
            Part(place="extra audio", companions=("torchaudio", "whisperx")),
        ),
        {},
    ),
    "bounds apart": (PASCAL, rivals("==1.9.0", "==2.7.0", ">=2.6"), {}),
    "two bounds that no range meets": (PASCAL, rivals("==1.9.0", "==1.8.0"), {}),
    "bounds that an older backend meets": (PASCAL, rivals("==2.4.0", "==2.7.0"), {}),
    "bounds with packages": (
        AMPERE,
        (
            Part(place="group old", torch="==2.6.0", companions=("torchvision==0.21.0",)),
            Part(place="group new", torch="==2.7.0", companions=("torchvision==0.21.0", "numpy")),
        ),
        {},
    ),
    "bounds together": (
        PASCAL, tuple(replace(part, joined=True) for part in rivals(">=2.6", "<2.9")), {},
    ),
    "bounds that cannot be together": (
        PASCAL, tuple(replace(part, joined=True) for part in rivals("==2.6.0", ">=2.9")), {},
    ),
    "without any choice": (AMPERE, (FLASH, *rivals(">=2.6")), {"torch": "==99"}),
    "another torch than the project's": (
        amd("gfx1100"),
        (Part(place="extra serve", also=("group bench",), companions=("vllm<0.20", "torchao")),),
        {"torch": ">=2.13"},
    ),
    "AMD's own index": (amd("gfx1031"), (FLASH, *rivals("==2.7.0")), {}),
}  # fmt: skip


@pytest.mark.parametrize("name", TOLD)
def test_what_is_told(name: str) -> None:
    profile, parts, asked = TOLD[name]
    found = chosen(profile, *parts, **asked)
    text = told.text(found, without=("rejected", "rules", "rows", "index", "indexes"))
    for one in found.rejected:
        if one.rule == "requested-range" and found.outcome == "selected":
            text += f"not {one.torch} {one.backend}: {one.message}\n"
    told.same(f"parts/{name.replace(' ', '-')}", text)
