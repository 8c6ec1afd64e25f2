"""`accelsel select` and `accelsel why`."""

from accelsel.cli import present, steps
from accelsel.cli.options import Flags
from accelsel.cli.present import Output
from accelsel.model.config import Config
from accelsel.model.errors import NO_BUILD
from accelsel.model.selection import Selection


def select(output: Output, flags: Flags) -> int:
    """Choose, and print the selection."""
    project = steps.project_here()
    config = steps.settings(project)
    selection, *_ = steps.selected(flags, config, project)
    if output.json:
        answer(selection)
    else:
        output.data("\n".join(lines(selection, output)))
    return code_of(selection, flags, config)


def why(output: Output, flags: Flags, backend: str | None) -> int:
    """Explain the selection, or why `backend` was or was not chosen."""
    from accelsel.rules import explain

    project = steps.project_here()
    config = steps.settings(project)
    selection, profile, request, tables = steps.selected(flags, config, project)
    if backend is None:
        text = explain.why(selection, profile, tables, verbose=bool(output.verbose))
    else:
        text = explain.why_not(backend, profile, request, tables, selection)
    if output.json:
        answer(selection)
    else:
        output.data(text)
    return code_of(selection, flags, config) if backend is None else 0


def answer(selection: Selection) -> None:
    from accelsel.ports.documents import document

    present.document(document("selection", selection))


def code_of(selection: Selection, flags: Flags, config: Config) -> int:
    """The exit code of a command that only tells the selection."""
    return steps.strict_code(selection, flags, config) or (
        0 if selection.outcome == "selected" else NO_BUILD
    )


def lines(selection: Selection, output: Output) -> list[str]:
    """The selection in a few lines; warnings go to stderr."""
    for warning in selection.warnings:
        output.warn(warning.code, warning.message, warning.hint)
    if selection.torch is None:
        head = output.paint("no build", "red") + " satisfies this host and the request"
        return [head, *(f"  {reason.message}" for reason in selection.reasons)]
    torch = selection.torch
    extras = f"[{','.join(torch.extras)}]" if torch.extras else ""
    rows = [("torch", f"{torch.version}{extras} ({torch.specifier})")]
    rows.append(("backend", f"{selection.backend}"))
    rows.append(("index", selection.index.url if selection.index else "the default index"))
    rows.append(("python", f"{selection.python} on {selection.platform}"))
    rows += [("with", p.name + _bound(p.specifier)) for p in selection.packages]
    rows.append(("sure", f"{selection.confidence} ({selection.rules.checked})"))
    return [f"{output.paint(name.ljust(8), 'bold')}{text}" for name, text in rows]


def _bound(specifier: str) -> str:
    """A bound that says nothing is not shown; it only routes the package."""
    return "" if specifier == ">=0" else specifier
