"""What a selection means for a project, said as edits."""

from collections.abc import Iterable, Mapping
from typing import Any

from accelsel.model.plan import PinOptions
from accelsel.model.selection import Package, Selection
from accelsel.model.value import replace
from accelsel.project import indexes
from accelsel.project.bounds import merged
from accelsel.project.change import about, look
from accelsel.project.draft import CONSTRAINTS, OVERRIDES, UV, Draft, bound
from accelsel.project.markers import (
    PLATFORMS,
    SYSTEMS,
    UNIVERSE,
    exact,
    marker,
    platforms_of,
    since,
    span,
    variables,
)
from accelsel.project.read import FAMILY, ProjectView, table
from accelsel.project.requirement import normalize
from accelsel.project.routes import (
    allowed,
    left,
    of,
    older_tritons,
    requirements,
    single_routes,
    target,
    undivided,
)
from accelsel.project.scan import Path
from accelsel.project.scopes import ABOVE, label, wheel_backend
from accelsel.project.sources import Route, covers
from accelsel.project.wiring import Names, write_sources


def write_one(draft: Draft, selections: tuple[Selection, ...], options: PinOptions) -> Names:
    """Collects the edits for one backend in the whole project; the names of its indexes in it."""
    selection = undivided(draft.view, selections[0], options.served)
    platforms = allowed(draft, selection)
    routes = single_routes(draft, selection, platforms, options)
    if selection.confined and draft.view.is_script:
        # no other platform has such a torch, and a script cannot say for which it is locked
        platforms = UNIVERSE
        routes = [replace(route, platforms=UNIVERSE) for route in routes]
        packages = tuple(replace(one, everywhere=True) for one in selection.packages)
        selection = replace(selection, packages=packages)
    requirements(draft, routes, older=older_tritons(selection))
    mine = left(draft.view, routes, platforms, target(selection))
    constraints(draft, selection, routes, mine)
    names = write_sources(draft, selections, routes, options)
    extras_by_override(draft, selection, platforms)
    masks(draft, selection, options)
    builds(draft, selection)
    settings_that_defeat(draft, selection, options)
    others_by_url(draft, selection, routes)
    unserved(draft, selections[0].platforms, options)
    return names


def constraints(
    draft: Draft, selection: Selection, routes: list[Route], platforms: tuple[str, ...]
) -> None:
    """Bounds, and what lets a source reach a package that is not the project's own requirement."""
    view = draft.view
    routed = {route.name for route in routes}
    if selection.torch is not None and (selection.index is None or "torch" in routed):
        specifier = selection.torch.specifier
        if specifier or selection.index is not None:
            why = f"torch {selection.torch.version} and its like suit this host"
            _constrain(draft, "torch", specifier, platforms, why, selection.since)
    for package in selection.packages:
        name, where = package.name, of(package, platforms)
        if package.override:
            override(draft, package, where)
        elif package.pythons and view.requires(name):
            only_where_files_are(draft, package)
        elif package.constrain or (name in routed and not view.requires(name)):
            specifier = package.specifier if package.constrain else ""
            _constrain(draft, name, specifier, where, package.why, selection.since)
    listed = {"torch", *(package.name for package in selection.packages)}
    for route in routes:
        if route.name not in listed and not view.requires(route.name):
            _constrain(draft, route.name, "", platforms, route.why, selection.since)


def _constrain(
    draft: Draft,
    name: str,
    specifier: str,
    platforms: tuple[str, ...],
    why: str,
    python: str | None,
) -> None:
    """A constraint on the platforms, from a Python on; where the project overrides the package, on
    those machines alone for which it does, as uv sees two indexes where another source holds for
    the bound."""
    own = [
        r.marker or ""
        for r in draft.view.requirements
        if r.place.kind == "override"
        and r.name == name
        and "extra" not in variables(r.marker or "")
    ]
    if own:
        platforms = tuple(p for p in platforms if any(p in platforms_of(m) for m in own))
    several = len(draft.view.sources.get(name, ())) > 1
    if platforms:
        condition = since(exact(platforms, each=SYSTEMS if own and several else ()), python)
        draft.add(CONSTRAINTS, bound(name, specifier, condition), why)


