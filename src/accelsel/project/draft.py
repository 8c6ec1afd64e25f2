"""Edits of one project as they are collected, and where uv's settings stand."""

from typing import Any

from accelsel.model.plan import Edit
from accelsel.model.selection import Warning_
from accelsel.model.value import replace
from accelsel.project.change import about, applied, look
from accelsel.project.read import ProjectView
from accelsel.project.scan import Path

UV: Path = ("tool", "uv")
CONSTRAINTS: Path = (*UV, "constraint-dependencies")
OVERRIDES: Path = (*UV, "override-dependencies")
SOURCES: Path = (*UV, "sources")


class Draft:
    """Edits as they are collected, over the project as it is without any pin."""

    def __init__(self, view: ProjectView) -> None:
        self.view = view
        self.warnings: list[Warning_] = []
        self.names: tuple[str, ...] = ()  # the extra or group of each selection
        self.anew: frozenset[Path] = frozenset()  # those that had torch from another index
        self._edits: list[Edit] = []

    def edits(self) -> tuple[Edit, ...]:
        """The edits; an array that the project has empty is one value, so that it is empty again
        when the pin is taken back."""
        found: dict[Path | int, Edit] = {}
        for at, edit in enumerate(self._edits):
            if edit.item and look(self.view.data, edit.path) == []:
                whole = replace(edit, before=[], after=self.now(edit.path), item=False)
                found.setdefault(edit.path, whole)
            else:
                found[at] = edit
        return tuple(found.values())

    def now(self, path: Path) -> Any:
        """The value at `path` after the edits so far."""
        return look(applied(self.view.data, self._edits), path)

    def set(self, path: Path, value: Any, why: str) -> None:
        """The value at `path` becomes `value`; None removes it."""
        before = look(self.view.data, path)
        if before != value:
            self._edits.append(
                Edit(table=path[:-1], key=path[-1], before=before, after=value, why=why)
            )

    def add(self, path: Path, item: Any, why: str) -> None:
        """The array at `path` has `item`."""
        if item not in (self.now(path) or ()):
            self._item(path, None, item, why)

    def swap(self, path: Path, before: Any, after: Any, why: str) -> None:
        """The array's element `before` becomes `after`, if it is still there; None removes it."""
        present = self.now(path) or []
        if before != after and before in present:
            index = None if after is not None else present.index(before)
            near = present[index - 1 : index] if index else present[1:2]
            beside = about(near[0]) if near and index is not None else None
            self._item(path, before, after, why, index, beside)

    def _item(
        self,
        path: Path,
        before: Any,
        after: Any,
        why: str,
        index: int | None = None,
        beside: str | None = None,
    ) -> None:
        self._edits.append(
            Edit(
                table=path[:-1],
                key=path[-1],
                before=before,
                after=after,
                why=why,
                item=True,
                index=index,
                beside=beside,
            )
        )

    def warn(self, code: str, message: str, hint: str | None = None) -> None:
        self.warnings.append(Warning_(code=code, message=message, hint=hint))


def bound(name: str, specifier: str, condition: str) -> str:
    """A requirement string; without a bound `>=0`, since uv drops a constraint that has none."""
    text = f"{name}{specifier or '>=0'}"
    return f"{text} ; {condition}" if condition else text
