"""torchvision, torchaudio and triton beside a range of builds."""

from dataclasses import replace

import pytest
from tests.rules.hosts import amd, gpu, host, nvidia
from tests.rules.rows import TABLES, backend, build

from accelsel.model.errors import AccelselError
from accelsel.model.request import Request
from accelsel.model.selection import Package
from accelsel.model.table import Companion, Triton
from accelsel.rules import select
from accelsel.rules.family import Wish, against, alone, partners, triton_packages, wishes
from accelsel.rules.versions import admits, release


@pytest.mark.parametrize(
    ("texts", "platform", "python", "expected"),
    [
        (("torchvision",), "linux-x86_64", "3.12", [("torchvision", "")]),
        (("Torch_Vision>=0.20",), "linux-x86_64", None, [("torch-vision", ">=0.20")]),
        (("torch>=2",), "linux-x86_64", None, []),
        (("a ; sys_platform == 'linux'",), "linux-x86_64", None, [("a", "")]),
        (("a ; sys_platform == 'win32'",), "linux-x86_64", None, []),
        (("a ; sys_platform == 'win32'",), "windows-amd64", None, [("a", "")]),
        (("a ; os_name == 'nt'",), "windows-amd64", None, [("a", "")]),
        (("a ; os_name == 'posix'",), "macos-arm64", None, [("a", "")]),
        (("a ; platform_machine == 'AMD64'",), "windows-amd64", None, [("a", "")]),
        (("a ; platform_machine == 'x86_64'",), "linux-x86_64", None, [("a", "")]),
        (("a ; platform_system == 'Darwin'",), "macos-arm64", None, [("a", "")]),
        (("a ; sys_platform == 'darwin'",), "macos-arm64", None, [("a", "")]),
        (("a ; platform_system == 'Windows'",), "windows-amd64", None, [("a", "")]),
        (("a ; platform_system == 'Linux'",), "linux-aarch64", None, [("a", "")]),
        (("a ; sys_platform == 'freebsd'",), "freebsd-x86_64", None, [("a", "")]),
        (("a ; python_version < '3.13'",), "linux-x86_64", "3.12", [("a", "")]),
        (("a ; python_version < '3.13'",), "linux-x86_64", "3.14t", []),
        (("a ; python_full_version >= '3.14.0'",), "linux-x86_64", "3.14t", [("a", "")]),
        (("a ; extra == 'gpu'",), "linux-x86_64", None, []),
        (("a>1", "A<2"), "linux-x86_64", None, [("a", ">1,<2")]),
        (("a", "b<2"), None, None, [("a", ""), ("b", "<2")]),
        ((), "linux-x86_64", None, []),
    ],
)
def test_wishes(
    texts: tuple[str, ...], platform: str | None, python: str | None,
    expected: list[tuple[str, str]],
) -> None:  # fmt: skip
    found = wishes(texts, platform, python)
    assert [(wish.name, wish.specifier) for wish in found] == expected


def test_no_requirement() -> None:
    with pytest.raises(AccelselError) as caught:
        wishes(("==2",), None, None)
    error = caught.value
    assert (error.code, error.kind, error.where) == (2, "invalid-requirement", "--with")
    assert "'==2'" in error.message
    assert error.help


def test_alone() -> None:
    family = (Wish(name="torchvision", specifier=""), Wish(name="torchaudio", specifier=""))
    assert alone((), Request())
    assert alone(family, Request())
    assert not alone((*family, Wish(name="vllm", specifier="")), Request())
    assert not alone(family, Request(prebuilt=("astral",)))


def vision(specifier: str, *, declared: bool = True) -> Companion:
    return Companion(name="torchvision", specifier=specifier, declared=declared)


def audio(specifier: str, *, declared: bool = True) -> Companion:
    return Companion(name="torchaudio", specifier=specifier, declared=declared)


def test_against_names_the_pythons() -> None:
    row = build(companions=(replace(vision("==0.29"), pythons=("3.10",)),))
    wish = Wish(name="torchvision", specifier="")
    assert (
        against(wish, row, ("3.11", "3.12")) == "torchvision has no wheel for Python 3.11 or 3.12"
    )
    assert against(wish, row, ("3.10", "3.12")) is None
    assert against(wish, row, ()) is None


@pytest.mark.parametrize(
    ("specifier", "expected"),
    [
        ("", None),
        (">=2", None),
        ("==2.11.0", None),
        ("==2.11.0+cu130", None),
        ("==2.11.1", None),
        ("!=2.11.0", None),
        ("<2.12", None),
        ("==2.14.0", "torchaudio==2.14.0 was asked for, and 2.11.1 is the newest that is known"),
        (">=2.12", "torchaudio>=2.12 was asked for, and 2.11.1 is the newest that is known"),
        ("<2.11", "torchaudio<2.11 was asked for, and it goes with >=2.11"),
    ],
)
def test_a_release_newer_than_the_newest(specifier: str, expected: str | None) -> None:
    row = build(companions=(replace(audio(">=2.11"), newest="2.11.1"),))
    assert against(Wish(name="torchaudio", specifier=specifier), row, ()) == expected


