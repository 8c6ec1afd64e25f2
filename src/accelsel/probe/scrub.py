"""Take out of recorded text what identifies a machine or a person, and keep what decides."""

import re
from collections.abc import Iterable

_LONG_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_UUID = re.compile(
    rf"\b((?:(?:GPU|MIG)-)?)({_LONG_UUID})\b|\b((?:GPU|MIG)-)([0-9a-f]{{8,}})\b", re.IGNORECASE
)
# The class of display adapters in the Windows registry: the same on every machine.
_PUBLIC_UUIDS = frozenset({"4d36e968-e325-11ce-bfc1-08002be10318"})
# `Serial : 0123`, `unique_id 456`, `"asic_serial": "0x78"`; the value goes, the line stays.
_SERIAL = re.compile(
    r"^([^\n:=]{0,60}?(?:serial|unique_id)(?:[ _]*num(?:ber)?|[ _]no)?\"?[ \t:=]+)([^\s,][^\n,]*)",
    re.IGNORECASE | re.MULTILINE,
)
_JSON_SERIAL = re.compile(
    r"(\"[^\"\n]*(?:serial|unique_id)[^\"\n]*\"\s*:\s*)(?:\"[^\"\n]*\"|[^\s,}\]]+)", re.IGNORECASE
)
_IDENTIFYING = re.compile("serial|uuid|unique_id", re.IGNORECASE)
_BUILDER = re.compile(r"\([^()\s@]+@[^()\s@]+\)")
_HOME = re.compile(r"(/home/|/Users/|[A-Z]:[\\/]Users[\\/])[^/\\\s\"',:]+")
_CONTAINER_ID = re.compile(r"\b[0-9a-f]{32,}\b")
# Names that say nothing about anybody and may be part of a fact.
_COMMON_NAMES = frozenset(
    {
        "admin", "amd", "apple", "arch", "centos", "container", "debian", "docker", "fedora",
        "gpu", "host", "intel", "jetson", "linux", "localhost", "mac", "nvidia", "orin", "podman",
        "root", "runner", "tegra", "ubuntu", "user", "windows",
    }
)  # fmt: skip


class Scrubber:
    """One consistent replacement for a whole recording: equal identifiers stay equal.

    `names` are the host's and the user's own names; those that are common words are kept.
    """

    __slots__ = ("_names", "_numbers")

    def __init__(self, names: Iterable[str] = ()) -> None:
        own = {name for name in names if len(name) > 2 and name.lower() not in _COMMON_NAMES}
        alternatives = "|".join(re.escape(name) for name in sorted(own, key=len, reverse=True))
        self._names = (
            re.compile(rf"(?<!\w)(?:{alternatives})(?!\w)", re.IGNORECASE) if own else None
        )
        self._numbers: dict[str, int] = {}

    def text(self, text: str) -> str:
        """The text without UUIDs, serial numbers, user and host names."""
        text = _UUID.sub(self._uuid, text)
        text = _JSON_SERIAL.sub(r"\g<1>0", text)
        text = _SERIAL.sub(r"\g<1>0", text)
        text = _BUILDER.sub("(user@host)", text)
        text = _HOME.sub(r"\g<1>user", text)
        text = _CONTAINER_ID.sub("0" * 32, text)
        return self._names.sub("name", text) if self._names else text

    def value(self, value: object) -> object:
        """A JSON value with every string in it scrubbed; identifying keys lose their values."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {
                key: 0
                if re.search("serial|uuid|unique_id", str(key), re.IGNORECASE)
                else self.value(item)
                for key, item in value.items()
            }
        return value

    def _uuid(self, match: re.Match[str]) -> str:
        prefix, identifier = match[1] or match[3] or "", (match[2] or match[4]).lower()
        if identifier in _PUBLIC_UUIDS:
            return match[0]
        number = self._numbers.setdefault(identifier, len(self._numbers) + 1)
        return f"{prefix}00000000-0000-0000-0000-{number:012d}"
