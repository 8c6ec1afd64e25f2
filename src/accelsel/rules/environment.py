"""A selection as variables with which uv's own logic arrives at the same build. Pure."""

from collections.abc import Iterable, Mapping

from accelsel.knowledge.tables import Tables
from accelsel.model.profile import Gpu, Profile
from accelsel.model.request import Request
from accelsel.model.selection import Selection
from accelsel.model.table import Build
from accelsel.model.value import dataclass
from accelsel.rules.against import against
from accelsel.rules.compatibility import capability
from accelsel.rules.host import platform_of
from accelsel.rules.versions import dotted, next_minor, numbers, release

MARK = "ACCELSEL_ENV"
BACKEND = "UV_TORCH_BACKEND"
CONSTRAINT = "UV_CONSTRAINT"
DRIVER = "UV_CUDA_DRIVER_VERSION"
GFX = "UV_AMD_GPU_ARCHITECTURE"
VARIANT_CUDA = "NV_VARIANT_PROVIDER_FORCE_CUDA_DRIVER_VERSION"
VARIANT_SM = "NV_VARIANT_PROVIDER_FORCE_SM_ARCH"
# The AMD architectures that uv knows; any other is an error to it (astral-sh/uv,
# crates/uv-torch/src/accelerator.rs at 11f49f2e, read 2026-11-20).
UV_GFX = frozenset({
    "gfx900", "gfx906", "gfx908", "gfx90a", "gfx942", "gfx950", "gfx1030", "gfx1100", "gfx1101",
    "gfx1102", "gfx1150", "gfx1151", "gfx1200", "gfx1201",
})  # fmt: skip
# A newer build that these rules are against is not taken by uv either.
NO_WHEEL = ("libc-floor", "macos-floor")


@dataclass(frozen=True, kw_only=True)
class BackendChoice:
    """What `uv pip` has to be told: a backend, None to leave uv alone, and constraints where the
    backend's index alone would give a build that does not run. `warning` is one line."""

    backend: str | None
    constraints: tuple[str, ...] = ()
    warning: str | None = None


@dataclass(frozen=True, kw_only=True)
class Variables:
    """`values` in the order in which they are printed; `comments` say what was left out and why."""

    values: Mapping[str, str]
    constraints: tuple[str, ...]
    comments: tuple[str, ...]


def backend_choice(
    selection: Selection, profile: Profile, request: Request, tables: Tables
) -> BackendChoice:
    """What uv has to be told so that it takes the selected build."""
    if selection.outcome != "selected" or selection.backend is None or selection.torch is None:
        why = next((reason.message for reason in selection.reasons), "no build serves this host")
        return BackendChoice(backend=None, warning=f"no PyTorch build is chosen: {why}")
    backend = tables.backends[selection.backend]
    if backend.kind == "default":
        return BackendChoice(
            backend=None, constraints=constraints(selection, profile, request, tables)
        )
    if not backend.uv:
        return BackendChoice(
            backend=None,
            warning=f"uv does not know the backend {backend.name}; `accelsel pin` can write it",
        )
    return BackendChoice(
        backend=backend.name, constraints=constraints(selection, profile, request, tables)
    )


def constraints(
    selection: Selection, profile: Profile, request: Request, tables: Tables
) -> tuple[str, ...]:
    """The bound that was asked for, and one where the index of the selected backend holds, or may
    hold, a newer build that does not run here; with them for what declares no bound on torch."""
    platform = selection.platform or platform_of(profile)
    rows = _of_backend(tables, selection.backend, platform)
    chosen = next(
        (row for row in rows if selection.torch and row.torch == selection.torch.version), None
    )
    asked = (f"torch{request.torch}",) if request.torch else ()
    if chosen is None:
        return asked
    newer = [row for row in rows if release(row.torch) > release(chosen.torch)]
    for row in sorted(newer, key=lambda row: release(row.torch)):
        found = against(profile, tables, request, row)
        if any(each.rule in NO_WHEEL for each in found):
            continue
        if any(each.gpu is None or each.gpu in selection.serves for each in found):
            return (*asked, f"torch<{row.torch}", *_undeclared(chosen))
    return (*asked, *_undeclared(chosen)) if asked and newer else asked


def _of_backend(tables: Tables, backend: str | None, platform: str) -> list[Build]:
    return [row for row in tables.builds if row.backend == backend and row.platform == platform]


def _undeclared(row: Build) -> list[str]:
    """Upper bounds on the companions whose metadata lets them run ahead of torch."""
    bounds = []
    for companion in row.companions:
        version = companion.specifier.lstrip("=~>")
        if not companion.declared and companion.specifier.startswith("==") and numbers(version):
            bounds.append(f"{companion.name}<{next_minor(version)}")
    return bounds