def test_what_a_release_does_not_list_is_not_known_and_a_nightly_lists_nothing() -> None:
    wish = Wish(name="torchvision", specifier="")
    assert against(wish, build(companions=()), ()) == "no torchvision is known for it"
    assert against(wish, build(channel="nightly", companions=()), ()) is None


ARM_WINDOWS = host(system="windows", arch="arm64")


@pytest.mark.parametrize(
    ("profile", "asked", "expected"),
    [
        (ARM_WINDOWS, {}, ("2.13.0", "cpu", None)),
        (
            ARM_WINDOWS,
            {"companions": ("torchvision",)},
            ("2.9.0", "cpu", "==0.24.0+e437e35"),
        ),
        (ARM_WINDOWS, {"companions": ("torchvision", "torchaudio")}, None),
        (
            host(),
            {"companions": ("torchvision",), "torch": "==2.9.0"},
            ("2.9.0", "cpu", ">=0.15.1,!=0.24.0+e437e35"),
        ),
        (
            host(),
            {"companions": ("torchvision",), "torch": ">=2.8,<2.9.1"},
            ("2.9.0", "cpu", ">=0.15.1,!=0.24.0+e437e35"),
        ),
        (host(arch="s390x"), {"companions": ("torchvision",)}, None),
        (
            nvidia("sm_86", driver="576.02", system="windows"),
            {"companions": ("torchvision",), "torch": "==2.9.0"},
            ("2.9.0", "cu128", ">=0.22.0"),
        ),
        (
            nvidia("sm_86", driver="576.02", system="windows"),
            {"torch": "==2.9.0"},
            ("2.9.0", "cu129", None),
        ),
        (nvidia("sm_61"), {"companions": ("torchaudio==2.14.1",), "torch": "==2.14.1"}, None),
        (nvidia("sm_61"), {"companions": ("torchvision==0.30.0",)}, None),
        (nvidia("sm_61"), {"python": "3.15"}, ("2.13.0", "cu126", None)),
        (nvidia("sm_61"), {"python": "3.15", "companions": ("torchvision",)}, None),
        (nvidia("sm_61"), {"python": "3.13t", "torch": "==2.6.0"}, ("2.6.0", "cu126", None)),
        (
            nvidia("sm_61"),
            {"python": "3.13t", "torch": "==2.6.0", "companions": ("torchvision",)},
            None,
        ),
        (
            nvidia("sm_86", driver="595.71.05"),
            {"python": "3.15", "companions": ("torchvision",)},
            ("2.15.0", "cu132", ">=0.27.0"),
        ),
    ],
)
def test_a_companion_is_one_that_the_platform_and_the_python_have(
    profile: object, asked: dict[str, object], expected: tuple[str, str, str | None] | None
) -> None:
    found = select(profile, Request(**asked), TABLES)  # type: ignore[arg-type]
    if expected is None:
        assert found.outcome == "none"
        return
    version, backend_, vision_ = expected
    assert found.torch is not None
    assert (found.torch.version, found.backend) == (version, backend_)
    assert {one.name: one.specifier for one in found.packages}.get("torchvision") == vision_


def test_a_backend_says_what_it_does_not_have() -> None:
    row = build(companions=(vision("==0.29"), audio(">=2.11")))
    lacking = TABLES.backends["cu132"]
    assert against(Wish(name="torchvision", specifier=""), row, (), lacking) is None
    said = against(Wish(name="torchaudio", specifier=""), row, (), lacking)
    assert str(said).startswith("the cu132 index has no torchaudio newer than 2.2.0")


B8 = build("2.8.0", companions=(vision("==0.23.0"), audio("==2.8.0")))
B10 = build("2.10.0", companions=(vision("==0.25.0"), audio("==2.10.0")))
B11 = build("2.11.0", companions=(vision("==0.26.0"), audio(">=2.11.0", declared=False)))
B14 = build("2.14.1", companions=(vision(">=0.29.1"), audio(">=2.11.0", declared=False)))
TABLE = (B8, B10, B11, B14)
VISION, AUDIO = (Wish(name=name, specifier="") for name in ("torchvision", "torchaudio"))


