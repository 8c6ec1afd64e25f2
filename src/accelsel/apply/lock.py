"""Reading a uv.lock back: what it installs on a platform, and whether that is what was selected."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accelsel.apply.workspace import root_of
from accelsel.model.errors import UV, AccelselError
from accelsel.model.selection import Selection
from accelsel.model.value import dataclass

if TYPE_CHECKING:
    from packaging.markers import Marker

_TRITONS = frozenset(
    {
        "triton",
        "triton-rocm",
        "triton-windows",
        "triton-xpu",
        "pytorch-triton",
        "pytorch-triton-rocm",
        "pytorch-triton-xpu",
    }
)
_MACHINES = {  # sys_platform, platform_system, os_name, platform_machine
    "linux-x86_64": ("linux", "Linux", "posix", "x86_64"),
    "linux-aarch64": ("linux", "Linux", "posix", "aarch64"),
    "linux-s390x": ("linux", "Linux", "posix", "s390x"),
    "windows-amd64": ("win32", "Windows", "nt", "AMD64"),
    "windows-arm64": ("win32", "Windows", "nt", "ARM64"),
    "macos-arm64": ("darwin", "Darwin", "posix", "arm64"),
    "macos-x86_64": ("darwin", "Darwin", "posix", "x86_64"),
}


@dataclass(frozen=True, kw_only=True)
class Locked:
    """A package that the lock installs: `registry` is its index's URL, None for other sources;
    `chain` are the names from the project to it."""

    name: str
    version: str
    registry: str | None
    chain: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Mismatch:
    """Where the lock is not what was selected. `wrong` is False where it is another version within
    the range over which the choice stays right. `chain` says through which packages it came."""

    kind: str
    platform: str
    package: str
    message: str
    chain: tuple[str, ...]
    wrong: bool = True


class TwoTritonsError(AccelselError):
    """Two distributions of the lock own the module `triton`."""


def lock_path(project: Path) -> Path:
    """Where uv keeps the lock of a project or script: beside it, or at the workspace's root."""
    path = project.resolve()
    if path.suffix == ".py":
        return path.with_name(f"{path.name}.lock")
    return root_of(path) / "uv.lock"


