"""The described hosts of `fixtures/hosts`, as recordings and as real trees with real programs."""

import json
import shlex
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from tests.kit.nvml.stub import StubGpu, StubHost, Stubs

from accelsel.model.profile import Profile
from accelsel.probe import probe
from accelsel.probe.host_world import HostWorld
from accelsel.probe.replay import SCHEMA, RecordedWorld

FOLDER = Path(__file__).parents[2] / "fixtures" / "hosts"
NAMES = tuple(sorted(path.parent.name for path in FOLDER.glob("*/host.json")))

# The calls behind a record of the child, as the stub names them.
NVML_CALLS = {
    "init": "nvmlInitWithFlags",
    "driver": "nvmlSystemGetDriverVersion",
    "handle": "nvmlDeviceGetHandleByIndex_v2",
    "capability": "nvmlDeviceGetCudaComputeCapability",
    "pci": "nvmlDeviceGetPciInfo_v3",
    "cuda": "nvmlSystemGetCudaDriverVersion_v2",
    "name": "nvmlDeviceGetName",
    "memory": "nvmlDeviceGetMemoryInfo",
    "mig": "nvmlDeviceGetMigMode",
}


@cache
def profiled(name: str) -> Profile:
    """The profile of a described host; many tests ask for each."""
    return probe(RecordedWorld(FOLDER / name))


def described(name: str) -> dict[str, Any]:
    """The host as its file describes it."""
    value = json.loads((FOLDER / name / "host.json").read_text())
    assert isinstance(value, dict)
    return value


def expected(name: str) -> dict[str, Any]:
    """What a profile of the host has to say, at least."""
    value = json.loads((FOLDER / name / "expected.json").read_text())
    assert isinstance(value, dict)
    return value


def differences(wanted: Any, found: Any, where: str = "profile") -> list[str]:
    """Where `found` lacks what is wanted. `says` lists words that notes must hold."""
    if isinstance(wanted, dict):
        if not isinstance(found, Mapping):
            return [f"{where} is {found!r}, not {wanted!r}"]
        said = [*found.get("notes", ()), found.get("note")]
        said += [gpu["note"] for gpu in found.get("gpus", ())]
        words = [word for word in wanted.get("says", ()) if word not in " | ".join(map(str, said))]
        unsaid = [f"{where} does not say {word!r} but {said}" for word in words]
        return unsaid + [
            difference
            for key, value in wanted.items()
            if key != "says"
            for difference in differences(value, found.get(key, "(missing)"), f"{where}.{key}")
        ]
    if isinstance(wanted, list):
        if len(wanted) != len(found):
            return [f"{where} has {len(found)} items, not {len(wanted)}: {found}"]
        return [
            difference
            for index, pair in enumerate(zip(wanted, found, strict=True))
            for difference in differences(*pair, f"{where}[{index}]")
        ]
    return [] if wanted == found else [f"{where} is {found!r}, not {wanted!r}"]


def has_a_tree(host: Mapping[str, Any]) -> bool:
    """Whether a Linux machine can show the host as files, programs and NVIDIA's library.

    No file refuses itself to root, programs at absolute paths are this machine's own, and NVML has
    another name on Windows.
    """
    absolute = any(command["argv"][0].startswith("/") for command in host.get("commands", ()))
    return host["uname"]["system"] == "linux" and not host.get("errors") and not absolute


def write_tree(host: Mapping[str, Any], root: Path) -> None:
    """The host's files, folders and links below `root`; device nodes are plain files."""
    for path, text in host.get("files", {}).items():
        content = text if isinstance(text, str) else "".join(f"{line}\n" for line in text)
        _made(root, path).write_text(content, newline="")
    for folder, names in host.get("dirs", {}).items():
        for name in names:
            _made(root, f"{folder}/{name}").mkdir(exist_ok=True)
    for path, target in host.get("links", {}).items():
        _made(root, path).symlink_to(target)
    for path in host.get("access", {}):
        if not (target := _made(root, path)).exists():
            target.touch()


def write_programs(host: Mapping[str, Any], folder: Path) -> None:
    """One script per program, which answers the described calls and refuses all others."""
    folder.mkdir(exist_ok=True)
    by_program: dict[str, list[Mapping[str, Any]]] = {}
    for command in host.get("commands", ()):
        by_program.setdefault(command["argv"][0], []).append(command)
    for program, commands in by_program.items():
        cases = []
        for number, command in enumerate(commands):
            for stream in ("out", "err"):
                text = command.get(stream, "")
                content = text if isinstance(text, str) else "".join(f"{line}\n" for line in text)
                (folder / f"{program}.{number}.{stream}").write_text(content)
            here = shlex.quote(str(folder / f"{program}.{number}"))
            answer = f"cat <{here}.out; cat <{here}.err >&2; exit {command['code']}"
            body = "exec sleep 60" if command["status"] == "timeout" else answer
            cases.append(f"{shlex.quote(' '.join(command['argv'][1:]))}) {body};;")
        script = folder / program
        script.write_text(
            '#!/bin/sh\nPATH=/usr/bin:/bin\ncase "$*" in\n'
            + "\n".join(cases)
            + '\n*) echo "unknown call: $*" >&2; exit 64;;\nesac\n'
        )
        script.chmod(0o755)