def override(draft: Draft, package: Package, where: tuple[str, ...]) -> None:
    """What every package requires of a name is replaced: on `where` by the package's specifier, on
    its `elsewhere` by any version, on other platforms by nothing."""
    condition = package.marker or exact(where)
    draft.add(OVERRIDES, bound(package.name, package.specifier, condition), package.why)
    if package.elsewhere:
        others = bound(package.name, "", marker(package.elsewhere))
        draft.add(OVERRIDES, others, "elsewhere in any version")


def only_where_files_are(draft: Draft, package: Package) -> None:
    """The project's requirement of a package holds on the Pythons and platforms that it has files
    for; its own bounds stay."""
    view = draft.view
    extras = next((e for r in view.requirements if r.name == package.name if (e := r.extras)), ())
    name = f"{package.name}[{','.join(extras)}]" if extras else package.name
    minors = " or ".join(f"python_version == '{minor}'" for minor in package.pythons)
    place = exact(of(replace(package, everywhere=False), span(PLATFORMS)))
    both = " and ".join(f"({part})" if " or " in part else part for part in (place, minors) if part)
    specifier = merged(view.bounds(package.name), package.specifier)
    draft.add(OVERRIDES, bound(name, specifier, both), package.why)


def extras_by_override(draft: Draft, selection: Selection, platforms: tuple[str, ...]) -> None:
    """Extras that bring a build's device code; uv drops them from constraints, so overrides."""
    view = draft.view
    wanted = {p.name: p.extras for p in selection.packages if p.extras}
    if selection.torch is not None and selection.torch.extras:
        wanted = {"torch": selection.torch.extras, **wanted}
    others = [name for name in UNIVERSE if name not in platforms]
    for name, extras in wanted.items():
        specifier = view.bounds(name)
        why = f"the extra that brings {name}'s code for this GPU"
        with_extras = f"{name}[{','.join(extras)}]"
        draft.add(OVERRIDES, bound(with_extras, specifier, exact(platforms)), why)
        if others:
            draft.add(OVERRIDES, bound(name, specifier, exact(others)), "elsewhere as it was")


def masks(draft: Draft, selection: Selection, options: PinOptions) -> None:
    """Names that must not be installed, and environments asked for. An override masks a name for
    uv 0.9 too, which does not know `exclude-dependencies` and drops all settings of such a file."""
    for name in selection.excludes:
        if _is_masked(draft.view, name):
            continue
        why = "another distribution owns its import package"
        for requirement in draft.view.requirements:
            if requirement.place.kind == "override" and requirement.name == name:
                draft.swap(OVERRIDES, requirement.raw, None, why)
        draft.add(OVERRIDES, f"{name} ; python_version < '0'", why)
    if not draft.view.is_script:
        confined = selection.confined and not draft.view.environments
        known = [name for name in selection.platforms if name in PLATFORMS]
        own = [marker((name,)) for name in known] if confined else []
        for condition in options.environments or own:
            draft.add((*UV, "environments"), condition, "the lock is for these alone")


def _is_masked(view: ProjectView, name: str) -> bool:
    """Whether the project itself keeps a package out, by excluding it or by an override that holds
    nowhere."""
    own = [r for r in view.requirements if r.name == name]
    overrides = [r.marker or "" for r in own if r.place.kind == "override"]
    nowhere = not any(platforms_of(m) or "extra" in variables(m) for m in overrides)
    return any(r.place.kind == "exclude" for r in own) or (bool(overrides) and nowhere)


