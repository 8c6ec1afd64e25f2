"""The rules by name.

Each looks at one build and answers with a Finding, or None where it has nothing against it. Adding
a rule is adding a function to one of the three modules, a row here, and its table of cases. The
order of RULES is the order in which a rejection is told: what concerns the hardware comes before
what concerns the wheel and the request.
"""

from accelsel.model.table import Backend, Build
from accelsel.rules import on_gpu, on_host, on_request
from accelsel.rules.question import Case, Finding, Question, Rule, Scope

RULES: tuple[Rule, ...] = (
    Rule(
        id="vendor",
        scope="gpu",
        check=on_gpu.vendor,
        title="The build is for the GPUs that decide",
        why="it is made for the vendor of the GPUs to be served",
        why_not="it is made for another vendor's GPUs",
    ),
    Rule(
        id="jetpack",
        scope="host",
        check=on_gpu.jetpack,
        title="Jetson wheels belong to one JetPack",
        why="it is made for this JetPack",
        why_not="it is made for another JetPack, or this is no Jetson",
    ),
    Rule(
        id="arch-list-unknown",
        scope="gpu",
        check=on_gpu.arch_list,
        title="The GPUs that a build has code for are established",
        why="its list of architectures is known",
        why_not="its list of architectures is not known",
    ),
    Rule(
        id="broken-combination",
        scope="gpu",
        check=on_gpu.broken,
        title="A GPU that a build lists and fails on is not served by it",
        why="no report of it failing on these GPUs",
        why_not="it lists the GPU and fails on it",
    ),
    Rule(
        id="arch-kernels",
        scope="gpu",
        check=on_gpu.kernels,
        title="Every GPU to be served has machine code in the build, or PTX its driver compiles",
        why="it has code that every GPU to be served runs",
        why_not="it has no code that a GPU to be served runs",
    ),
    Rule(
        id="driver-floor",
        scope="host",
        check=on_host.driver_floor,
        title="The driver meets the floor of the toolkit's major",
        why="the driver meets the floor of its CUDA major",
        why_not="the driver is older than the floor of its CUDA major",
    ),
    Rule(
        id="libc-floor",
        scope="host",
        check=on_host.libc_floor,
        title="The system has the C library that the wheel is built for",
        why="the C library is new enough",
        why_not="the C library is too old, or not glibc",
    ),
    Rule(
        id="macos-floor",
        scope="host",
        check=on_host.macos_floor,
        title="The system is not older than the wheel's macOS",
        why="this macOS is new enough",
        why_not="this macOS is too old for the wheel",
    ),
    Rule(
        id="python-wheel",
        scope="python",
        check=on_host.python_wheel,
        title="There is a wheel for the Python",
        why="it has a wheel for this Python",
        why_not="it has no wheel for this Python",
    ),
    Rule(
        id="published",
        scope="wheel",
        check=on_host.published,
        title="The wheel is known to be on its index",
        why="it was seen on its index",
        why_not="nobody has seen it on its index",
    ),
    Rule(
        id="policy",
        scope="policy",
        check=on_request.policy,
        title="The CPU is never chosen silently; discrete GPUs come before integrated ones",
        why="it is whom this host's GPUs leave the choice to",
        why_not="it would leave a GPU unused",
    ),
    Rule(
        id="channel",
        scope="request",
        check=on_request.channel,
        title="The build is in the channel asked for",
        why="it is in the channel asked for",
        why_not="it is in another channel",
    ),
    Rule(
        id="requested-backend",
        scope="request",
        check=on_request.requested_backend,
        title="A backend that was asked for is the only one looked at",
        why="it is the backend asked for",
        why_not="another backend was asked for",
    ),
    Rule(
        id="requested-range",
        scope="request",
        check=on_request.requested_range,
        title="The release is within the bounds on torch",
        why="it is within the bounds on torch",
        why_not="it is outside the bounds on torch",
    ),
    Rule(
        id="companion",
        scope="request",
        check=on_request.companion,
        title="The other packages asked for exist for this torch",
        why="the packages asked for exist for it",
        why_not="a package asked for does not exist for it",
    ),
    Rule(
        id="platform-wheel",
        scope="wheel",
        title="There is a wheel for the platform",
        why="it has a wheel for this platform",
        why_not="it has no wheel for this platform",
    ),
    Rule(
        id="not-in-table",
        scope="wheel",
        title="The release is in the rules table",
        why="the table knows the release",
        why_not="the table does not know the release",
    ),
    Rule(
        id="usable-gpu",
        scope="host",
        title="A GPU without a working driver is told of, not replaced by the CPU",
        why="the GPU is usable by its driver",
        why_not="the GPU has no usable driver",
    ),
    Rule(
        id="own-index",
        scope="order",
        title="PyTorch's own index comes before a vendor's where both run",
        why="it is on PyTorch's own index",
        why_not="a build on PyTorch's own index runs too",
    ),
    Rule(
        id="newest-torch",
        scope="order",
        title="The newest established torch is taken",
        why="it is the newest torch that runs",
        why_not="a newer torch runs too",
    ),
    Rule(
        id="nearest-toolkit",
        scope="order",
        title="Of one release, the newest CUDA or ROCm not above the driver's, else the lowest",
        why="it is the CUDA or ROCm nearest to the driver's",
        why_not="another build of the same release is nearer to the driver's CUDA",
    ),
)

BY_ID = {rule.id: rule for rule in RULES}
CHECKS = tuple((rule.scope, rule.check) for rule in RULES if rule.check)


def first_finding(
    build: Build, backend: Backend, question: Question, scopes: frozenset[Scope]
) -> tuple[Finding | None, tuple[Finding, ...]]:
    """The first thing that is surely against a build, and the doubts met before it."""
    case = Case(build, backend, question)
    doubts: tuple[Finding, ...] = ()
    for scope, check in CHECKS:
        finding = check(case) if scope in scopes else None
        if finding is None:
            continue
        if finding.certain:
            return finding, doubts
        doubts += (finding,)
    return None, doubts


def all_findings(
    build: Build, backend: Backend, question: Question, scopes: frozenset[Scope]
) -> tuple[Finding, ...]:
    """Everything that is surely against a build, in the order of RULES."""
    case = Case(build, backend, question)
    found = [check(case) for scope, check in CHECKS if scope in scopes]
    return tuple(finding for finding in found if finding is not None and finding.certain)