class TreeWorld(HostWorld):
    """A described host in a real tree: its kernel, interpreter and permissions are the described
    ones (root may write everything), all else is read, run and loaded as on any host."""

    def __init__(self, host: Mapping[str, Any], root: Path, environ: Mapping[str, str]) -> None:
        super().__init__(root=str(root), environ=environ)
        self._host = host

    def uname(self) -> Mapping[str, str]:
        return dict(self._host["uname"])

    def python(self) -> Mapping[str, Any]:
        return dict(self._host["python"])

    def writable(self, path: str) -> bool:
        return bool(self._host.get("access", {}).get(path) == "rw")


def tree_world(name: str, folder: Path, stubs: Stubs) -> TreeWorld:
    """The host below `folder`: `root` with its files, `bin` with its programs, NVML's stub."""
    host = described(name)
    root = folder / "root"
    root.mkdir()
    write_tree(host, root)
    write_programs(host, folder / "bin")
    environ: dict[str, str] = {"PATH": str(folder / "bin")}
    if "nvml" in host.get("streams", {}):
        records = host["streams"]["nvml"]["records"]
        file = stub_of(host["streams"]["nvml"]).write(folder / "host")
        cuda = any(record["call"] in {"libcuda", "load"} for record in records)
        libraries = ("nvml", "cuda") if cuda else ("nvml",)
        environ |= stubs.environ(file, libraries=libraries, path=str(folder / "bin"))
    return TreeWorld(host, root, {**environ, **host.get("env", {})})


def stub_of(stream: Mapping[str, Any]) -> StubHost:
    """NVML as the records of a child describe it."""
    records = stream["records"]
    values: dict[tuple[str, int | None], Any] = {}
    faults: list[tuple[str, int, str | int]] = []
    slices: dict[int, list[str]] = {}
    for record in records:
        call, gpu = record["call"], record["gpu"]
        if call == "mig-name":
            slices.setdefault(gpu, []).append(record["value"])
        elif "error" in record and call in NVML_CALLS:
            faults.append((NVML_CALLS[call], -1 if gpu is None else gpu, record["error"]))
        elif "value" in record:
            values[call, gpu] = record["value"]
    if stream["status"] != "ok":
        faults += _end(records, stream["status"])
    cuda = values.get(("cuda", None)) or values.get(("cuda-v1", None))
    return StubHost(
        driver=values.get(("driver", None), "0"),
        cuda=cuda or values.get(("libcuda", None), 0),
        gpus=tuple(
            _gpu(values, index, tuple(slices.get(index, ())))
            for index in range(values.get(("count", None), 0))
        ),
        faults=tuple(faults),
    )


def _gpu(
    values: Mapping[tuple[str, int | None], Any], index: int, slices: tuple[str, ...]
) -> StubGpu:
    capability = values.get(("capability", index))
    pci = values.get(("pci", index))
    mode = values.get(("mig", index))
    return StubGpu(
        name=values.get(("name", index), "unread"),
        capability="{}.{}".format(*capability) if capability else "0.0",
        device=f"{pci['id'] >> 16:04x}" if pci else "0000",
        bus="{domain:04x}:{bus:02x}:{device:02x}.0".format(**pci) if pci else "0000:01:00.0",
        memory=values.get(("memory", index), 0),
        mig=0 if mode is None else 1 if mode[0] else 2,
        slices=slices,
    )


def _end(records: Iterable[Mapping[str, Any]], status: str) -> list[tuple[str, int, str | int]]:
    """The fault that ends a child after its last record: in the same call for the next GPU."""
    effect = "hang" if status == "timeout" else "crash"
    last = list(records)[-1:]
    if not last:
        return [(NVML_CALLS["init"], -1, effect)]
    return [(NVML_CALLS[last[0]["call"]], last[0]["gpu"] + 1, effect)]


def _made(root: Path, path: str) -> Path:
    target = root / path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def world(**parts: Any) -> RecordedWorld:
    """A World made of parts of a recording; a Linux machine where they do not say otherwise."""
    uname = {"system": "linux", "release": "6.8.0-49-generic", "machine": "x86_64"}
    python = {"version": "3.12.3", "implementation": "cpython", "free_threaded": False}
    return RecordedWorld({"schema": SCHEMA, "uname": uname, "python": python, **parts})