def builds(draft: Draft, selection: Selection) -> None:
    """How packages are built that compile against torch, and metadata that uv cannot read. What
    the project has for a package is found under any spelling of its name; its variables stay.

    Constraints do not reach the environment of a build, so that what torch requires from its own
    index is named there, as uv follows a source of the whole project. (Run on uv 0.9.0 and 0.13.8.)
    """
    data = draft.view.data
    beside = [package for package in selection.packages if package.of_torch and package.index]
    for package in selection.packages:
        name = package.name
        path = spelled(data, (*UV, "extra-build-dependencies"), name)
        if package.match_runtime:
            torch = {"requirement": "torch", "match-runtime": True}
            why = f"{name} compiles against the project's torch"
            plain = next((one for one in look(data, path) or () if _is_torch(one)), None)
            if plain is None:
                draft.add(path, torch, why)
            else:
                draft.swap(path, plain, torch, why)
            isolated = (*UV, "no-build-isolation-package")
            for one in look(data, isolated) or ():
                if normalize(str(one)) == name:
                    draft.swap(isolated, one, None, "its build finds torch in isolation now")
        for requirement in package.build_requires:
            draft.add(path, requirement, f"the build of {name} needs it")
        for one in beside if package.match_runtime else ():
            condition = exact(span(p for p in one.platforms if p in PLATFORMS))
            draft.add(path, bound(one.name, "", condition), f"torch in that build: {one.why}")
        variables = spelled(data, (*UV, "extra-build-variables"), name)
        own = look(data, variables)
        if package.build_variables and own is None:
            draft.set(variables, dict(package.build_variables), f"for the build of {name}")
        elif isinstance(own, Mapping):
            for key, value in package.build_variables.items():
                if key not in own:
                    draft.set((*variables, key), value, f"for the build of {name}")
        if package.requires_dist is not None and not _has_metadata(data, package):
            entry: dict[str, Any] = {"name": name}
            if package.metadata_version:
                entry["version"] = package.metadata_version
            entry["requires-dist"] = list(package.requires_dist)
            why = f"uv cannot read the metadata of {name} without building it"
            draft.add((*UV, "dependency-metadata"), entry, why)


def spelled(data: Mapping[str, Any], above: Path, name: str) -> Path:
    """The path of a package in the table `above`, under the name that the table has for it."""
    present = look(data, above)
    keys = present if isinstance(present, Mapping) else {}
    return (*above, next((key for key in keys if normalize(key) == name), name))


def _is_torch(value: Any) -> bool:
    """Whether a build dependency is torch, in any version."""
    return about(value.get("requirement") if isinstance(value, Mapping) else value) == "torch"


def _has_metadata(data: Mapping[str, Any], package: Package) -> bool:
    """Whether the project says itself what that release, or all releases, of a package require."""
    return any(
        isinstance(entry, Mapping)
        and normalize(str(entry.get("name"))) == package.name
        and entry.get("version") in {None, package.metadata_version}
        for entry in look(data, (*UV, "dependency-metadata")) or ()
    )


def unserved(draft: Draft, platforms: tuple[str, ...], options: PinOptions) -> None:
    """Says which platforms of the project's environments have no wheel of torch at all."""
    view = draft.view
    if not options.served:
        return
    for condition in (*view.environments, *view.required_environments):
        lost = platforms_of(condition) & set(PLATFORMS) - {*platforms, *span(options.served)}
        for name in sorted(lost):
            draft.warn(
                "platform-without-wheel",
                f"no index has a wheel of this torch for {name}, which the environments include",
                "uv would fail there: narrow [tool.uv] environments, or allow another torch",
            )


def others_by_url(draft: Draft, selection: Selection, routes: Iterable[Route]) -> None:
    """Says which wheels of another backend the project names, by URL or by a local version."""
    routed = {route.name for route in routes}
    at = target(selection)
    found = {
        f"the source of {name}": backend
        for name, entries in draft.view.sources.items()
        for entry in entries
        if name not in routed and at in covers(entry)
        if (backend := wheel_backend(entry.get("url")))
    }
    found |= {
        f"{r.name}{r.specifier}": backend
        for r in draft.view.requirements
        if r.name not in {*routed, *FAMILY} and at in platforms_of(r.marker or "")
        if (backend := label(r.specifier))
    }
    for what, backend in found.items():
        if backend != selection.backend:
            draft.warn(
                "wheel-of-another-backend",
                f"{what} is a wheel for {backend}, beside torch for {selection.backend}",
                f"name a wheel for {selection.backend}, or none for a version by the index",
            )


