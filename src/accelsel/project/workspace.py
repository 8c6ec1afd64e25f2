"""A uv workspace: what uv reads only from the root goes to the root, the rest where it stands."""

from collections.abc import Sequence

from accelsel.model.errors import USAGE, AccelselError
from accelsel.model.plan import Edit, PinOptions, Plan
from accelsel.model.selection import Selection, Warning_
from accelsel.model.value import replace
from accelsel.project import indexes, sources
from accelsel.project.bounds import beside_overrides
from accelsel.project.change import about, applied, look
from accelsel.project.draft import CONSTRAINTS, OVERRIDES, SOURCES, Draft
from accelsel.project.plan import bare, finish, plan, refuse_without_torch, unplan
from accelsel.project.read import FAMILY, ProjectView, is_direct
from accelsel.project.requirement import normalize
from accelsel.project.routes import allowed, requirements, single_routes, target, undivided
from accelsel.project.scopes import declared
from accelsel.project.wiring import Names, placed, write_indexes
from accelsel.project.write import write_one

DEPENDENCIES = ("project", "dependencies")


def combined(root: ProjectView, members: Sequence[ProjectView]) -> ProjectView:
    """The root with the requirements of all members: what the workspace's one lock has to serve."""
    found = tuple(r for view in members for r in view.requirements if is_direct(r))
    return replace(root, requirements=(*root.requirements, *found))


def plan_workspace(
    root: ProjectView,
    members: Sequence[ProjectView],
    selections: tuple[Selection, ...],
    options: PinOptions,
) -> tuple[Plan, ...]:
    """One plan per file, the root's first; files in which nothing changes have `changed` False.

    Bounds, sources and indexes go to the root, from where they serve all members. A member's own
    source for the same package would hide the root's, so it goes or is joined with it.
    """
    bases = [bare(view) for view in (root, *members)]
    whole = combined(bases[0], bases[1:])
    refuse_without_torch(whole, selections, options)
    if options.shape != "single" or any(declared(b, selections, options) for b in bases):
        return _variants(root, members, bases, selections, options)
    draft = Draft(whole)
    selections = beside_overrides(draft, selections)
    names = write_one(draft, selections, options)
    plans = [finish(root, draft, selections, options, "single")]
    quiet = Draft(whole)
    selection = undivided(whole, selections[0], options.served)
    routes = single_routes(quiet, selection, allowed(quiet, selection), options)
    for member, base in zip(members, bases[1:], strict=True):
        own = Draft(base)
        _member(own, routes, selections[0], options, names)
        plans.append(_of_member(member, own, selections, options))
    return tuple(plans)


def _of_member(
    member: ProjectView, draft: Draft, selections: tuple[Selection, ...], options: PinOptions
) -> Plan:
    if draft.edits():
        return finish(member, draft, selections, options, "single")
    if member.record is not None:
        return unplan(member)
    return Plan(path=member.path, changed=False, selections=selections, base=member.text)


def _member(
    draft: Draft,
    routes: list[sources.Route],
    selection: Selection,
    options: PinOptions,
    names: Names,
) -> None:
    """A member's requirements as versions, and none of its sources in front of the root's."""
    view, at = draft.view, target(selection)
    requirements(draft, routes)
    left: dict[str, list[sources.Entry]] = {n: list(many) for n, many in view.sources.items()}
    for route in routes:
        entries = view.sources.get(route.name, ())
        stay = sources.kept(entries, route, at)
        index = names.get(route.index, route.index)
        mine = placed(route, (selection,), options)
        left[route.name] = sources.routed(entries, mine, index, at) if stay else []
    for name, before in view.sources.items():
        if list(before) != left[name]:
            path = (*SOURCES, view.keys[name])
            value = sources.as_value(left[name], look(view.data, path))
            draft.set(path, value, "the root's source serves it")
    named = {str(e["index"]) for many in left.values() for e in many if "index" in e}
    write_indexes(draft, [], named, options)


