"""The packages around torch: on the default index, on PyTorch's own, on the vendors' indexes.

A vendor's index lies below its host's name (`/pypi.nvidia.com`), so that one mirror for each host
is enough.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.kit.replay_catalog import DEFAULT, Dist, python_tag
from tests.kit.replay_pytorch import on_backend
from tests.kit.replay_sdist import Source

NVIDIA = "/pypi.nvidia.com"
AMD = "/stable.repo.amd.com/rocm/whl-next"
PYG = "/data.pyg.org/whl"
ASTRAL = "/wheels.astral.sh/simple"
VLLM = "/wheels.vllm.ai"
NATTEN = "/whl.natten.org"
HOSTS = (
    "pypi.nvidia.com", "stable.repo.amd.com", "data.pyg.org", "wheels.astral.sh", "wheels.vllm.ai",
    "whl.natten.org",
)  # fmt: skip

_AMD_PYTHONS = ("cp310", "cp311", "cp312", "cp313", "cp314")
_LINUX_X86 = "manylinux_2_28_x86_64"


def companions(rows: Mapping[str, Any]) -> Iterator[Dist]:
    for row in (*rows["default"], *rows["stubs"]):
        yield _dist(DEFAULT, row)
    for row in rows["pytorch"]:
        for backend in row["backends"]:
            local = f"+{backend}" if row["local"] else ""
            yield _dist(f"/whl/{backend}", {**row, "version": row["version"] + local})
    for row in rows["pyg"]:
        for backend in row["backends"]:
            yield from _pyg(row, backend)


def _pyg(row: Mapping[str, Any], backend: str) -> Iterator[Dist]:
    """One flat page: its wheels say the torch minor and the backend in their local version."""
    index = f"{PYG}/torch-{row['torch']}.0+{backend}.html"
    local = f"+pt{row['torch'].replace('.', '')}{backend}"
    for name, versions in row["packages"].items():
        for version in versions:
            abi3 = name == "pyg-lib" and version >= "0.8.0"
            pythons = ["cp310"] if abi3 else row["pythons"]
            platforms = ["linux_x86_64", "win_amd64"]
            tags = {"pythons": pythons, "platforms": platforms, "abi3": abi3}
            yield _dist(index, {"name": name, "version": version + local, **tags})


def vendors(
    rows: Mapping[str, Any],
    releases: Mapping[str, Mapping[str, Any]],
    pins: Mapping[tuple[str, str], list[str]],
) -> Iterator[Dist]:
    """The vendors' indexes, and PyTorch's nightly and test channels, which resemble the stable
    `releases` and their `pins`."""
    for row in rows["nvidia"]:
        yield _dist(NVIDIA, row)
    for row in rows["astral"]:
        tags = {"pythons": ["cp310", "cp311", "cp312", "cp313"], "platforms": [_LINUX_X86]}
        yield _dist(f"{ASTRAL}/{row['backend']}", {**row, **tags})
    for row in rows["vllm"]:
        place = f"{VLLM}/{row['version'].partition('+')[0]}/{row['backend']}"
        yield _dist(
            place,
            {"name": "vllm", **row, "pythons": ["cp38"], "platforms": [_LINUX_X86], "abi3": True},
        )
    for row in rows["natten"]:
        for backend in row["backends"]:
            local = f"+torch{row['torch'].replace('.', '')}{backend}"
            place = f"{NATTEN}/{backend}/torch{row['torch']}"
            tags = {"pythons": ["cp311", "cp312", "cp313"], "platforms": [_LINUX_X86]}
            for version in row["versions"]:
                yield _dist(place, {"name": "natten", "version": version + local, **tags})
    for row in rows["amd"]:
        yield from _amd(row, rows["devices"])
    for channel in ("nightly", "test"):
        for row in rows[channel]:
            release = {**releases[row["like"]], **row}
            for backend, platforms in row["backends"].items():
                same = {(row["torch"], backend): pins.get((row["like"], backend), [])}
                yield from on_backend(release, backend, platforms, same, (), channel=f"{channel}/")


def _amd(row: Mapping[str, Any], devices: Mapping[str, Sequence[str]]) -> Iterator[Dist]:
    """One ROCm release on AMD's multi-arch index: the kernels come with an extra."""
    rocm = row["rocm"]
    every = [(family, gfx) for family, names in devices.items() for gfx in names]

    def both(name: str, version: str, **more: Any) -> Dist:
        platforms = ["linux_x86_64", "win_amd64"]
        return _dist(AMD, {"name": name, "version": version, "platforms": platforms, **more})

    def extras(package: str, version: str) -> list[str]:
        each = [(gfx, f"{package}-{gfx}=={version}") for _, gfx in every]
        alone = [f"{need} ; extra == 'device-{gfx}'" for gfx, need in each]
        return alone + [f"{need} ; extra == 'device-all'" for _, need in each]

    base = ["filelock", "fsspec>=0.8.5", "jinja2", "networkx>=2.5.1", "sympy>=1.13.3"]
    needs = [*base, f"rocm[libraries]=={rocm}", "rocm-bootstrap", f"triton=={row['triton']}"]
    yield both(
        "torch",
        row["torch"],
        pythons=_AMD_PYTHONS,
        requires=[*needs, *extras("amd-torch-device", row["torch"])],
        backend="amd",
    )
    vision = extras("amd-torchvision-device", row["torchvision"])
    needs = ["numpy", "pillow", "torch"]
    yield both("torchvision", row["torchvision"], pythons=_AMD_PYTHONS, requires=[*needs, *vision])
    if "torchaudio" in row:
        yield both("torchaudio", row["torchaudio"], pythons=_AMD_PYTHONS)
    triton = {"pythons": _AMD_PYTHONS, "platforms": ["linux_x86_64"], "owns": "triton"}
    yield _dist(AMD, {"name": "triton", "version": row["triton"], **triton})
    yield _dist(
        AMD,
        {
            "name": "rocm",
            "version": rocm,
            "wheels": [],
            "sdist": {"readable": False},
            "requires": [
                f"rocm-sdk-core=={rocm}",
                f"rocm-sdk-libraries=={rocm} ; extra == 'libraries'",
                *extras("rocm-sdk-device", rocm),
            ],
        },
    )
    yield _dist(AMD, {"name": "rocm-bootstrap", "version": "0.3.0"})
    for name in ("rocm-sdk-core", "rocm-sdk-libraries"):
        yield both(name, rocm, pythons=["py3"])
    for family, gfx in every:
        device = [f"rocm-sdk-device-{gfx}=={rocm}"]
        if family:
            device.append(f"amd-torch-device-{family}=={row['torch']}")
            yield both(f"amd-torch-device-{family}", row["torch"], pythons=["py3"])
        yield both(f"rocm-sdk-device-{gfx}", rocm, pythons=["py3"])
        yield both(f"amd-torch-device-{gfx}", row["torch"], pythons=["py3"], requires=device)
        yield both(f"amd-torchvision-device-{gfx}", row["torchvision"], pythons=["py3"])
    for name in ("setuptools", "numpy", "sympy", "filelock", "jinja2"):
        yield _dist(AMD, {"name": name, "version": "0.1"})  # shadows, and nobody wants them


def _dist(index: str, row: Mapping[str, Any]) -> Dist:
    source = row.get("sdist")
    return Dist(
        index=index,
        name=row["name"],
        version=row["version"],
        wheels=tuple(row["wheels"]) if "wheels" in row else tuple(_tags(row)),
        requires=tuple(row.get("requires", ())),
        requires_python=row.get("requires_python"),
        owns=row.get("owns"),
        yanked=row.get("yanked"),
        backend=row.get("backend"),
        sdist=None if source is None else Source(**source),
    )


def _tags(row: Mapping[str, Any]) -> Iterator[str]:
    """Wheel tags of a row's pythons and platforms; `py3` and `any` go together alone where a row
    has others beside them."""
    pythons, platforms = row.get("pythons", ["py3"]), row.get("platforms", ["any"])
    mixed = "any" in platforms and len(platforms) > 1
    for python in pythons:
        for platform in platforms:
            pure = python.startswith("py")
            if (mixed and pure) != (mixed and platform == "any"):
                continue
            if pure or row.get("abi") == "none":
                yield f"{python}-none-{platform}"
            elif row.get("abi3"):
                yield f"{python}-abi3-{platform}"
            else:
                yield f"{python_tag(python)}-{platform}"
