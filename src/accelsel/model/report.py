"""What is told when something went wrong."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorDocument:
    """The error document: `code` is the exit code, `kind` a stable identifier."""

    code: int
    kind: str
    message: str
    where: str | None
    help: str | None
