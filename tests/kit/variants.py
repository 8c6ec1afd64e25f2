"""PyTorch's builds as if they were variant wheels: what a publisher would write into them."""

import re
from typing import Any

from accelsel.knowledge.tables import Tables
from accelsel.model.table import Build
from accelsel.rules.variants import DEVICE_IPS

NAMESPACES = ["nvidia", "amd", "intel"]
SCHEMA = "https://variants-schema.wheelnext.dev/v0.2.0.json"


def builds(tables: Tables, torch: str, platform: str) -> list[Build]:
    """The published builds of a release on PyTorch's own indexes, as candidates for variants."""
    kinds = ("cpu", "cuda", "rocm", "xpu")
    return [
        build
        for build in tables.builds
        if (build.torch, build.platform) == (torch, platform)
        and build.published
        and tables.backends[build.backend].kind in kinds
    ]


def properties(build: Build, tables: Tables) -> dict[str, dict[str, list[str]]]:
    """What the wheel of a build says that it needs; {} for the one that runs anywhere."""
    backend = tables.backends[build.backend]
    if backend.kind == "cuda":
        bound = ".".join(map(str, backend.toolkit))
        code = [
            f"{m[1]}_real" for arch in build.archs or () if (m := re.fullmatch(r"sm_(\d+)", arch))
        ]
        return {"nvidia": {"cuda_version_lower_bound": [bound], "sm_arch": sorted(code)}}
    if backend.kind == "rocm":
        archs = sorted(set(build.archs or ()) - set(build.broken))
        return {"amd": {"gfx_arch": archs, "rocm_version": [".".join(map(str, backend.toolkit))]}}
    if backend.kind == "xpu":
        wanted = set(build.archs or ())
        ips = {ip for (arch, _), each in DEVICE_IPS.items() if arch in wanted for ip in each[:1]}
        return {"intel": {"device_ip": sorted(ips)}}
    return {}


def label(backend: str) -> str:
    return "null" if backend == "cpu" else backend


def variants_json(rows: list[Build], tables: Tables, *, schema: str = SCHEMA) -> dict[str, Any]:
    """The `variants.json` of a release whose providers are accelsel's."""
    return {
        "$schema": schema,
        "default-priorities": {"namespace": NAMESPACES},
        "providers": {
            name: {"requires": ["accelsel"], "plugin-api": f"accelsel.cli.provider:{name}"}
            for name in NAMESPACES
        },
        "variants": {label(row.backend): properties(row, tables) for row in rows},
    }
