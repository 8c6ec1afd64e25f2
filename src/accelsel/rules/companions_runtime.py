"""Names that a build of torch itself needs from its own index, and the name of its triton."""

import re
from collections.abc import Callable, Iterable
from typing import Final

from accelsel.model.companion import CompanionTable, RuntimeName, TritonName
from accelsel.model.selection import Package, Selection, Warning_
from accelsel.model.table import Build, Triton
from accelsel.model.value import replace
from accelsel.rules.companions_offer import version
from accelsel.rules.requirements import environment
from accelsel.rules.versions import numbers

_ENDS: Final = re.compile(r"""python_version < ["']([\d.]+)["']""")
_MARKERS: Final = {
    "linux-x86_64": "sys_platform == 'linux' and platform_machine == 'x86_64'",
    "linux-aarch64": "sys_platform == 'linux' and platform_machine == 'aarch64'",
    "windows-amd64": "sys_platform == 'win32' and platform_machine == 'AMD64'",
    "windows-arm64": "sys_platform == 'win32' and platform_machine == 'ARM64'",
    "macos-arm64": "sys_platform == 'darwin' and platform_machine == 'arm64'",
    "macos-x86_64": "sys_platform == 'darwin' and platform_machine == 'x86_64'",
}
_DATED: Final = re.compile(r"\.dev(\d{8})")


def triton_name(kind: str, build: Build, table: CompanionTable) -> str | None:
    """The distribution that holds `triton/` beside a build: its row's, else by kind and date.

    A nightly without a date is today's. None where builds of that kind and platform have no triton.
    """
    if build.triton is not None:
        return build.triton.name
    dated = _DATED.search(build.torch)
    nightly = dated is not None or build.channel == "nightly"
    # XPU's triton is for Windows too, and the rows of its releases say where
    if not build.platform.startswith("linux") and not (nightly and kind == "xpu"):
        return None
    for row in table.tritons:
        if row.kind != kind or row.channel != ("nightly" if nightly else "release"):
            continue
        if row.until is None:
            return row.name
        if nightly and _before(build.torch, dated[1] if dated else None, row):
            return row.name
        if not nightly and version(build.torch) <= version(row.until):
            return row.name
    return None


def _before(torch: str, date: str | None, row: TritonName) -> bool:
    """Whether a nightly is of the time in which a name held."""
    if date is not None:
        return row.until is not None and date < row.until
    last = version(row.minor) if row.minor else None
    return last is not None and version(torch).release[:2] <= last.release[:2]


def triton_package(
    kind: str, build: Build, index: str | None, table: CompanionTable
) -> Package | None:
    """The route of a build's triton where it is not on the default index: ROCm, XPU, nightlies."""
    name = triton_name(kind, build, table)
    stable_cuda = kind == "cuda" and build.channel != "nightly"
    if name is None or index is None or stable_cuda:
        return None
    return Package(
        name=name, specifier=">=0", index=index, kind="triton", constrain=True,
        platforms=(build.platform,), of_torch=True,
        why=f"torch from {index} asks for {name}, which only that index has",
    )  # fmt: skip


def requirement(triton: Triton) -> str:
    """Torch's own requirement on its triton, quoted as in a project's file."""
    marker = f" ; {triton.marker}" if triton.marker else ""
    return f"{triton.name}{triton.specifier}{marker}".replace('"', "'")


def triton_where_torch_has_it(build: Build, allows: Callable[[str], bool]) -> Package | None:
    """The triton of a build, required as torch itself requires it and by nobody else.

    For builds with wheels for an allowed Python that their triton has none for: what else asks for
    triton would get one there that cannot be installed. None for other builds.
    """
    triton = build.triton
    if triton is None or triton.name != "triton" or not (triton.marker and triton.specifier):
        return None
    minors = {tag.removesuffix("t") for tag in build.pythons if allows(tag)}
    ends = _ENDS.findall(triton.marker)
    if triton.marker.count("python") == len(ends) and all(
        numbers(minor) < numbers(end) for minor in minors for end in ends
    ):
        return None
    from packaging.markers import Marker

    marker = Marker(triton.marker)
    if all(marker.evaluate(environment(build.platform, minor)) for minor in minors):
        return None
    return Package(
        name=triton.name, specifier=triton.specifier, index=None, kind="triton", override=True,
        marker=str(marker).replace('"', "'"),
        why=f"torch {build.torch} asks for it on those alone, and it has no wheels for others",
    )  # fmt: skip


