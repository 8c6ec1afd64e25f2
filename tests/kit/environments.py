"""Described environments: a host and the metadata of what is installed on it, as one recording.

A case is a JSON file of `fixtures/environments`; README.md there describes it. From it comes a
folder that `RecordedWorld` reads, so that a test goes the way of a real host: probe, scan, look.
"""

import json
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from accelsel.knowledge import load
from accelsel.knowledge.companions import faults, symptoms
from accelsel.knowledge.companions import load as companions
from accelsel.model.finding import Report
from accelsel.model.installed import Environment, HostFiles
from accelsel.model.profile import Profile
from accelsel.ports.locked import read as read_lock
from accelsel.probe import probe
from accelsel.probe.installed import locate, scan
from accelsel.probe.record import RecordedWorld
from accelsel.probe.surroundings import look
from accelsel.rules.doctor import examine

ROOT = Path(__file__).parents[2]
CASES = ROOT / "fixtures" / "environments"
HOSTS = ROOT / "fixtures" / "hosts"
ENVIRONMENT = "/home/user/project/.venv"
PROJECT = "/home/user/project"


@dataclass(frozen=True, kw_only=True)
class Case:
    """`name` is the file's; `near` is the same situation without the fault."""

    name: str
    data: Mapping[str, Any]
    near: bool = False

    @property
    def finds(self) -> tuple[str, ...]:
        return tuple(self.data.get("finds", ()))


