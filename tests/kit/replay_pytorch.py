"""PyTorch's indexes and the default index, composed from the rows about torch."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.kit.replay_catalog import DEFAULT, Catalog, Dist, numbers, python_tag

_WITHOUT_AUDIO = {"cu132"}  # none newer than 2.2.0 there
_LINUX = "platform_system == 'Linux'"
_LINUX_X86 = "platform_system == 'Linux' and platform_machine == 'x86_64'"
_GPU_WHEELS = (
    "py3-none-manylinux_2_17_x86_64",
    "py3-none-manylinux_2_28_aarch64",
    "py3-none-win_amd64",
)


def default(rows: Mapping[str, Any]) -> Iterator[Dist]:
    for row in (*rows["packages"], *rows["placeholders"]):
        yield _plain(DEFAULT, row)
    for row in rows["triton"]:
        yield _triton(DEFAULT, row)
    for row in rows["toolkits"]:
        extras = row["extras"].items()
        yield Dist(
            index=DEFAULT,
            name="cuda-toolkit",
            version=row["version"],
            requires=tuple(f"{need} ; extra == '{extra}'" for extra, need in extras),
        )


def _plain(index: str, row: Mapping[str, Any]) -> Dist:
    wheels = row.get("wheels", ("py3-none-any",))
    return Dist(
        index=index,
        name=row["name"],
        version=row["version"],
        wheels=_GPU_WHEELS if wheels == "gpu" else tuple(wheels),
        requires=tuple(row.get("requires", ())),
        requires_python=row.get("requires_python"),
        owns=row.get("owns"),
        yanked=row.get("yanked"),
    )


def _triton(index: str, row: Mapping[str, Any]) -> Dist:
    return Dist(
        index=index,
        name=row["name"],
        version=row["version"],
        wheels=tuple(
            f"{python_tag(python)}-{platform}"
            for python in row["pythons"]
            for platform in row["platforms"]
        ),
        requires=tuple(row.get("requires", ())),
        requires_python=row.get("requires_python"),
        owns="triton",
    )


def pytorch(rows: Mapping[str, Any], tritons: Sequence[Mapping[str, Any]]) -> Iterator[Dist]:
    pins = {
        (torch, row["backend"]): row["requires"] for row in rows["pins"] for torch in row["torch"]
    }
    for release in rows["releases"]:
        yield from _on_default(release, pins)
        for backend, platforms in release["backends"].items():
            yield from on_backend(release, backend, platforms, pins, tritons)
    backends = {backend for release in rows["releases"] for backend in release["backends"]}
    for backend in backends:
        for name, versions in rows["shadow"].items():
            for version in versions:
                yield Dist(index=f"/whl/{backend}", name=name, version=version)


def pins_of(rows: Mapping[str, Any]) -> Mapping[tuple[str, str], list[str]]:
    """The vendor's libraries that torch requires, by torch release and backend."""
    return {
        (torch, row["backend"]): row["requires"] for row in rows["pins"] for torch in row["torch"]
    }


def _on_default(
    release: Mapping[str, Any], pins: Mapping[tuple[str, str], list[str]]
) -> Iterator[Dist]:
    """The torch family as on PyPI: one version for all platforms, no local part."""
    torch, backend = release["torch"], release["default"]
    pythons = release["pypi_pythons"]
    if isinstance(pythons, list):
        pythons = dict.fromkeys(release["pypi_platforms"], pythons)
    tags = {
        "linux-x86_64": f"{release['linux']}_x86_64",
        "linux-aarch64": f"{release['linux_aarch64']}_aarch64",
        "windows-amd64": "win_amd64",
        "macos-arm64": f"{release['macos']}_arm64",
        "macos-x86_64": "macosx_10_9_x86_64",
    }
    wheels = tuple(
        f"{python_tag(python)}-{tags[platform]}"
        for platform, versions in sorted(pythons.items())
        for python in versions
    )
    yield Dist(
        index=DEFAULT,
        name="torch",
        version=torch,
        wheels=wheels,
        requires=_requires(release, backend, pins),
        requires_python=release["requires_python"],
        backend={"x86_64": backend, "aarch64": release["default_aarch64"], "": "cpu"},
    )
    yield from _companions(release, DEFAULT, "", wheels)


def on_backend(
    release: Mapping[str, Any],
    backend: str,
    platforms: list[str],
    pins: Mapping[tuple[str, str], list[str]],
    tritons: Sequence[Mapping[str, Any]],
    *,
    channel: str = "",
) -> Iterator[Dist]:
    """The torch family of one release in the index of one backend; `channel` as in `nightly/`."""
    index, torch = f"/whl/{channel}{backend}", release["torch"]
    requires = _requires(release, backend, pins)
    for platform in platforms:
        tag = _platform_tag(release, backend, platform)
        wheels = tuple(f"{python_tag(python)}-{tag}" for python in release["pythons"])
        bare = platform.startswith("macos") or (tag == "manylinux2014_aarch64")
        yield Dist(
            index=index,
            name="torch",
            version=torch if bare else f"{torch}+{backend}",
            wheels=wheels,
            requires=requires,
            requires_python=release["requires_python"],
            backend=backend,
        )
        # on Arm the companions have no local part until torch 2.10 (locks of 2025)
        bare = bare or (platform == "linux-aarch64" and numbers(torch) < (2, 10))
        yield from _companions(release, index, "" if bare else f"+{backend}", wheels)
    kind = _kind(backend)
    if need := release["triton"].get(kind):
        yield from _triton_of(index, need, release, tritons)


