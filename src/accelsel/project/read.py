"""A project file as a value: what `plan` and the request need to know of it."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from accelsel.model.errors import USAGE, AccelselError
from accelsel.model.plan import Record
from accelsel.model.value import dataclass
from accelsel.project import record as records
from accelsel.project.frame import REMEMBERED, Frame, frame, loaded
from accelsel.project.requirement import (
    Place,
    Requirement,
    normalize,
    parse,
    text_of,
    url_version,
)

DIRECT = {"dependencies", "extra", "group", "legacy-dev"}
FAMILY = ("torch", "torchvision", "torchaudio")


@dataclass(frozen=True, kw_only=True)
class ProjectView:
    """A `pyproject.toml` or a script with inline metadata, read.

    `data` is the parsed TOML; `requirements` are all requirement strings of dependencies, extras,
    groups, legacy dev-dependencies, constraints and overrides, in file order of these lists.
    `sources` maps a normalized name to uv's entries, as a tuple also where one is written inline;
    `keys` to the key as written. `settings` is `[tool.accelsel]` without the record.
    """

    path: str
    text: str
    frame: Frame
    data: Mapping[str, Any]
    name: str | None
    requires_python: str | None
    requirements: tuple[Requirement, ...]
    sources: Mapping[str, tuple[Mapping[str, Any], ...]]
    keys: Mapping[str, str]
    indexes: tuple[Mapping[str, Any], ...]
    conflicts: tuple[Any, ...]
    environments: tuple[str, ...]
    required_environments: tuple[str, ...]
    members: tuple[str, ...] | None
    settings: Mapping[str, Any]
    record: Record | None
    is_script: bool
    is_virtual: bool
    dynamic: tuple[str, ...]

    @property
    def uv(self) -> Mapping[str, Any]:
        """`[tool.uv]`, {} without it."""
        return table(self.data, "tool", "uv")

    @property
    def constraints(self) -> tuple[str, ...]:
        return strings(self.uv.get("constraint-dependencies"))

    @property
    def overrides(self) -> tuple[str, ...]:
        return strings(self.uv.get("override-dependencies"))

    @property
    def companions(self) -> tuple[str, ...]:
        """What the project requires beside torch, each as a requirement string, once, with the
        constraints on it."""
        names = {r.name for r in self.requirements if is_direct(r)} - {"torch"}
        bounds = (r for r in self.requirements if r.place.kind not in {"override", "exclude"})
        return tuple(dict.fromkeys(text_of(r) for r in bounds if r.name in names))

    @property
    def family(self) -> tuple[str, ...]:
        """Which of torch, torchvision, torchaudio the project itself requires."""
        return tuple(name for name in FAMILY if self.requires(name))

    def requires(self, *names: str) -> bool:
        """Whether any of the normalized `names` is a requirement of the project itself."""
        return any(r.name in names for r in self.requirements if is_direct(r))

    def bounds(self, name: str, platform: str | None = None, variant: str | None = None) -> str:
        """The bounds on `name` as one specifier set, from requirements, constraints, URLs.

        Requirements with a marker count where `platform` is given and the marker can hold there. An
        override takes the place of what the requirements say, also where it does not hold itself.
        Extras and groups with a source of their own for the package bind it only for themselves:
        the one named `variant` counts.
        """
        scoped = {
            normalize(str(value))
            for source in self.sources.get(name, ())
            for value in (source.get("extra"), source.get("group"))
            if value and normalize(str(value)) != normalize(variant or "")
        }
        overridden = any(r.name == name and r.place.kind == "override" for r in self.requirements)
        counted = {"constraint", "override"} if overridden else {*DIRECT, "constraint"}
        found: dict[str, None] = {}
        for requirement in self.requirements:
            if requirement.name != name or requirement.place.kind not in counted:
                continue
            if requirement.place.name and normalize(requirement.place.name) in scoped:
                continue
            if requirement.marker is not None:
                if platform is None:
                    continue
                from accelsel.project.markers import platforms_of

                if platform not in platforms_of(requirement.marker):
                    continue
            found.update(dict.fromkeys(part for part in requirement.bound.split(",") if part))
        for source in self.sources.get(name, ()):
            version = url_version(str(source.get("url", "")))
            if version and not source.get("marker"):
                found[f"=={version}"] = None
        return ",".join(found)


def table(data: Any, *path: str) -> Mapping[str, Any]:
    """The table at `path`; {} where there is none."""
    for name in path:
        data = data.get(name) if isinstance(data, Mapping) else None
    return data if isinstance(data, Mapping) else {}


def strings(value: Any) -> tuple[str, ...]:
    return tuple(v for v in value if isinstance(v, str)) if isinstance(value, list) else ()


def is_direct(requirement: Requirement) -> bool:
    return requirement.place.kind in DIRECT


def _refuse_other_shapes(data: Mapping[str, Any], project: Mapping[str, Any], path: str) -> None:
    """What holds requirements is an array, or a table of arrays, or an error that names it."""
    arrays = {"dependencies": project.get("dependencies", [])}
    for name, holder in (
        ("optional-dependencies", project.get("optional-dependencies", {})),
        ("dependency-groups", data.get("dependency-groups", {})),
    ):
        if not isinstance(holder, Mapping):
            raise _wrong_shape(name, "a table", path)
        arrays |= {f"{name}.{key}": value for key, value in holder.items()}
    for name, value in arrays.items():
        if not isinstance(value, list):
            raise _wrong_shape(name, "an array", path)


def _wrong_shape(name: str, wanted: str, path: str) -> AccelselError:
    return AccelselError(
        USAGE,
        "invalid-project",
        f"{name} must be {wanted}",
        where=path,
        help="correct the file; accelsel has not changed it",
    )


@lru_cache(maxsize=REMEMBERED)
def read(text: str, path: str = "pyproject.toml") -> ProjectView:
    """The view of a pyproject.toml or, where `path` ends in `.py`, of a script's metadata.

    AccelselError: `invalid-toml` with the line, `not-a-project`, `bad-record`.
    """
    is_script = path.endswith((".py", ".pyw"))
    framed = frame(text, path, is_script)
    data = _parse(framed, path)
    if not is_script and not any(
        (data.get("project"), data.get("dependency-groups"), table(data, "tool", "uv", "workspace"))
    ):
        raise AccelselError(
            USAGE,
            "not-a-project",
            "neither [project] nor [dependency-groups] nor [tool.uv.workspace] in the file",
            where=path,
            help="name the pyproject.toml of a uv project; `uv init` makes one",
        )
    project = data if is_script else table(data, "project")
    _refuse_other_shapes(data, project, path)
    uv = table(data, "tool", "uv")
    settings = dict(table(data, "tool", "accelsel"))
    pin = settings.pop("pin", None)
    written = {k: v for k, v in table(uv, "sources").items() if isinstance(v, list | Mapping)}
    workspace = uv.get("workspace")
    return ProjectView(
        path=path,
        text=text,
        frame=framed,
        data=data,
        name=_string(project.get("name")),
        requires_python=_string(project.get("requires-python")),
        requirements=tuple(_requirements(data, is_script)),
        sources={normalize(k): _entries(v) for k, v in written.items()},
        keys={normalize(k): k for k in written},
        indexes=_entries(uv.get("index")),
        conflicts=tuple(_list(uv.get("conflicts"))),
        environments=_markers(uv.get("environments")),
        required_environments=_markers(uv.get("required-environments")),
        members=strings(workspace.get("members")) if isinstance(workspace, Mapping) else None,
        settings=settings,
        record=None if pin is None else records.from_toml(pin, path),
        is_script=is_script,
        is_virtual=not is_script and "project" not in data,
        dynamic=strings(project.get("dynamic")),
    )


def _parse(framed: Frame, path: str) -> dict[str, Any]:
    try:
        return loaded(framed.toml)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        at = re.search(r"\(at line (\d+), column \d+\)", message)
        line = framed.text.count("\n", 0, framed.start) + (
            int(at[1]) if at else framed.toml.count("\n") + 1
        )
        raise AccelselError(
            USAGE,
            "invalid-toml",
            re.sub(r" \(at .*\)$", "", message)[:1].lower()
            + re.sub(r" \(at .*\)$", "", message)[1:],
            where=f"{path}:{line}",
            help="correct the file; accelsel has not changed it",
        ) from error
    except RecursionError as error:
        raise AccelselError(
            USAGE, "invalid-toml", "values are nested too deeply", where=path
        ) from error


def _requirements(data: Mapping[str, Any], is_script: bool) -> Iterator[Requirement]:
    lists: list[tuple[Place, tuple[str, ...]]] = []
    if is_script:
        lists.append((Place(kind="dependencies"), ("dependencies",)))
    else:
        lists.append((Place(kind="dependencies"), ("project", "dependencies")))
        lists += [
            (Place(kind="extra", name=name), ("project", "optional-dependencies", name))
            for name in table(data, "project", "optional-dependencies")
        ]
        lists += [
            (Place(kind="group", name=name), ("dependency-groups", name))
            for name in table(data, "dependency-groups")
        ]
    uv = ("tool", "uv")
    lists += [
        (Place(kind="legacy-dev", name="dev"), (*uv, "dev-dependencies")),
        (Place(kind="constraint"), (*uv, "constraint-dependencies")),
        (Place(kind="override"), (*uv, "override-dependencies")),
        (Place(kind="exclude"), (*uv, "exclude-dependencies")),
    ]
    for place, path in lists:
        for raw in strings(table(data, *path[:-1]).get(path[-1])):
            requirement = parse(raw, place, path)
            if requirement is not None:
                yield requirement


def _entries(value: Any) -> tuple[Mapping[str, Any], ...]:
    many = value if isinstance(value, list) else [value]
    return tuple(v for v in many if isinstance(v, Mapping))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _markers(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else strings(value)


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None
