"""Plain specifiers: what is read without the library is what the library reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from accelsel.model.specifier import clauses


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
