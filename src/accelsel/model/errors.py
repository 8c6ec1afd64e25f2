"""The one exception that crosses a room's edge, and the exit codes it carries."""

from typing import Final

DONE: Final = 0
DIFFERENT: Final = 1
USAGE: Final = 2
NOTHING: Final = 3
NO_BUILD: Final = 4
CONTRADICTION: Final = 5
UV: Final = 6
NETWORK: Final = 7
INTERNAL: Final = 70
INTERRUPTED: Final = 130


class AccelselError(Exception):
    """What went wrong, where, and what to do about it.

    `code` is the process exit code, `kind` a stable identifier in kebab case, `message` one line
    without a full stop, `where` a `file:line` or the like, `help` the next step for the user.
    """

    def __init__(
        self,
        code: int,
        kind: str,
        message: str,
        *,
        where: str | None = None,
        help: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.kind = kind
        self.message = message
        self.where = where
        self.help = help
