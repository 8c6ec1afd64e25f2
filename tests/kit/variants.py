"""PyTorch's builds as if they were variant wheels: what a publisher would write into them."""

import base64
import hashlib
import io
import json
import re
import threading
import zipfile
from collections.abc import Iterable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import unquote

from accelsel.knowledge.tables import Tables
from accelsel.model.table import Build
from accelsel.rules.variants import DEVICE_IPS

NAMESPACES = ["nvidia", "amd", "intel"]
# The one that uv 0.13.8 reads; variantlib 0.2.2 writes another.
UV_SCHEMA = "https://variants-schema.wheelnext.dev/peps/825/v0.1.1.json"
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


class VariantIndex:
    """A simple index on loopback with one package whose releases are variant wheels only."""

    PACKAGE = "variantdemo"

    def __init__(self, tables: Tables, platform: str, releases: Iterable[str]) -> None:
        self.files: dict[str, bytes] = {}
        for release in releases:
            rows = [
                row
                for row in builds(tables, release, platform)
                if tables.backends[row.backend].kind == "cuda"
            ]
            self._publish(release, {row.backend: properties(row, tables) for row in rows})
        files = self.files

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = unquote(self.path.rstrip("/").rpartition("/")[2])
                body = _page(files) if name == VariantIndex.PACKAGE else files.get(name)
                self.send_response(404 if body is None else 200)
                self.send_header("Content-Type", "text/html" if b"<a" in (body or b"") else "x/x")
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body or b"")

            def do_HEAD(self) -> None:
                self.do_GET()

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/simple"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _publish(self, release: str, variants: Mapping[str, Any]) -> None:
        document = {
            "$schema": UV_SCHEMA,
            "default-priorities": {"namespace": ["nvidia"]},
            "providers": {
                "nvidia": {
                    "requires": ["nvidia-variant-provider>=0.0.1"],
                    "plugin-api": "nvidia_variant_provider.plugin:NvidiaVariantPlugin",
                }
            },
        }
        stem = f"{self.PACKAGE}-{release}"
        self.files[f"{stem}-variants.json"] = json.dumps(document | {"variants": variants}).encode()
        for name, needs in variants.items():
            own = json.dumps(document | {"variants": {name: needs}})
            self.files[f"{stem}-py3-none-any-{name}.whl"] = _wheel(self.PACKAGE, release, name, own)


def _wheel(package: str, release: str, variant: str, document: str) -> bytes:
    info = f"{package}-{release}.dist-info"
    files = {
        f"{package}/__init__.py": f"BUILD = {f'{release}+{variant}'!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.4\nName: {package}\nVersion: {release}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/variant.json": document,
    }
    lines = [f"{path},sha256={_digest(text)},{len(text)}\n" for path, text in files.items()]
    files[f"{info}/RECORD"] = "".join(lines) + f"{info}/RECORD,,\n"
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return data.getvalue()


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _page(files: Mapping[str, bytes]) -> bytes:
    links = "".join(
        f'<a href="/files/{name}#sha256={hashlib.sha256(data).hexdigest()}">{name}</a>\n'
        for name, data in files.items()
    )
    return f"<!DOCTYPE html><html><body>\n{links}</body></html>".encode()