def _kind(backend: str) -> str:
    if backend.startswith("cu"):
        return "cuda"
    return "rocm" if backend.startswith("rocm") else backend


def _platform_tag(release: Mapping[str, Any], backend: str, platform: str) -> str:
    """The platform tag of torch's own indexes: bare `linux` in the old days, see index-snapshot."""
    minor = numbers(release["torch"])[:2]
    if platform == "linux-x86_64":
        new = minor >= (2, 7) or (minor == (2, 6) and backend.startswith(("cu126", "rocm")))
        old_xpu = backend == "xpu" and minor < (2, 13)
        return "manylinux_2_28_x86_64" if new and not old_xpu else "linux_x86_64"
    if platform == "linux-aarch64":
        return f"{release['linux_aarch64']}_aarch64"
    return {
        "linux-s390x": "linux_s390x",
        "windows-amd64": "win_amd64",
        "windows-arm64": "win_arm64",
        "macos-arm64": f"{release['macos']}_arm64",
        "macos-x86_64": "macosx_10_9_x86_64",
    }[platform]


def _requires(
    release: Mapping[str, Any], backend: str, pins: Mapping[tuple[str, str], list[str]]
) -> tuple[str, ...]:
    """What torch of a backend requires: its own needs, the vendor's libraries, triton."""
    minor = numbers(release["torch"])[:2]
    needs = list(release["requires"])
    marker = _LINUX if minor >= (2, 11) else _LINUX_X86
    for pin in pins.get((release["torch"], backend), ()):
        plain = "nvidia" in pin or "cuda" in pin or "rocm" in pin
        needs.append(f"{pin} ; {marker}" if plain and ";" not in pin else pin)
    if triton := release["triton"].get(_kind(backend)):
        needs.append(triton)
    return tuple(needs)


def _companions(
    release: Mapping[str, Any], index: str, local: str, wheels: tuple[str, ...]
) -> Iterator[Dist]:
    torch = release["torch"]
    for vision in release["torchvision"]:
        loose = numbers(vision) >= (0, 29, 1) and "dev" not in vision
        broken = vision == "0.15.0"  # pins a local version by mistake
        yield Dist(
            index=index,
            name="torchvision",
            version=vision + local,
            wheels=_untagged(wheels) if numbers(vision) >= (0, 29, 2) else wheels,
            requires=(
                "numpy",
                "pillow!=8.3.*,>=5.3.0",
                *(("requests",) if numbers(vision) < (0, 17, 1) else ()),
                "torch>=2.14.0" if loose else f"torch=={torch}{'+cu117' if broken else ''}",
            ),
            requires_python=">=3.10,!=3.14.1" if numbers(vision) >= (0, 26) else None,
        )
    audio = release["torchaudio"][-1]
    if index.rpartition("/")[2] in _WITHOUT_AUDIO:
        return
    yield Dist(
        index=index,
        name="torchaudio",
        version=audio + local,
        wheels=tuple(tag for tag in wheels if "cp315" not in tag),
        requires=() if numbers(audio) >= (2, 11) else (f"torch=={torch}",),
    )


def _untagged(wheels: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f"py3-none-{wheel.rpartition('-')[2]}" for wheel in wheels))


def _triton_of(
    index: str, need: str, release: Mapping[str, Any], tritons: Sequence[Mapping[str, Any]]
) -> Iterator[Dist]:
    """The triton that a release asks for, in its index: CUDA's as on the default index."""
    name, _, version = re.split(r"([~=]=)", need.partition(" ")[0])
    for row in tritons:
        if (name, version) == (row["name"], row["version"]):
            yield _triton(index, row)
            return
    platforms = {"rocm": ["linux_x86_64"], "xpu": ["manylinux_2_28_x86_64", "win_amd64"]}
    cuda = ["manylinux_2_28_x86_64", "linux_aarch64"]
    pythons = [python for python in release["pythons"] if python not in {"3.15", "3.15t"}]
    yield Dist(
        index=index,
        name=name,
        version=version,
        wheels=tuple(
            f"{python_tag(python)}-{platform}"
            for python in pythons
            for platform in platforms.get(name.rpartition("-")[2], cuda)
        ),
        requires=("setuptools",) if name.endswith("xpu") else (),
        owns="triton",
    )


def complete(catalog: Catalog) -> None:
    """Every exact pin on a vendor's library has its stub on the default index, and on the index
    whose torch asks for it."""
    pattern = re.compile(r"^([a-z0-9-]+)==([0-9.]+)")
    vendor = re.compile(r"nvidia-|intel-|dpcpp|impi|mkl|onemkl|oneccl|tcmlib|umf")
    for index in catalog.indexes():
        for project in ("torch", "cuda-toolkit"):
            for dist in catalog.dists(index, project):
                for need in dist.requires:
                    found = pattern.match(need)
                    if found and vendor.match(need):
                        for place in {DEFAULT, index}:
                            _library(catalog, place, found[1], found[2])


def _library(catalog: Catalog, index: str, name: str, version: str) -> None:
    if not any(dist.version == version for dist in catalog.dists(index, name)):
        catalog.add(Dist(index=index, name=name, version=version, wheels=_GPU_WHEELS))