def read_lock(path: Path) -> Mapping[str, Any]:
    """The parsed lock. Raises `AccelselError` (6, `lock-unreadable`)."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AccelselError(
            UV,
            "lock-unreadable",
            f"the lock cannot be read: {str(error).splitlines()[0]}",
            where=str(path),
            help="run `uv lock`",
        ) from None


def mismatches(
    lock: Mapping[str, Any],
    selection: Selection,
    urls: Mapping[str, str],
    *,
    branch: str | None = None,
) -> tuple[Mismatch, ...]:
    """Every way in which the lock differs from the selection, on each platform of it.

    `urls` maps index names to the URLs as written (a mirror's). `branch` is the extra or group that
    brings this backend in a project of several.
    """
    if selection.torch is None:
        return ()
    platforms = selection.platforms or ((selection.platform,) if selection.platform else ())
    return tuple(
        mismatch
        for platform in platforms
        if platform in _MACHINES
        for mismatch in _on(
            platform, installed(lock, platform, selection.python, branch), selection, urls
        )
    )


def refuse(found: Sequence[Mismatch], where: Path) -> None:
    """None of them is wrong. Raises `AccelselError` (6, `lock-differs`) with the first that is."""
    for mismatch in found:
        if mismatch.wrong:
            chain = " -> ".join(mismatch.chain)
            kind = TwoTritonsError if mismatch.kind == "triton" else AccelselError
            raise kind(
                UV,
                "lock-differs",
                f"the lock is not what was selected: {mismatch.message}",
                where=str(where),
                help=f"on {mismatch.platform} it comes through {chain}{_way(mismatch)}",
            )


def _way(mismatch: Mismatch) -> str:
    """The way out where another package asks for a triton beside torch's own."""
    if mismatch.kind != "triton" or len(mismatch.chain) < 2 or "torch" in mismatch.chain[:-1]:
        return ""
    asker = mismatch.chain[-2] if len(mismatch.chain) > 2 else mismatch.package
    return f": pin one backend, or require {asker} in the lists of the others alone"


def installed(
    lock: Mapping[str, Any], platform: str, python: str | None, branch: str | None = None
) -> tuple[Locked, ...]:
    """What the lock installs on a platform for a Python: with every extra and group of the project,
    or with `branch` alone."""
    return tuple(_Walk(lock, _environment(platform, python), branch).packages())


def _on(
    platform: str, packages: Sequence[Locked], selection: Selection, urls: Mapping[str, str]
) -> Iterator[Mismatch]:
    def of(kind: str, package: Locked, message: str, *, wrong: bool = True) -> Mismatch:
        return Mismatch(
            kind=kind,
            platform=platform,
            package=package.name,
            message=message,
            chain=package.chain,
            wrong=wrong,
        )

    wanted = {"torch": selection.index.name} if selection.index else {}
    for choice in selection.packages:
        if choice.index and (not choice.platforms or platform in choice.platforms):
            wanted[choice.name] = choice.index
    for package in packages:
        url = urls.get(wanted.get(package.name, ""))
        if url and _plain(package.registry) != _plain(url):
            source = package.registry or "another kind of source"
            yield of("index", package, f"{package.name} comes from {source}, not from {url}")
        elif package.name == "torch":
            yield from _versions(package, selection, of)
    tritons = [package for package in packages if package.name in _TRITONS]
    if len(tritons) > 1:
        names = " and ".join(sorted(f"{one.name} {one.version}" for one in tritons))
        # torch asks for its own; who asks for the other is what has to be known
        other = next((one for one in tritons if "torch" not in one.chain[:-1]), tritons[-1])
        yield of("triton", other, f"{names} both own the module triton")
    majors: dict[int, Locked] = {}
    for package in packages:
        if (major := _cuda_major(package)) is not None:
            majors.setdefault(major, package)
    if len(majors) > 1:
        names = " and ".join(
            f"{majors[m].name} {majors[m].version} (CUDA {m})" for m in sorted(majors)
        )
        yield of("cuda-major", majors[min(majors)], f"two CUDA majors: {names}")


def _versions(package: Locked, selection: Selection, of: Any) -> Iterator[Mismatch]:
    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

    torch = selection.torch
    public = Version(package.version).public
    nightly = selection.channel == "nightly"  # of which only the page knows the newest
    if torch is None or nightly or public == Version(torch.version).public:
        return
    right = SpecifierSet(torch.specifier, prereleases=True).contains(package.version)
    text = f"torch is {package.version}, not {torch.version}"
    yield of("version", package, text, wrong=not right)


def _cuda_major(package: Locked) -> int | None:
    """The CUDA major that a package of CUDA libraries belongs to."""
    if found := re.search(r"-cu(?:da)?(\d\d)x?$", package.name):
        return int(found[1])
    if package.name in {"cuda-toolkit", "cuda-bindings"}:
        return int(package.version.partition(".")[0])
    return None


class _Walk:
    """A walk over a lock's packages from the project's own, in breadth."""

    def __init__(
        self, lock: Mapping[str, Any], environment: Mapping[str, str], branch: str | None
    ) -> None:
        self._packages: list[Mapping[str, Any]] = lock.get("package", [])
        self._environment = environment
        self._branch = branch
        self._markers: dict[str, Marker] = {}
        self._by_name: dict[str, list[Mapping[str, Any]]] = {}
        for package in self._packages:
            self._by_name.setdefault(package["name"], []).append(package)
        requirements = lock.get("manifest", {}).get("requirements", [])  # a script's own
        self._roots = [p for p in self._packages if {"virtual", "editable"} & set(p["source"])]
        self._active = self._label()
        if not self._roots:
            self._roots = [
                {"name": "script", "version": "", "source": {}, "dependencies": requirements}
            ]

    def _label(self) -> str:
        """What uv calls the active extra or group in a marker: `extra-7-project-cpu`, the number
        being the length of the project's name."""
        for root in self._roots:
            for kind, table in (("extra", "optional-dependencies"), ("group", "dev-dependencies")):
                if self._branch in root.get(table, {}):
                    return f"{kind}-{len(root['name'])}-{root['name']}-{self._branch}"
        return ""

    def packages(self) -> Iterator[Locked]:
        seen: set[tuple[int, str | None]] = set()
        told: set[int] = set()
        edge: list[tuple[Mapping[str, Any], str | None, tuple[str, ...]]] = [
            (root, None, (root["name"],)) for root in self._roots
        ]
        while edge:
            package, extra, chain = edge.pop(0)
            if (id(package), extra) in seen:
                continue
            seen.add((id(package), extra))
            if package not in self._roots and id(package) not in told:
                told.add(id(package))
                yield Locked(
                    name=package["name"],
                    version=package.get("version", ""),
                    registry=package["source"].get("registry"),
                    chain=chain,
                )
            for need in self._needs(package, extra):
                if not self._holds(need.get("marker")):
                    continue
                for target in self._targets(need):
                    through = (*chain, target["name"])
                    edge.append((target, None, through))
                    edge += [(target, name, through) for name in need.get("extra", ())]

    def _needs(self, package: Mapping[str, Any], extra: str | None) -> Iterator[Mapping[str, Any]]:
        optional = package.get("optional-dependencies", {})
        if extra is not None:
            yield from optional.get(extra, ())
            return
        yield from package.get("dependencies", ())
        if package in self._roots:
            for more in (optional, package.get("dev-dependencies", {})):
                for name, needs in more.items():
                    if self._branch is None or name == self._branch:
                        yield from needs

    def _targets(self, need: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        return [
            package
            for package in self._by_name.get(need["name"], [])
            if need.get("version") in (None, package.get("version"))
            and need.get("source") in (None, package["source"])
            and self._applies(package)
        ]

    def _applies(self, package: Mapping[str, Any]) -> bool:
        """A package of which the lock has several is for some environments alone."""
        markers = package.get("resolution-markers")
        alone = len(self._by_name[package["name"]]) == 1
        return alone or not markers or any(self._holds(marker) for marker in markers)

    def _holds(self, marker: str | None) -> bool:
        from packaging.markers import Marker

        if not marker:
            return True
        if marker not in self._markers:
            self._markers[marker] = Marker(marker)
        return self._markers[marker].evaluate({**self._environment, "extra": self._active})


def _environment(platform: str, python: str | None) -> Mapping[str, str]:
    from packaging.markers import default_environment

    system, name, os_name, machine = _MACHINES[platform]
    environment = {key: str(value) for key, value in default_environment().items()}
    environment |= {
        "sys_platform": system,
        "platform_system": name,
        "os_name": os_name,
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
        "platform_release": "",
        "platform_version": "",
    }
    if python:
        numbers = python.removesuffix("t").split(".")
        environment["python_version"] = ".".join(numbers[:2])
        environment["python_full_version"] = ".".join([*numbers, "0"][:3])
    return environment


def _plain(url: str | None) -> str | None:
    return url.rstrip("/") if url else url