def cases(folder: Path = CASES) -> Iterator[Case]:
    """Every case, and beside it the one that nearly is."""
    for path in sorted(folder.glob("*.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        near = data.pop("nearly", None)
        yield Case(name=path.stem, data=data)
        if near is not None:
            merged = _merged(data, near) | {"finds": near.get("finds", [])}
            yield Case(name=path.stem, data=merged, near=True)


def _merged(base: Any, patch: Any) -> Any:
    """`base` with a patch laid over it: null removes a key, objects are merged."""
    if not isinstance(base, dict) or not isinstance(patch, dict):
        return deepcopy(patch)
    out = deepcopy(base)
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        else:
            out[key] = _merged(out.get(key), value)
    return out


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the doctor is given of a case that its host, environment and project make."""

    profile: Profile
    environment: Environment | None
    files: HostFiles
    project: str | None
    record: Mapping[str, Any] | None


def examined(case: Case, changed: Callable[[Seen], Seen] | None = None) -> Report:
    """What the doctor says of a case, by way of a recording; of what is `changed` in it, if so."""
    project = PROJECT if {"record", "lock", "requirements"} & set(case.data) else None
    described = {key: case.data[key] for key in ("host", "environment") if key in case.data}
    profile, environment, files = _gathered(json.dumps(described), project)
    seen = Seen(
        profile=profile,
        environment=environment,
        files=files,
        project="pyproject.toml" if project else None,
        record=case.data.get("record"),
    )
    seen = changed(seen) if changed else seen
    return examine(
        seen.profile,
        load(),
        environment=seen.environment,
        lock=read_lock(lock_text(case.data["lock"]), "uv.lock") if "lock" in case.data else None,
        project=seen.project,
        record=seen.record,
        files=seen.files,
        companions=companions(),
        requirements=tuple(case.data.get("requirements", ())),
        error=case.data.get("error"),
        symptoms=symptoms(),
        faults=faults(),
    )


@cache
def _gathered(described: str, project: str | None) -> tuple[Profile, Environment | None, HostFiles]:
    """What is read of a described host and environment; several tests ask for each."""
    with TemporaryDirectory() as name:
        write(json.loads(described), Path(name))
        world = RecordedWorld(Path(name))
        place = locate(world, python=None, project=project, cwd=PROJECT)
        return probe(world), scan(world, place) if place else None, look(world)


def write(data: Mapping[str, Any], folder: Path) -> None:
    """The recording of a case."""
    folder.mkdir(parents=True, exist_ok=True)
    host = data.get("host", {})
    base = json.loads((HOSTS / host.get("base", "no-gpu") / "host.json").read_text("utf-8"))
    for key in ("uname", "python", "files", "dirs", "links", "access", "env", "errors", "streams"):
        base.setdefault(key, {})
        base[key] = _merged(base[key], host.get(key, {}))
    nvidia = host.get("nvidia")
    if nvidia:
        _nvidia(base, nvidia)
    if "environment" in data:
        base["files"] |= environment_files(data["environment"], ENVIRONMENT)
    (folder / "host.json").write_text(json.dumps(base), encoding="utf-8")


def _nvidia(base: dict[str, Any], nvidia: Mapping[str, Any]) -> None:
    """An NVIDIA driver and its GPUs: (name, PCI device id, compute capability) each."""
    driver, files = nvidia["driver"], base["files"]
    files["/sys/module/nvidia/version"] = f"{driver}\n"
    files["/proc/driver/nvidia/version"] = (
        f"NVRM version: NVIDIA UNIX x86_64 Kernel Module  {driver}  Release Build\n"
    )
    records: list[dict[str, Any]] = [
        {"call": "init", "gpu": None, "value": True},
        {"call": "driver", "gpu": None, "value": driver},
        {"call": "count", "gpu": None, "value": len(nvidia["gpus"])},
    ]
    for number, (name, device, capability) in enumerate(nvidia["gpus"]):
        address = f"0000:{number + 1:02x}:00.0"
        folder = f"/sys/bus/pci/devices/{address}"
        if not nvidia.get("hidden"):
            files |= {
                f"{folder}/class": "0x030000\n",
                f"{folder}/vendor": "0x10de\n",
                f"{folder}/device": f"0x{device}\n",
            }
            base["links"][f"{folder}/driver"] = "../../../../bus/pci/drivers/nvidia"
        pci = {"id": int(f"{device}10de", 16), "domain": 0, "bus": number + 1, "device": 0}
        records += [
            {"call": "handle", "gpu": number, "value": True},
            {"call": "capability", "gpu": number, "value": list(capability)},
            {"call": "pci", "gpu": number, "value": pci},
            {"call": "name", "gpu": number, "value": name},
        ]
        if number in nvidia.get("mig", ()):
            records += [
                {"call": "mig", "gpu": number, "value": [1, 1]},
                {"call": "mig-most", "gpu": number, "value": 7},
            ]
    major, minor = map(int, nvidia["cuda"].split("."))
    records.append({"call": "cuda", "gpu": None, "value": major * 1000 + minor * 10})
    base["streams"]["nvml"] = {"status": "ok", "records": records, "detail": None}
    for device in ("/dev/nvidiactl", "/dev/nvidia0", "/dev/nvidia-uvm"):
        base["access"].setdefault(device, "rw")


def environment_files(environment: Mapping[str, Any], root: str) -> dict[str, str]:
    """The files of an environment: its own, and the metadata of each package."""
    python = environment.get("python", "3.12.3")
    minor = ".".join(python.split(".")[:2])
    site = f"{root}/lib/python{minor}/site-packages"
    files = {f"{root}/pyvenv.cfg": f"home = /usr/bin\nversion_info = {python}\n"}
    for package in environment.get("packages", ()):
        files |= package_files(package, site)
    for name in environment.get("conda", ()):
        files[f"{root}/conda-meta/{name}.json"] = "{}"
        files.pop(f"{root}/pyvenv.cfg", None)
    for name in environment.get("beside", ()):
        files[f"{site}/{name}/__init__.py"] = ""
    return files


def package_files(package: Mapping[str, Any], site: str) -> dict[str, str]:
    """METADATA, RECORD, and where stated direct_url.json and version.py."""
    name, version = package["name"], package["version"]
    module = name.replace("-", "_")
    folder = f"{site}/{module}-{version}.dist-info"
    requires = "".join(f"Requires-Dist: {line}\n" for line in package.get("requires", ()))
    codes: dict[str, Mapping[str, Any]] = dict(package.get("libraries", {}))
    if "code" in package:
        codes["_C.so"] = package["code"]
    named = codes or (["_C.so"] if package.get("compiled") else [])
    library = {f"{module}/{file}": name for file in named}
    owned: Mapping[str, str] = package.get("owns", {f"{module}/__init__.py": name} | library)
    record = "".join(f"{path},sha256={digest},1\n" for path, digest in owned.items())
    files = {
        f"{folder}/METADATA": (
            f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n{requires}\nfor torch\n"
        ),
        f"{folder}/RECORD": f"{record}{module}-{version}.dist-info/RECORD,,\n",
    }
    if "url" in package:
        files[f"{folder}/direct_url.json"] = json.dumps({"url": package["url"]})
    if "tags" in package:
        lines = "".join(f"Tag: {tag}\n" for tag in package["tags"])
        files[f"{folder}/WHEEL"] = f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\n{lines}"
    for file, code in codes.items():
        image = portable(code) if code.get("windows") else elf(code)
        files[f"{site}/{module}/{file}"] = image.decode("latin-1")
    if "built" in package:
        stated = {"__version__": package["built"], **package.get("states", {})}
        lines = "".join(f"{key} = {value!r}\n" for key, value in stated.items())
        files[f"{site}/{module}/version.py"] = lines
    return files


def elf(code: Mapping[str, Any]) -> bytes:
    """A 64-bit ELF library with CUDA code of `sass` and `ptx` (`sm_86`), which needs the libraries
    `needs` and the symbols `asks`."""
    names = [*code.get("needs", ()), *code.get("asks", ())]
    strings = b"\0" + b"".join(name.encode() + b"\0" for name in names)
    bodies = {b".dynstr": strings, b".nv_fatbin": fatbin(code)}
    titles = b"\0" + b"\0".join((*bodies, b".shstrtab")) + b"\0"
    bodies[b".shstrtab"] = titles
    at, rows, data = 64, [bytes(64)], b""
    for title, body in bodies.items():
        name = titles.index(b"\0" + title + b"\0") + 1
        rows.append(struct.pack("<IIQQQQIIQQ", name, 1, 0, 0, at + len(data), len(body), *[0] * 4))
        data += body
    head = b"\x7fELF\2\1\1" + bytes(9)
    head += struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 0, at + len(data), 0, 64, 0, 0, 64, 4, 3)
    return head + data + b"".join(rows)


def portable(code: Mapping[str, Any]) -> bytes:
    """The same as a Windows library (PE)."""
    names = b"\0" + b"".join(name.encode() + b"\0" for name in code.get("needs", ()))
    bodies = {b".rdata": names, b".nv_fatb": fatbin(code)}
    at = 64 + 24 + 40 * len(bodies)
    rows, data = b"", b""
    for title, body in bodies.items():
        rows += title.ljust(8, b"\0")
        rows += struct.pack("<IIIIIIHHI", len(body), 0, len(body), at + len(data), *[0] * 5)
        data += body
    head = b"MZ".ljust(60, b"\0") + struct.pack("<I", 64)
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, len(bodies), 0, 0, 0, 0, 0)
    return head + coff + rows + data


def fatbin(code: Mapping[str, Any]) -> bytes:
    """CUDA's fat binary: a header, and for each architecture one of its own before the code."""
    pieces = b""
    for kind, archs in ((2, code.get("sass", ())), (1, code.get("ptx", ()))):
        for arch in archs:
            number = int(arch.removeprefix("sm_"))
            pieces += struct.pack("<HHIQIIHHI", kind, 257, 64, 8, 0, 0, 0, 0, number).ljust(
                64, b"\0"
            )
            pieces += bytes(8)
    return struct.pack("<IHHQ", 0xBA55ED50, 1, 16, len(pieces)) + pieces if pieces else b""


def lock_text(rows: Iterable[Mapping[str, Any]]) -> str:
    """A `uv.lock` with these packages: name, version, index, markers."""
    text = 'version = 1\nrevision = 3\nrequires-python = ">=3.12"\n'
    for row in rows:
        text += f'\n[[package]]\nname = "{row["name"]}"\nversion = "{row["version"]}"\n'
        text += (
            f'source = {{ registry = "{row.get("index", "https://default.example/simple")}" }}\n'
        )
        if "markers" in row:
            text += f"resolution-markers = {json.dumps(row['markers'])}\n"
        text += 'wheels = [\n    { url = "https://files.example/x.whl", hash = "sha256:0" },\n]\n'
    return text