def one(wish: Wish, span: tuple[object, ...], index: str | None = "pytorch-cu126") -> Package:
    (found,) = partners((wish,), index, span, TABLE)  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize(
    ("wish", "span", "specifier", "constrain"),
    [
        (VISION, (B14, B11, B10, B8), ">=0.23.0", False),
        (VISION, (B10, B8), ">=0.23.0", False),
        (VISION, (B10,), "==0.25.0", False),
        (AUDIO, (B14, B11, B10, B8), ">=2.8.0", True),
        (AUDIO, (B14, B11), ">=2.11.0", True),
        (AUDIO, (B10, B8), ">=2.8.0,<2.11", True),
        (AUDIO, (B14,), ">=2.11.0", True),
        (AUDIO, (B10,), "==2.10.0", False),
    ],
)
def test_partners(wish: Wish, span: tuple[object, ...], specifier: str, *, constrain: bool) -> None:
    found = one(wish, span)
    assert (found.specifier, found.constrain) == (specifier, constrain)
    assert (found.name, found.kind, found.index) == (wish.name, "companion", "pytorch-cu126")
    assert wish.name in found.why


@pytest.mark.parametrize("torch", ["2.1.0", "2.2.0", "2.2.1", "2.3.0", "2.5.0", "2.5.1"])
def test_the_companion_of_an_exact_torch_is_within_what_is_written(torch: str) -> None:
    asked = {"torch": f"=={torch}", "companions": (f"torchaudio=={torch}",), "python": "3.11"}
    specifier = names(nvidia("sm_61"), **asked)["torchaudio"].specifier
    newer = [
        row.torch for row in TABLES.builds if release(row.torch) > release(torch) and row.companions
    ]
    assert admits(specifier, where="torchaudio")(torch)
    assert not any(map(admits(specifier, where="torchaudio"), newer))


def test_partners_that_a_build_lacks_or_nobody_asked_for() -> None:
    assert partners((), "x", (B14,), TABLE) == ()
    assert partners((AUDIO,), "x", (build(companions=(vision("==1"),)),), TABLE) == ()
    both = partners((AUDIO, VISION), "x", (B14,), TABLE)
    assert [package.name for package in both] == ["torchvision", "torchaudio"]
    bare = replace(B8, companions=())
    assert one(VISION, (B10, bare)).specifier == "==0.25.0"


def test_partners_of_the_default_index() -> None:
    row = build("2.10.0", companions=(replace(vision("==0.25.0"), index="default"),))
    assert one(VISION, (row,)).index is None
    assert one(VISION, (B10,), None).index is None


def triton(name: str) -> Triton:
    return Triton(name=name, specifier="==3.5.0", marker=None)


def test_triton_under_every_name_of_the_range() -> None:
    new = replace(build("2.10.0", "rocm7.1"), triton=triton("triton-rocm"))
    old = replace(build("2.9.1", "rocm7.1"), triton=triton("pytorch-triton-rocm"))
    bare = build("2.9.0", "rocm7.1")
    found = triton_packages(
        backend("rocm7.1"), "pytorch-rocm7.1", (new, old, bare), ("linux-x86_64",)
    )
    assert [package.name for package in found] == ["triton-rocm", "pytorch-triton-rocm"]
    for package in found:
        assert (package.specifier, package.constrain, package.kind) == (">=0", True, "triton")
        assert (package.index, package.platforms) == ("pytorch-rocm7.1", ("linux-x86_64",))
        assert package.name in package.why
    mixed = triton_packages(backend("amd"), "amd", (new, old), ())
    assert [package.name for package in mixed] == ["triton-rocm"]
    assert (
        triton_packages(backend("cu126"), "x", (replace(B14, triton=triton("triton")),), ()) == ()
    )


def names(profile: object, **asked: object) -> dict[str, Package]:
    found = select(profile, Request(**asked), TABLES)  # type: ignore[arg-type]
    return {package.name: package for package in found.packages}


def test_in_a_selection() -> None:
    cuda = names(nvidia("sm_61"), companions=("torchvision", "torchaudio"))
    assert set(cuda) == {"torchvision", "torchaudio"}
    assert cuda["torchvision"].index == "pytorch-cu126"
    assert cuda["torchaudio"].constrain
    assert set(names(amd("gfx1100"))) == {"triton-rocm"}
    arc = host(gpu(0, "intel", "Arc", "xe-hpg"))
    xpu = names(arc)
    assert set(xpu) == {"triton-xpu", "pytorch-triton-xpu"}
    assert xpu["triton-xpu"].platforms == ("linux-x86_64", "windows-amd64")
    assert names(host()) == {}
    old = names(nvidia("sm_86", driver="470.256.02"), companions=("torchaudio",))
    assert old["torchaudio"].specifier.endswith(",<2.8")
    assert old["torchaudio"].constrain
    vision = names(nvidia("sm_86", driver="470.256.02"), companions=("torchvision",))
    assert vision["torchvision"].specifier == ">=0.15.1"


def test_the_python_is_one_that_the_companions_have() -> None:
    asked = {"requires_python": ">=3.10", "companions": ("torchaudio",)}
    found = select(nvidia("sm_86"), Request(**asked), TABLES)  # type: ignore[arg-type]
    assert found.python == "3.14"
    free = select(nvidia("sm_86"), Request(requires_python=">=3.10"), TABLES)
    assert free.python == "3.15"
