"""Environment variables out, in the words of each shell or tool that reads them."""

import re
from collections.abc import Callable, Iterable, Mapping

from accelsel.model.errors import USAGE, AccelselError

FORMS = ("sh", "fish", "powershell", "dotenv", "github", "docker")
PLAIN = re.compile(r"[A-Za-z0-9_./:+,=@-]+")


def render(
    form: str,
    variables: Mapping[str, str],
    *,
    comments: Iterable[str] = (),
    unset: Iterable[str] = (),
) -> str:
    """The variables as text of that form: what has to go, then what is set, then comments, which an
    unquoted `eval $(...)` makes of the rest of the line.

    GitHub's file knows neither comments nor removal: both are left out there.
    """
    for name, value in variables.items():
        if "\n" in value or "\0" in value:
            raise AccelselError(USAGE, "unprintable", f"the value of {name} has several lines")
    lines = [_UNSET[form](name) for name in unset if form in _UNSET]
    lines += [_SET[form](name, value) for name, value in variables.items()]
    lines += [f"# {' '.join(line.split())}" for line in comments if form != "github"]
    return "".join(f"{line}\n" for line in lines)


def _quoted(value: str) -> str:
    """In single quotes where a POSIX shell would see more than text."""
    return value if PLAIN.fullmatch(value) else "'" + value.replace("'", "'\\''") + "'"


def _fish(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _powershell(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _dotenv(value: str) -> str:
    if PLAIN.fullmatch(value):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$") + '"'


def _docker(name: str, value: str) -> str:
    """As a build argument with this value, so that `docker build --build-arg` may replace it."""
    text = '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$") + '"'
    value = value if PLAIN.fullmatch(value) else text
    return f"ARG {name}={value}\nENV {name}=${{{name}}}"


_SET: Mapping[str, Callable[[str, str], str]] = {
    "sh": lambda name, value: f"export {name}={_quoted(value)}",
    "fish": lambda name, value: f"set -gx {name} {_fish(value)}",
    "powershell": lambda name, value: f"$Env:{name} = {_powershell(value)}",
    "dotenv": lambda name, value: f"{name}={_dotenv(value)}",
    "github": lambda name, value: f"{name}={value}",
    "docker": _docker,
}
_UNSET: Mapping[str, Callable[[str], str]] = {
    "sh": lambda name: f"unset {name}",
    "fish": lambda name: f"set -e {name}",
    "powershell": lambda name: f"Remove-Item -ErrorAction Ignore Env:{name}",
}