def variables(
    selection: Selection, profile: Profile, request: Request, tables: Tables
) -> Variables:
    """The variables for a selection; the caller adds `UV_CONSTRAINT` and the mark."""
    choice = backend_choice(selection, profile, request, tables)
    values: dict[str, str] = {}
    comments = [choice.warning] if choice.warning else []
    if choice.backend is not None:
        values[BACKEND] = choice.backend
    backend = tables.backends.get(selection.backend or "")
    if backend is not None and backend.kind == "cuda":
        _cuda(values, comments, selection, profile, tables)
    elif backend is not None and backend.kind in ("rocm", "amd"):
        _amd(values, comments, selection, profile, tables)
    values.update(selection.environment)
    return Variables(values=values, constraints=choice.constraints, comments=tuple(comments))


def _cuda(
    values: dict[str, str],
    comments: list[str],
    selection: Selection,
    profile: Profile,
    tables: Tables,
) -> None:
    driver = profile.drivers.nvidia.version if profile.drivers.nvidia else None
    system = profile.os.system
    fact = next(
        (each for each in (driver, *_floors(tables, system)) if each
         and uv_auto(each, tables, system) == selection.backend),
        None,
    )  # fmt: skip
    if fact is None:
        comments.append(f"{DRIVER}: with `auto` uv takes no driver for {selection.backend}")
    else:
        values[DRIVER] = fact
    toolkit = tables.backends[selection.backend or ""].toolkit
    arch = variant_arch(selection, profile, tables)
    if arch is None:
        comments.append(
            f"{VARIANT_SM}: uv's variant provider looks at one GPU, and none decides so"
        )
    else:
        values[VARIANT_CUDA] = dotted(toolkit)
        values[VARIANT_SM] = arch


def _floors(tables: Tables, system: str) -> Iterable[str]:
    return (row.version for row in tables.floors if row.system == system)


def uv_auto(driver: str, tables: Tables, system: str) -> str | None:
    """The backend of the first index that uv's `auto` asks for a driver: the newest that it knows
    of the newest major whose floor the driver meets."""
    majors = [
        row.major
        for row in tables.floors
        if row.system == system and numbers(driver) >= numbers(row.version)
    ]
    known = [
        backend
        for backend in tables.backends.values()
        if backend.kind == "cuda" and backend.uv and majors and backend.toolkit[0] <= max(majors)
    ]
    return max(known, key=lambda backend: backend.toolkit).name if known else None


def variant_arch(selection: Selection, profile: Profile, tables: Tables) -> str | None:
    """The architecture of the one GPU to be told to uv's variant provider, such as `8.6`, so that
    among all builds as variants it would take the selected one; None where none leads there.

    That provider takes builds whose toolkit is not above the CUDA version it is told and that have
    code for the one architecture, the newest torch first (wheelnext's provider, read 2026-11-20).
    """
    backend = tables.backends[selection.backend or ""]
    served = [gpu for gpu in profile.gpus if gpu.index in selection.serves and gpu.arch]
    for gpu in sorted(served, key=_capability):
        offered = [
            row
            for row in tables.builds
            if row.published
            and row.channel == selection.channel
            and row.platform == selection.platform
            and (selection.python is None or selection.python in row.pythons)
            and tables.backends[row.backend].kind == "cuda"
            and tables.backends[row.backend].toolkit <= backend.toolkit
            and _has_code(row, _capability(gpu))
        ]
        best = max(
            offered,
            key=lambda row: (release(row.torch), tables.backends[row.backend].toolkit),
            default=None,
        )
        chosen = selection.torch.version if selection.torch else None
        if best is not None and (best.torch, best.backend) == (chosen, selection.backend):
            return ".".join(map(str, _capability(gpu)))
    return None


def _capability(gpu: Gpu) -> tuple[int, int]:
    found = capability(gpu.arch or "")
    return found[:2] if found else (0, 0)


def _has_code(row: Build, device: tuple[int, int]) -> bool:
    major, minor = device
    codes = [found[:2] for code in row.archs or () if (found := capability(code)) and not found[2]]
    virtual = [found[:2] for code in row.ptx or () if (found := capability(code))]
    return any(c[0] == major and c[1] <= minor for c in codes) or (major, 0) in virtual


def _amd(
    values: dict[str, str],
    comments: list[str],
    selection: Selection,
    profile: Profile,
    tables: Tables,
) -> None:
    newest = max(
        (b for b in tables.backends.values() if b.kind == "rocm" and b.uv),
        key=lambda backend: backend.toolkit,
        default=None,
    )
    archs = [g.arch for g in profile.gpus if g.index in selection.serves and g.arch in UV_GFX]
    if archs and newest is not None and newest.name == selection.backend:
        values[GFX] = f"{archs[0]}"
    else:
        comments.append(f"{GFX}: with `auto` uv does not arrive at {selection.backend}")
