"""Rules about a build and the system that it has to start on, and about the wheel itself."""

from accelsel.model.table import Backend, DriverFloor
from accelsel.rules.question import Case, Finding, Question, pythons
from accelsel.rules.versions import dotted, meets, numbers, python_key


def floor_of(backend: Backend, question: Question) -> DriverFloor | None:
    """The driver floor that holds for a backend on this host, None where none does: the drivers of
    a Jetson come with its JetPack and have numbers of their own."""
    if backend.kind != "cuda" or question.host.jetson:
        return None
    driver = question.host.driver
    system = driver.system if driver else question.host.system
    for row in question.tables.floors:
        if row.major == backend.toolkit[0] and row.system == system:
            return row
    return None


def driver_floor(case: Case) -> Finding | None:
    if case.backend.kind == "rocm":
        return _above_image(case, "ROCm")
    if case.backend.kind != "cuda":
        return None
    driver, major = case.question.host.driver, case.backend.toolkit[0]
    floor = floor_of(case.backend, case.question)
    needed = f"driver {floor.version} or newer" if floor else f"a driver of CUDA {major}"
    if case.question.host.jetson:
        needed = f"a JetPack of CUDA {major}"
    message = f"CUDA {major} needs {needed}"
    if (above := _above_image(case, "CUDA")) is not None:
        return above
    if driver is None:
        if _of_several_jetpacks(case):
            message += ", and which JetPack this is, is not known"
            return Finding(rule="driver-floor", message=message, change=needed, upgrade=True)
        message += ", and the driver is not known"
        change = "the driver in ACCELSEL_CUDA_DRIVER"
        return Finding(rule="driver-floor", message=message, certain=False, change=change)
    if driver.version and floor:
        met = meets(driver.version, numbers(floor.version))
    else:
        met = driver.cuda is not None and driver.cuda[0] >= major
    if met:
        return None
    message += f"; this host has {driver.text}"
    return Finding(rule="driver-floor", message=message, change=needed, upgrade=True)


def _of_several_jetpacks(case: Case) -> bool:
    """Whether a GPU to be served is of a Jetson that has builds of its own for an earlier JetPack:
    what is made for servers does not start there."""
    question = case.question
    if not question.host.jetson:
        return False
    archs = {target.arch for target in question.targets}
    tables = question.tables
    return any(
        archs.intersection(build.archs or ())
        for build in tables.builds
        if tables.backends[build.backend].kind == "jetson"
    )


def _above_image(case: Case, name: str) -> Finding | None:
    """A base image is made for drivers of its own major: nothing speaks for a newer one."""
    ceiling, major = case.question.ceiling, case.backend.toolkit[0]
    if ceiling is None or major <= ceiling:
        return None
    message = f"newer than the {name} {ceiling} of the base image"
    return Finding(rule="driver-floor", message=message, change=f"an image of {name} {major}")


def libc_floor(case: Case) -> Finding | None:
    host, floor = case.question.host, case.build.glibc
    if host.musl:
        message = "made for glibc, and this system has musl"
        change = "a system with glibc"
        return Finding(rule="libc-floor", message=message, change=change, upgrade=True)
    if floor is None or host.glibc is None or meets(host.glibc, numbers(floor)):
        return None
    message = f"needs glibc {floor}; this system has {dotted(host.glibc)}"
    change = f"glibc {floor} or newer"
    return Finding(rule="libc-floor", message=message, change=change, upgrade=True)


def macos_floor(case: Case) -> Finding | None:
    version, build = case.question.host.macos, case.build
    floors = [(build.macos, "")]
    if any(target.vendor == "apple" for target in case.question.targets):
        floors.append((build.gpu_macos, " for its GPU (MPS)"))
    for floor, what in floors:
        if floor and version and not meets(version, numbers(floor)):
            message = f"needs macOS {floor}{what}; this one is {dotted(version)}"
            change = f"macOS {floor} or newer"
            return Finding(rule="macos-floor", message=message, change=change, upgrade=True)
    return None


def python_wheel(case: Case) -> Finding | None:
    host = case.question.host
    if host.implementation not in ("cpython", ""):
        message = f"made for CPython, not {host.implementation}"
        return Finding(rule="python-wheel", message=message, change="CPython")
    if pythons(case.build, case.question):
        return None
    tags = sorted((tag for tag in case.build.pythons if not tag.endswith("t")), key=python_key)
    has = " to ".join(dict.fromkeys((tags[0], tags[-1]))) if tags else "none that is known"
    wanted = f"within {host.requires_python}"
    if host.python is not None:
        wanted = f"for Python {host.python or '(not known)'}"
    change = f"Python {tags[-1]}" if tags else None
    message = f"no wheel {wanted}; it has {has}"
    return Finding(rule="python-wheel", message=message, change=change)


def published(case: Case) -> Finding | None:
    build = case.build
    if build.published:
        return None
    tables = case.question.tables
    index = tables.indexes.get(case.backend.indexes.get(build.channel, ""))
    place = index.url.removeprefix("https://") if index else "any index"
    message = f"torch {build.torch} is not established on {place}"
    return Finding(rule="published", message=message, change="a rules table that has seen it")
