"""A uv workspace: what uv reads only from the root goes to the root, the rest where it stands."""

from collections.abc import Sequence
from dataclasses import replace

from accelsel.model.errors import USAGE, AccelselError
from accelsel.model.plan import PinOptions, Plan
from accelsel.model.selection import Selection
from accelsel.project import sources
from accelsel.project.bounds import beside_overrides
from accelsel.project.change import look
from accelsel.project.draft import CONSTRAINTS, SOURCES, Draft
from accelsel.project.plan import bare, finish, plan, refuse_without_torch, unplan
from accelsel.project.read import FAMILY, ProjectView, is_direct
from accelsel.project.routes import allowed, requirements, single_routes, target
from accelsel.project.scopes import declared
from accelsel.project.wiring import Names, placed, write_indexes
from accelsel.project.write import write_one


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
    routes = single_routes(quiet, selections[0], allowed(quiet, selections[0]), options)
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
    unchanged[at] = made
    rooted = [e for e in made.edits if at and e.path == CONSTRAINTS]
    if rooted:
        draft = Draft(bases[0])
        for edit in rooted:
            draft.add(CONSTRAINTS, edit.after, edit.why)
        unchanged[0] = finish(root, draft, selections, options, "single")
    return tuple(unchanged)
