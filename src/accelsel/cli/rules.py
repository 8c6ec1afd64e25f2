"""`accelsel rules` and `accelsel schema`."""

from accelsel.cli import present, steps
from accelsel.cli.present import Output
from accelsel.model.errors import USAGE
from accelsel.model.table import Build


def show(output: Output) -> int:
    """Print the rules, and how many builds of each backend the table holds."""
    from accelsel.rules import RULES

    tables = steps.tables_for(steps.settings(steps.project_here()))
    counted = dict.fromkeys(tables.backends, 0)
    for build in tables.builds:
        counted[build.backend] = counted.get(build.backend, 0) + 1
    if output.json:
        from accelsel.ports.documents import plain

        present.document(
            {
                "schema": "accelsel.rules/1",
                "version": tables.version,
                "checked": tables.checked,
                "rules": [{"id": rule.id, "title": rule.title} for rule in RULES],
                "backends": [plain(backend) for backend in tables.backends.values()],
                "builds": [plain(build) for build in tables.builds],
            }
        )
        return 0
    out = [f"table {tables.version}, checked {tables.checked}", "", output.paint("Rules", "bold")]
    out += present.table([(f"  {rule.id}", rule.title) for rule in RULES])
    out += ["", output.paint("Backends", "bold")]
    rows = [
        (f"  {backend.name}", f"{counted[name]} builds", _newest(tables.builds, name))
        for name, backend in tables.backends.items()
    ]
    output.data("\n".join([*out, *present.table(rows)]))
    return 0


def _newest(builds: tuple[Build, ...], backend: str) -> str:
    versions = [b.torch for b in builds if b.backend == backend and b.published]
    if not versions:
        return "none established"
    newest = max(versions, key=lambda v: [int(p) for p in v.split(".")[:3] if p.isdigit()])
    return f"newest established torch {newest}"


def check(output: Output) -> int:
    """Validate the table; a finding is a line and exit code 2."""
    from accelsel.knowledge.check import check as findings

    config = steps.settings(steps.project_here())
    found = findings((*steps.cached_rules(), *steps.extra_rules(config)))
    if output.json:
        from accelsel.ports.documents import plain

        present.document({"schema": "accelsel.rules-check/1", "findings": plain(found)})
    else:
        for finding in found:
            output.data(f"{finding}")
        output.say("the table is sound" if not found else f"{len(found)} findings")
    return USAGE if found else 0


def schema(name: str) -> int:
    """Print the JSON Schema of a document."""
    from accelsel.ports.schema import schema as made

    present.document(made(name))
    return 0
