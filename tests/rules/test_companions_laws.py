"""Laws of the companions rule over random requests and builds."""

from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from tests.rules.test_companions_answer import TABLE, TABLES

from accelsel.model.companion import CompanionAnswer
from accelsel.model.table import Build
from accelsel.rules.companions_answer import constraints

NAMES = sorted(TABLE.distributions)
BUILDS = [build for build in TABLES.builds if build.published]
ARCHS = [
    "sm_52",
    "sm_61",
    "sm_70",
    "sm_75",
    "sm_86",
    "sm_87",
    "sm_90",
    "sm_100",
    "sm_121",
    "gfx942",
]
PREBUILT = sorted({row.prebuilt for row in TABLE.indexes.values() if row.prebuilt})
SETTINGS = settings(max_examples=150, deadline=None)

names = st.lists(st.sampled_from(NAMES), unique=True, max_size=5).map(tuple)
builds = st.sampled_from(BUILDS)
archs = st.lists(st.sampled_from(ARCHS), unique=True, max_size=3).map(tuple)
prebuilt = st.lists(st.sampled_from(PREBUILT), unique=True, max_size=2).map(tuple)


def ask(
    requirements: tuple[str, ...],
    build: Build,
    gpus: tuple[str, ...] = (),
    chosen: tuple[str, ...] = (),
) -> CompanionAnswer:
    backend = TABLES.backends[build.backend]
    return constraints(
        requirements,
        build=build,
        backend=backend,
        index=backend.indexes.get(build.channel),
        table=TABLE,
        python=build.pythons[-1],
        archs=gpus,
        prebuilt=chosen,
        exceptions=TABLES.exceptions,
    )


def refused(answer: CompanionAnswer) -> set[str]:
    return {refusal.name for refusal in answer.refusals}


@given(names, builds, archs, prebuilt)
@SETTINGS
def test_an_answer_is_whole(
    requested: tuple[str, ...], build: Build, gpus: tuple[str, ...], chosen: tuple[str, ...]
) -> None:
    answer = ask(requested, build, gpus, chosen)
    packages = {package.name: package for package in answer.packages}
    assert len(packages) == len(answer.packages)
    assert answer.unknown == ()
    own = TABLES.backends[build.backend].indexes.get(build.channel)
    known = {index.name for index in answer.indexes} | {own, None}
    assert {package.index for package in answer.packages} <= known
    assert {index.name for index in answer.indexes} <= {one.index for one in answer.packages}
    for package in answer.packages:
        SpecifierSet(package.specifier)
        assert package.why
        assert package.specifier or not package.constrain
    for name in set(requested) & set(TABLE.offers) - refused(answer):
        assert name in packages
    assert SpecifierSet(answer.torch).contains(build.torch, prereleases=True)


@given(names, st.sampled_from(NAMES), builds, archs)
@SETTINGS
def test_another_requirement_never_helps(
    requested: tuple[str, ...], another: str, build: Build, gpus: tuple[str, ...]
) -> None:
    fewer, more = ask(requested, build, gpus), ask((*requested, another), build, gpus)
    assert refused(fewer) <= refused(more)


@given(names, builds, archs, st.sampled_from(ARCHS))
@SETTINGS
def test_another_gpu_never_helps(
    requested: tuple[str, ...], build: Build, gpus: tuple[str, ...], another: str
) -> None:
    fewer, more = ask(requested, build, gpus), ask(requested, build, (*gpus, another))
    assert refused(fewer) <= refused(more)


@given(names, builds, archs, prebuilt)
@SETTINGS
def test_the_order_of_requirements_does_not_matter(
    requested: tuple[str, ...], build: Build, gpus: tuple[str, ...], chosen: tuple[str, ...]
) -> None:
    one, other = ask(requested, build, gpus, chosen), ask(requested[::-1], build, gpus, chosen)
    assert refused(one) == refused(other)
    written = [
        {(package.name, package.specifier, package.index) for package in answer.packages}
        for answer in (one, other)
    ]
    assert written[0] == written[1]
    assert set(one.excludes) == set(other.excludes)


@given(names, builds)
@SETTINGS
def test_no_index_of_wheels_unless_it_is_chosen(requested: tuple[str, ...], build: Build) -> None:
    answer = ask(requested, build)
    hosts = {index.url.split("/")[2] for index in answer.indexes}
    assert hosts <= {"data.pyg.org", "pypi.nvidia.com", "flashinfer.ai"}