def settings_that_defeat(draft: Draft, selection: Selection, options: PinOptions) -> None:
    """Settings under which the pin would not hold are taken out, or told where they stay."""
    view = draft.view
    entries = [entry for entry in draft.now(indexes.PATH) or () if entry.get("explicit")]
    explicit = {indexes.plain(url) for url in map(indexes.url_of, entries)}
    explicit |= {indexes.plain(index.url) for index in selection.indexes}
    for key in ("extra-index-url", "find-links"):
        value = view.uv.get(key)
        for url in value if isinstance(value, list) else ():
            if not isinstance(url, str):
                continue
            pytorch = indexes.is_pytorch(url, options.mirrors)
            if pytorch or indexes.plain(url) in explicit:
                whose = "PyTorch's" if pytorch else "that"
                draft.swap((*UV, key), url, None, f"{whose} index is explicit now")
    url = view.uv.get("index-url")
    if isinstance(url, str) and indexes.is_pytorch(url, options.mirrors):
        draft.set((*UV, "index-url"), None, "PyTorch's index is explicit now")
    strategy = view.uv.get("index-strategy")
    if isinstance(strategy, str) and strategy.startswith("unsafe"):
        if _others(draft):
            draft.warn(
                "index-strategy",
                f"[tool.uv] index-strategy is {strategy}, left for the project's other indexes",
                "make the other indexes explicit and remove it",
            )
        else:
            why = "every index but the default one is explicit now"
            draft.set((*UV, "index-strategy"), None, why)
    if selection.channel != "stable" and view.uv.get("prerelease") == "disallow":
        draft.warn(
            "prerelease-disallowed",
            f"[tool.uv] prerelease is disallow, and the {selection.channel} channel has no other",
            "remove it, or allow torch alone by prerelease-package",
        )
    _built_once(draft)
    exempt = view.uv.get("exclude-newer-package")
    if "exclude-newer" in view.uv and selection.index and "torch" not in (exempt or ()):
        draft.warn(
            "exclude-newer",
            "[tool.uv] exclude-newer leaves out every file whose upload date an index does not "
            f"tell, and {selection.index.name} does not for all",
            "where uv then finds no torch: [tool.uv] exclude-newer-package = { torch = false }",
        )
    for entry in view.sources.get("torch", ()):
        for key, above in ABOVE.items():
            name = entry.get(key)
            if name and normalize(str(name)) not in map(normalize, table(view.data, *above)):
                draft.warn(
                    "source-of-no-list",
                    f"a source of torch is for the {key} {name}, which the project does not have",
                    "uv refuses the project as it is: name an extra or group that requires torch",
                )
    for where in (view.uv, view.uv.get("pip")):
        if isinstance(where, Mapping) and "torch-backend" in where:
            draft.warn(
                "torch-backend-inert",
                "torch-backend in the file acts on `uv pip` alone, not on `uv lock` and `uv sync`",
                "it can be removed",
            )
            break


def _built_once(draft: Draft) -> None:
    """Says which packages are built without isolation beside several backends: uv keeps one build
    of each, made with the torch that was installed then, and takes it for every backend."""
    names = [str(name) for name in draft.now((*UV, "no-build-isolation-package")) or ()]
    every = draft.view.uv.get("no-build-isolation") is True
    if draft.names and (names or every):
        key = "no-build-isolation" if every else "no-build-isolation-package"
        draft.warn(
            "built-once",
            f"[tool.uv] {key}: {'every package' if every else ' and '.join(names)} built from "
            "source is built once, with the torch that is installed then, for all the backends",
            f"instead of it: [tool.uv.extra-build-dependencies] {'NAME' if every else names[0]} = "
            '[{ requirement = "torch", match-runtime = true }]',
        )


def _others(draft: Draft) -> bool:
    """Whether an index that is neither PyTorch's nor explicit stands beside the default one."""
    entries = draft.now(indexes.PATH) or ()
    if any(not e.get("explicit") and not e.get("default") for e in entries):
        return True
    extra = draft.now((*UV, "extra-index-url"))
    return bool(extra)
