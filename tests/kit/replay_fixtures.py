"""The catalog of everything in `fixtures/index`."""

import json
from pathlib import Path
from typing import Any

from tests.kit.replay_catalog import Catalog
from tests.kit.replay_pytorch import complete, default, pins_of, pytorch
from tests.kit.replay_vendors import companions, vendors

ROWS = Path(__file__).parents[2] / "fixtures" / "index"


def load(root: Path = ROWS) -> Catalog:
    """Every row of the folder's files as distributions."""
    torch, plain, around, beside = (
        _read(root / f"{name}.json") for name in ("pytorch", "default", "companions", "vendors")
    )
    catalog = Catalog(default(plain))
    for dists in (
        pytorch(torch, [row for row in plain["triton"] if row["name"] == "triton"]),
        companions(around),
        vendors(beside, {row["torch"]: row for row in torch["releases"]}, pins_of(torch)),
    ):
        for dist in dists:
            catalog.add(dist)
    complete(catalog)
    return catalog


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