def _variants(
    root: ProjectView,
    members: Sequence[ProjectView],
    bases: Sequence[ProjectView],
    selections: tuple[Selection, ...],
    options: PinOptions,
) -> tuple[Plan, ...]:
    """Extras or groups belong to one package: to the only one that requires torch's family."""
    views = (root, *members)
    users = [at for at, base in enumerate(bases) if base.requires(*FAMILY)]
    if len(users) > 1:
        names = ", ".join(str(bases[at].name or bases[at].path) for at in users)
        raise AccelselError(
            USAGE,
            "several-members",
            f"several members of the workspace require torch: {names}",
            where=root.path,
            help="let one member require torch and the others depend on that member",
        )
    at = users[0] if users else 0
    made = plan(views[at], selections, options)
    unchanged = [
        unplan(v) if v.record is not None else Plan(path=v.path, changed=False, base=v.text)
        for v in views
    ]
    unchanged[at] = _dependents_told(_told(made, bases[at]) if at else made, bases, at)
    draft = Draft(bases[0])
    if at and made.record is not None:
        _rooted(draft, bases[at], made.record.written)
    if draft.edits():
        unchanged[0] = finish(root, draft, selections, options, "single")
    return tuple(unchanged)


def _told(made: Plan, member: ProjectView) -> Plan:
    """The plan with a warning where the default group that it writes is not the root's."""
    groups = [
        s["group"]
        for s in (made.record.facts if made.record else {}).get("selections", ())
        if "group" in s
    ]
    if not groups:
        return made
    warning = Warning_(
        code="group-of-a-member",
        message=f"{groups[0]} is a default group of {member.name} alone: a plain `uv sync` at the "
        "root does not have it",
        hint=f"`uv sync --package {member.name}`, or `uv sync` in its folder",
    )
    return replace(made, warnings=(*made.warnings, warning))


def _dependents_told(made: Plan, bases: Sequence[ProjectView], at: int) -> Plan:
    """The plan with a warning where other members depend on the one whose torch is no longer among
    its dependencies, but in extras or groups of its own: those hold for nobody else."""
    member, name = bases[at], normalize(bases[at].name or "")
    written = made.record.written if made.record else ()
    gone = (e for e in written if e.path == DEPENDENCIES and e.item and e.after is None)
    if not any(about(e.before) in FAMILY for e in gone):
        return made
    rows = made.record.facts["selections"] if made.record else ()
    extras = {row.get("extra") for row in rows}
    users = [
        f"{view.name or view.path}"
        for view in bases
        if view is not member
        and any(one.get("workspace") or "path" in one for one in _sources(view, bases[0], name))
        and any(
            r.name == name and not extras & {*map(normalize, r.extras)}
            for r in filter(is_direct, view.requirements)
        )
    ]
    if not users:
        return made
    one = len(users) == 1
    warning = Warning_(
        code="torch-not-passed-on",
        message=f"{', '.join(users)} {'depends' if one else 'depend'} on {member.name}, whose torch"
        f" is in {'extras' if extras - {None} else 'groups'} of its own now: "
        f"{'it gets' if one else 'they get'} none by that",
        hint="`accelsel uv sync --all-packages`, and so `accelsel uv run --all-packages`",
    )
    return replace(made, warnings=(*made.warnings, warning))


def _sources(view: ProjectView, root: ProjectView, name: str) -> Sequence[sources.Entry]:
    """Where a member takes a package from; the root's entry holds where it has none of its own."""
    return view.sources.get(name) or root.sources.get(name, ())


def _rooted(draft: Draft, member: ProjectView, written: Sequence[Edit]) -> None:
    """The root has what uv reads only there of what is written in a member: bounds and overrides,
    and where that which they name comes from, as far as it is for no extra or group alone."""
    for edit in written:
        if edit.path in (CONSTRAINTS, OVERRIDES) and edit.item and edit.after is not None:
            draft.add(edit.path, edit.after, "uv reads it from the root alone")
    names = {about(text) for path in (CONSTRAINTS, OVERRIDES) for text in draft.now(path) or ()}
    data = applied(member.data, written)
    entries = {str(e.get("name")): e for e in look(data, indexes.PATH) or ()}
    for key, value in (look(data, SOURCES) or {}).items():
        many = value if isinstance(value, list) else [value]
        plain = [e for e in many if "index" in e and not {"extra", "group"} & e.keys()]
        known = normalize(key) in member.sources or normalize(key) in draft.view.sources
        if not plain or known or normalize(key) not in names:
            continue
        draft.set((*SOURCES, key), sources.as_value(plain, None), "its bound stands here")
        for entry in plain:
            index = entries.get(str(entry["index"]))
            if index and all(one.get("name") != index["name"] for one in draft.view.indexes):
                draft.add(indexes.PATH, dict(index), "its bound stands here")
