"""Version specifiers that are plainly right, read without a library.

A project may hold a thousand requirements, of which all but a few are `name>=1.2`: the library
that knows all of PEP 440 is asked about the others only.
"""

import re

_CLAUSE = r"(?:(?:[<>]=?|[!=]=)\s*\d+(?:\.\d+)*|[!=]=\s*\d+(?:\.\d+)*\.\*|~=\s*\d+(?:\.\d+)+)"
_CLAUSES = re.compile(rf"\s*(?:{_CLAUSE}\s*(?:,\s*{_CLAUSE}\s*)*)?", re.ASCII)


def clauses(text: str) -> tuple[str, ...] | None:
    """The clauses of a specifier set without blanks, in order and each once, as PEP 440's own
    library writes them; None where the text is of a rarer form, or none at all."""
    if _CLAUSES.fullmatch(text) is None:
        return None
    return tuple(sorted({clause for part in text.split(",") if (clause := "".join(part.split()))}))