def where_files_are(
    selection: Selection, version: str, places: tuple[str, ...], below: str | None, asker: str
) -> Selection:
    """The selection with one version of triton required where it has files alone: on the platforms
    `places`, and for Pythons before `below`, None where that is open. The version is that of the
    torch chosen, where torch asks for triton too, and then keeps to it."""
    torch, place = selection.torch, " or ".join(f"({_MARKERS[one]})" for one in places)
    marker = f"({place})" if len(places) > 1 else place.strip("()")
    if below is not None:
        marker = f"{marker} and python_version < '{below}'"
    until = f" and Python before {below}" if below else ""
    package = Package(
        name="triton", specifier=f"=={version}", index=None, kind="triton", override=True,
        marker=marker,
        why=f"{asker} asks for it, and it has files for {', '.join(places)}{until} alone",
    )  # fmt: skip
    if torch is not None and (selection.backend or "").startswith("cu"):
        torch = replace(torch, specifier=f"=={torch.version}")
    warning = Warning_(
        code="triton-masked",
        message=f"{asker} asks for triton {version}, which has files for {', '.join(places)}"
        f"{until} alone: it is required there alone",
        hint=f"another release of {asker}, if it needs triton on this machine",
    )
    return replace(
        selection,
        torch=torch,
        packages=(*selection.packages, package),
        warnings=(*selection.warnings, warning),
    )


def runtime_packages(
    build: Build,
    archs: tuple[str, ...],
    index: str | None,
    table: CompanionTable,
    siblings: Iterable[Build] = (),
    elsewhere: tuple[str, ...] = (),
) -> tuple[Package, ...]:
    """Every other name to route for `build`, for the GPUs of these architectures.

    As the table has them, then the triton of the `siblings`, the builds of the same version on all
    platforms; `elsewhere` are the platforms on which other builds ask for a triton. Names with a
    version that belongs to the build are bound to it; the others get `>=0`, which only carries the
    route. () for a build whose torch brings everything itself.
    """
    vision = next((row.specifier for row in build.companions if row.name == "torchvision"), "")
    values = {"torchvision": _public(vision)}
    packages: dict[str, Package] = {}
    for row in table.runtime:
        if row.backend != build.backend or (row.platforms and build.platform not in row.platforms):
            continue
        for gfx in _each(row, archs, table):
            filled = {**values, "gfx": gfx, "family": table.families.get(gfx, "")}
            if "{torchvision}" in row.specifier and not filled["torchvision"]:
                continue
            name = row.name.format(**filled)
            packages[name] = Package(
                name=name, specifier=row.specifier.format(**filled), index=index, kind="runtime",
                constrain=True, of_torch=row.per == "build",
                why=f"torch {build.version} asks for it, and only its index has it",
            )  # fmt: skip
    if packages:
        packages |= _triton_of(tuple(siblings) or (build,), index, elsewhere)
    return tuple(packages.values())


def _triton_of(
    siblings: tuple[Build, ...], index: str | None, elsewhere: tuple[str, ...]
) -> dict[str, Package]:
    """The exact triton on the platforms whose wheel asks for it.

    uv takes one wheel's requirements for those of all platforms, so the name has to be taken away
    from the platforms that have none, which only an override does (research: uv 0.13.8 and 0.9.0).
    """
    found: dict[str, Package] = {}
    for build in siblings:
        if build.triton is None:
            continue
        platforms = tuple(row.platform for row in siblings if row.triton == build.triton)
        found[build.triton.name] = Package(
            name=build.triton.name, specifier=build.triton.specifier, index=index, kind="triton",
            constrain=len(platforms) == len(siblings), override=len(platforms) < len(siblings),
            platforms=platforms, elsewhere=elsewhere, of_torch=True,
            why=f"torch {build.version} asks for it on {' and '.join(platforms)} alone",
        )  # fmt: skip
    return found


def _each(row: RuntimeName, archs: tuple[str, ...], table: CompanionTable) -> tuple[str, ...]:
    if row.per == "build":
        return ("",)
    if row.per == "arch":
        return archs
    return tuple(arch for arch in archs if arch in table.families)


def _public(specifier: str) -> str:
    """The version of an exact pin without its local part: 0.29.0a0 for `==0.29.0a0+rocm10.1.0`."""
    return specifier.removeprefix("==").split("+", 1)[0] if specifier.startswith("==") else ""
