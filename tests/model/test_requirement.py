"""Plain specifiers: what is read without the library is what the library reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from accelsel.model.requirement import clauses, numbers, plain_test


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("  ", ()),
        (">=2.6", (">=2.6",)),
        (" >= 2.6 , <2.15", ("<2.15", ">=2.6")),
        ("==2.*", ("==2.*",)),
        ("~=2.1", ("~=2.1",)),
        (">=1,>=1", (">=1",)),
        ("~=2", None),
        (">=2.*", None),
        ("==2.5.1+cu124", None),
        (">=2.6rc1", None),
        (">=2.6,", None),
        ("2.6", None),
        ("===2.6", None),
        (">=٢", None),
    ],
)
def test_clauses(text: str, expected: tuple[str, ...] | None) -> None:
    assert clauses(text) == expected


@given(st.text(alphabet="<>=!~., *0123456789ab+", max_size=14))
def test_what_is_plain_reads_as_the_library_reads_it(text: str) -> None:
    found = clauses(text)
    if found is not None:
        assert SpecifierSet(",".join(found)) == SpecifierSet(text)


@given(
    st.lists(
        st.builds(
            "{}{}".format, st.sampled_from([">=", "<=", "<", ">", "==", "!="]),
            st.from_regex(r"[1-9](\.[1-9]){0,2}", fullmatch=True),
        ),
        max_size=4,
    )
)  # fmt: skip
def test_ordinary_sets_are_plain(parts: list[str]) -> None:
    text = ",".join(parts)
    assert ",".join(clauses(text) or ()) == str(SpecifierSet(text))


VERSIONS = st.from_regex(r"[0-3](\.[0-3]){0,3}", fullmatch=True)
SETS = st.lists(
    st.one_of(
        st.builds("{}{}".format, st.sampled_from([">=", "<=", "<", ">", "==", "!="]), VERSIONS),
        st.builds("{}{}.*".format, st.sampled_from(["==", "!="]), VERSIONS),
        st.builds("~={}.{}".format, VERSIONS, st.integers(0, 3)),
    ),
    max_size=3,
).map(",".join)


@given(SETS, VERSIONS)
def test_a_plain_set_admits_what_the_library_admits(text: str, version: str) -> None:
    test, parts = plain_test(text), numbers(version)
    assert test is not None
    assert parts is not None
    assert test(parts) == SpecifierSet(text).contains(version, prereleases=True)


@pytest.mark.parametrize(
    "version", ["2.14.1+cu126", "2.15.0.dev20260801", "2.6rc1", "", "1!2", "v2"]
)
def test_a_version_that_is_not_plain_is_left_to_the_library(version: str) -> None:
    assert numbers(version) is None
