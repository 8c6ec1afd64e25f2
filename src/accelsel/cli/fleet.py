"""`accelsel fleet`: from the profiles of many hosts to the builds that serve them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from accelsel.cli import present, steps
from accelsel.cli.options import Flags
from accelsel.cli.present import Output, one_line
from accelsel.model.errors import NO_BUILD, USAGE, AccelselError

if TYPE_CHECKING:
    from accelsel.model.fleet import Apart, Fleet, Group, Node


def probe() -> int:
    """Print this host's profile on one line, in ASCII whatever the locale of a remote shell."""
    import json

    from accelsel.ports.documents import document
    from accelsel.probe import probe as probed

    present.write(json.dumps(document("profile", probed())))
    return 0


def merge(output: Output, paths: Sequence[str]) -> int:
    """Print the fleet document of some profiles and fleets."""
    from accelsel.model.fleet import Fleet
    from accelsel.ports.fleet import fleet

    nodes = _nodes(paths, "merge")
    hosts = sum(node.count for node in nodes)
    output.say(f"{_many(hosts, 'host')}, {len(nodes)} different")
    present.document(fleet(Fleet(outcome=None, nodes=nodes)))
    return 0


def select(output: Output, flags: Flags, paths: Sequence[str]) -> int:
    """Choose for some profiles and fleets, and print the choice."""
    from accelsel.ports.fleet import fleet
    from accelsel.rules.fleet import select as chosen

    nodes = _nodes(paths, "select")
    config = steps.settings(steps.project_here())
    found = chosen(nodes, steps.request_for(flags, config), steps.tables_for(config))
    if output.json:
        present.document(fleet(found))
    else:
        output.data("\n".join(lines(found, output)))
    codes = [steps.strict_code(group.selection, flags, config) for group in found.groups]
    return max(codes, default=0) or (NO_BUILD if found.outcome == "none" else 0)


def _nodes(paths: Sequence[str], command: str) -> "tuple[Node, ...]":
    """The nodes of some files; what cannot be read, or holds none, is one clear error."""
    from accelsel.model.profile import Profile
    from accelsel.ports.fleet import read
    from accelsel.rules.nodes import Seen
    from accelsel.rules.nodes import merge as merged

    seen = []
    for path in paths:
        where, name = (path, Path(path).stem) if path != "-" else ("standard input", None)
        for one in read(_text(path), where):
            if isinstance(one, Profile):
                seen.append(Seen(name=name and one_line(name), profile=one))
            else:
                seen.append(Seen(name=one_line(one.name), profile=one.profile, count=one.count))
    if not seen:
        raise AccelselError(
            USAGE,
            "no-profile",
            "no profile was given" if not paths else "there is no profile in what was given",
            where=", ".join(paths) or None,
            help=f"accelsel fleet {command} node1.json node2.json, or - for standard input; "
            "`accelsel fleet probe` writes one",
        )
    return merged(seen)


def _text(path: str) -> str:
    if path != "-":
        return steps.read_text(path, "profile")
    import sys

    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise AccelselError(
            USAGE, "unreadable", "the profile is not UTF-8", where="standard input"
        ) from None


def lines(fleet: "Fleet", output: Output) -> list[str]:
    """The choice as people paste it: each group with its nodes, what keeps them from another
    build, and the commands that write it. Warnings go to stderr."""
    named = {node.name: node for node in fleet.nodes}
    hosts = sum(node.count for node in fleet.nodes)
    lost = [name for one in fleet.groups if one.selection.torch is None for name in one.nodes]
    whole = f"all {hosts} hosts" if hosts > 1 else "the host"
    head = {
        "selected": f"one build serves {whole}",
        "split": f"no build serves {whole}, {len(fleet.groups)} builds do",
        "none": f"no build serves {', '.join(lost)}",
    }[fleet.outcome or "none"]
    out = [output.paint(head, "red" if lost else "bold")]
    for group in fleet.groups:
        about = f"{group.nodes[0]}: " if len(group.nodes) == 1 else ""
        for warning in group.selection.warnings:
            output.warn(warning.code, one_line(about + warning.message), warning.hint)
        out += ["", *_group(group, [named[name] for name in group.nodes], output)]
    if fleet.pin:
        out += ["", output.paint(_how(fleet), "bold"), *(f"  {line}" for line in fleet.pin)]
    return out


def _how(fleet: "Fleet") -> str:
    if len(fleet.pin) > 1:
        return "a project for each, pinned on a host with its GPUs or with the --profile of one"
    if "--backends" in fleet.pin[0]:
        return "one project, in which `accelsel uv sync` takes what serves its host"
    return "pinned on a host with its GPUs or with the --profile of one"


def _group(group: "Group", nodes: "Sequence[Node]", output: Output) -> list[str]:
    chosen = group.selection
    count = _many(sum(node.count for node in nodes), "host")
    facts: list[tuple[str, str]] = []
    if chosen.torch is None:
        head = f"no build for {count}"
    else:
        extras = f"[{','.join(chosen.torch.extras)}]" if chosen.torch.extras else ""
        head = f"torch {chosen.torch.version}{extras} with {chosen.backend} for {count}"
        facts.append(("range", f"torch{chosen.torch.specifier}"))
        facts.append(("index", chosen.index.url if chosen.index else "the default index"))
        facts += [("with", package.name) for package in chosen.packages]
        facts.append(("sure", f"{chosen.confidence} (rules of {chosen.rules.checked})"))
    rows = [
        (node.name, _many(node.count, "host"), _cards(node), _system(node, output))
        for node in nodes
    ]
    facts += [("nodes", row) for row in present.table(rows)]
    told = [("why", reason.message) for reason in chosen.reasons if chosen.torch is None]
    told += [("else", f"{one.node} alone takes {_against(one)}") for one in group.alone]
    told += [("apart", f"{one.node} does not take {_against(one)}") for one in group.apart]
    facts += [(title, line) for title, text in told for line in _wrapped(text)]
    titles = [title for title, _ in facts]
    shown = [
        "" if title == before else title
        for title, before in zip(titles, ["", *titles], strict=False)
    ]
    body = [f"  {title:<7}{text}" for title, (_, text) in zip(shown, facts, strict=True)]
    return [output.paint(head, "bold"), *body]


def _against(one: "Apart") -> str:
    return f"torch {one.torch} with {one.backend}; {one.message} [{one.rule}]"


def _wrapped(text: str) -> list[str]:
    """Lines that with their title before them have no more than 80 columns."""
    import textwrap

    return textwrap.wrap(
        one_line(text), 71, subsequent_indent="  ",
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def _cards(node: "Node") -> str:
    names: dict[str, int] = {}
    for gpu in node.profile.gpus:
        label = one_line(f"{gpu.name or gpu.vendor} ({gpu.arch or 'architecture not known'})")
        label += "" if gpu.usable else ", not usable"
        names[label] = names.get(label, 0) + 1
    told = [f"{count} x {name}" if count > 1 else name for name, count in names.items()]
    return ", ".join(told) or "no GPU"


def _system(node: "Node", output: Output) -> str:
    from accelsel.rules.host import platform_of

    profile = node.profile
    nvidia, libc, python = profile.drivers.nvidia, profile.os.libc, profile.python
    facts = [platform_of(profile), f"Python {python.version}{'t' * python.free_threaded}"]
    facts += [f"driver {nvidia.version}"] if nvidia and nvidia.version else []
    if libc and (libc.family != "glibc" or output.verbose):
        facts.append(f"{libc.family} {libc.version or ''}".strip())
    return one_line(", ".join(facts))


def _many(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
