"""Who owns the same files, by RECORD files in any order."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsel.probe.owners import shared


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param("triton/a.py,sha256=x,1", "triton/a.py,sha256=y,1", "triton", id="differ"),
        pytest.param("n/__init__.py,sha256=x,0", "n/__init__.py,sha256=x,0", None, id="equal"),
        pytest.param(
            "nvidia/nccl/l.so,h=1,1", "nvidia/nccl/l.so,h=2,1", "nvidia/nccl", id="namespace"
        ),
        pytest.param("../../bin/x,h=1,1", "../../bin/x,h=2,1", None, id="scripts"),
        pytest.param("t/__pycache__/a.pyc,,", "t/__pycache__/a.pyc,h=2,1", None, id="caches"),
        pytest.param("a/x.py,h=1,1", "b/x.py,h=2,1", None, id="apart"),
        pytest.param("one.py,h=1,1\na-1.dist-info/p,,", "one.py,h=2,1", "one.py", id="file-first"),
    ],
)
def test_shared(first: str, second: str, expected: str | None) -> None:
    found = shared([("one", first.encode()), ("two", second.encode())])
    assert [each.package for each in found] == ([expected] if expected else [])
    assert all(each.owners == ("one", "two") for each in found)


TOPS = st.sampled_from(["a", "b", "nvidia/x", "a-1.0.dist-info", "b-2.dist-info", "..", "one.py"])
LINES = st.tuples(TOPS, st.sampled_from(["p.py", "q.so"]), st.sampled_from("xy")).map(
    lambda row: (
        f"{row[0]},h={row[2]},1" if row[0].endswith(".py") else f"{row[0]}/{row[1]},h={row[2]},1"
    )
)
RECORDS = st.lists(LINES, max_size=8, unique_by=lambda line: line.partition(",")[0])


@settings(max_examples=200, deadline=None)
@given(RECORDS, RECORDS, st.booleans())
def test_nothing_shared_is_missed(first: list[str], second: list[str], ends: bool) -> None:
    """However the lines stand, what is found is what a look at every path finds."""
    one, two = (dict(line.split(",", 1) for line in lines) for lines in (first, second))
    differ = {
        path
        for path in set(one) & set(two)
        if one[path] != two[path] and not path.startswith("..") and ".dist-info/" not in path
    }
    texts = ["\n".join(lines) + ("\n" if ends and lines else "") for lines in (first, second)]
    found = shared([(name, text.encode()) for name, text in zip("ab", texts, strict=True)])
    assert sum(each.files for each in found if ".dist-info" not in each.package) == len(differ)
