"""`accelsel pin --check`: the record replayed, without host, network or heavy library."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from accelsel.apply.files import find_project, read_project
from accelsel.apply.workspace import project_file, project_files
from accelsel.cli import present
from accelsel.cli.present import Output
from accelsel.model.errors import DIFFERENT, NOTHING, AccelselError
from accelsel.model.plan import Difference

Outcome = tuple[int, Mapping[str, Any] | None]


def check(paths: Sequence[str], output: Output | None = None) -> int:
    """Check every project of `paths` against its own record."""
    out = output or Output()
    return each(out, paths, lambda path, many: check_one(out, path, many=many))


def each(output: Output, paths: Sequence[str], work: Callable[[Path, bool], Outcome]) -> int:
    """Run `work` on each project that `paths` name; with several a failure is told and the others
    still run, and files of one workspace are one project."""
    if len(paths) <= 1:
        code, result = work(project_file(find_project(Path(paths[0] if paths else "."))), False)
        if output.json and result is not None:
            present.document(result)
        return int(code)
    worst, results, seen = 0, [], set()
    for path in paths:
        try:
            root = project_file(find_project(Path(path)))
            if root.resolve() in seen:
                continue
            seen.add(root.resolve())
            code, result = work(root, True)
        except AccelselError as error:
            code, result = error.code, None
            present.failed(error, as_json=False)
        worst = max(worst, int(code))
        if result is not None:
            results.append(result)
    if output.json:
        present.document({"schema": "accelsel.plans/1", "plans": results})
    return worst


def check_one(output: Output, path: Path, *, many: bool) -> Outcome:
    """Replay the record: no host, no network; every line that differs is named."""
    from accelsel.project.check import check
    from accelsel.project.read import FAMILY, read

    files = [read_project(name) for name in project_files(path)]
    views = [read(file.text, str(file.path)) for file in files]
    if all(view.record is None for view in views):
        if many and not any(view.requires(*FAMILY) for view in views):
            output.say(f"{path}: no torch-family dependency, skipped")
            return 0, None
        raise AccelselError(
            NOTHING, "no-record", "there is no record of `accelsel pin` to check",
            where=str(path), help="`accelsel pin --write` makes one",
        )  # fmt: skip
    found = [(view.path, d) for view in views if view.record is not None for d in check(view)]
    differences = [difference for _, difference in found]
    if output.json:
        from accelsel.ports.documents import document

        value = {"path": str(path), "differences": differences}
        return (DIFFERENT if differences else 0), document("check", value)
    for where, difference in found:
        output.data(_line(output, where, difference))
    if differences:
        from shlex import join

        from accelsel.rules.recorded import command

        name = _named(path)
        facts = next(view.record.facts for view in views if view.record is not None)
        back = join(["accelsel", "unpin", "--write", *([name] if name else [])])
        output.say(f"`{command(facts, path=name)}` pins it anew, `{back}` takes it out")
    return (DIFFERENT if differences else 0), None


def _named(path: Path) -> str | None:
    """The path as a command has to name it; None for the project around here."""
    from accelsel.cli.steps import project_here

    around = project_here()
    same = around is not None and around.resolve() == path.resolve()
    return None if same else str(path)


def _line(output: Output, path: str, difference: Difference) -> str:
    if output.format == "github":
        from accelsel.ports.github import annotation

        title = "accelsel pin --check"
        return annotation("error", path, difference.line, title, difference.message)
    return f"{path}:{difference.line}: {difference.message}"
