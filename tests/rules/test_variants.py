"""A host as variant properties."""

import pytest
from tests.kit import told
from tests.kit.hosts import NAMES, profiled

from accelsel.knowledge import load
from accelsel.rules.variants import code_for, known, lower_bounds, supported, upper_bounds


def test_a_driver_runs_every_toolkit_of_its_major() -> None:
    values = lower_bounds((12, 2))
    assert values[:4] == ("12.2", "12.1", "12.0", "12")
    assert values[-3:] == ("12.18", "12.19", "12.20")
    assert values.index("11.8") < values.index("12.3") < values.index("12.9")
    assert "13.0" not in values


def test_bounds_above_leave_out_what_the_driver_reaches() -> None:
    values = upper_bounds((12, 9))
    assert values[0] == "15.20"
    assert values[-1] == "12.10"
    assert "13" in values
    assert "12.9" not in values


@pytest.mark.parametrize(
    ("archs", "expected"),
    [
        (["sm_89"], ["89_real", "88_real", "87_real", "86_real", "85_real"]),
        (["sm_86", "sm_89"], ["86_real", "85_real", "84_real", "83_real", "82_real"]),
        (["sm_61", "sm_86"], ["61_real", "60_real"]),
        (["sm_100", "sm_70"], ["70_real"]),
        (["sm_103"], ["103_real", "102_real", "101_real", "100_real"]),
        ([], []),
    ],
)
def test_all_gpus_count(archs: list[str], expected: list[str]) -> None:
    code = code_for(archs, load().exceptions)
    assert list(code[: len(expected)]) == expected
    assert bool(code) is bool(expected)


def test_an_orin_does_not_run_code_of_its_neighbours() -> None:
    assert not {"80_real", "86_real"} & set(code_for(["sm_87"], load().exceptions))


def test_all_that_is_known_is_well_formed() -> None:
    features = known(load())
    assert set(features) == {"nvidia", "amd", "intel"}
    for each in features.values():
        for feature in each:
            assert feature.values
            assert len(set(feature.values)) == len(feature.values)


def test_what_is_told() -> None:
    """The properties of every described host that is unlike those before."""
    tables, found = load(), dict[str, list[str]]()
    for name in NAMES:
        features = supported(profiled(name), tables)
        found.setdefault(told.text(features), []).append(name)
    text = "".join(f"{', '.join(names)}\n{values}\n" for values, names in found.items())
    told.same("variants/hosts", text)


def test_what_a_wheel_may_carry() -> None:
    told.same("variants/known", told.text(known(load())))
