"""Runs in the peers' own environment: what their functions answer for hosts that are described.

python peers_run.py commands WORK < JSON > JSON: torchruntime's and comfy-cli's install commands.
python peers_run.py ltt SYSTEM ARGS...: light-the-torch's pip with SYSTEM as the host's system.

Nothing of a peer is replaced but the name of the system, its machine and its Python, which their
modules read from the interpreter, and comfy-cli's libcuda, so that the nvidia-smi on PATH answers.
"""

import json
import os
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TextIO


def _torchruntime(host: dict[str, Any], bound: str) -> list[list[str]]:
    """The arguments of its pip commands for a host."""
    database: Any = import_module("torchruntime.device_db")
    detection: Any = import_module("torchruntime.platform_detection")
    installer: Any = import_module("torchruntime.installer")
    for module in (database, detection, installer):
        module.os_name = host["system"]
    detection.arch = host["machine"]
    detection.py_version = tuple(int(part) for part in host["pythons"][0].split("."))
    lines = []
    for candidates in host["devices"]:
        # the first id that its database knows; a GPU that it does not know is not there for it
        pairs = (tuple(pci.split(":")) for pci in candidates)
        known = next((pair for pair in pairs if database.get_device_infos([pair])), None)
        lines += [f"VGA compatible controller [{':'.join(known)}]"] if known else []
    if host["system"] == "Windows":
        text = "\n".join(line.replace("[", "PCI\\VEN_").replace(":", "&DEV_") for line in lines)
        found = database.parse_windows_output(text)
    else:
        found = database.parse_linux_output("\n".join(lines))
    platform = detection.get_torch_platform(database.get_device_infos(found), [f"torch{bound}"])
    commands: list[list[str]] = installer.get_install_commands(platform, [f"torch{bound}"])
    return commands


def _comfy(host: dict[str, Any], work: Path) -> list[list[str]]:
    """The arguments of its pip commands for a host whose user names the vendor."""
    constants: Any = import_module("comfy_cli.constants")
    detect: Any = import_module("comfy_cli.cuda_detect")
    command: Any = import_module("comfy_cli.cmdline")
    install: Any = import_module("comfy_cli.command.install")
    detect._load_libcuda = _no_library
    option = constants.GPU_OPTION
    gpu = {"nvidia": option.NVIDIA, "amd": option.AMD, "intel": option.INTEL_ARC}.get(
        host["vendor"]
    )
    if host["system"] == "Darwin":
        gpu = option.MAC_M_SERIES if host["machine"] == "arm64" else None
    system = {"Linux": "LINUX", "Windows": "WINDOWS", "Darwin": "MACOS"}[host["system"]]
    cuda, tag = command._resolve_cuda(gpu, None)
    record = work / "record"
    record.unlink(missing_ok=True)
    install.pip_install_comfyui_dependencies(
        str(work), gpu, constants.OS[system], cuda, False, True,
        python=str(work / "recorder"), cuda_tag=tag,
    )  # fmt: skip
    lines = record.read_text().splitlines() if record.exists() else []
    words = [line.split(" ") for line in lines]
    return [[word for word in line if word not in ("torchvision", "torchaudio")] for line in words]


def _no_library() -> None:
    raise OSError("the nvidia-smi on PATH answers")


def _commands(work: Path, out: TextIO) -> None:
    answers = []
    hosts: list[dict[str, Any]] = json.load(sys.stdin)
    for host in hosts:
        os.environ["SMI_DRIVER"] = host["driver"] or ""
        os.environ["SMI_CUDA"] = host["cuda"] or ""
        found = {
            "torchruntime": _or_refusal(partial(_torchruntime, host, host["bound"])),
            "comfy-cli": _or_refusal(partial(_comfy, host, work)),
        }
        answers.append(found)
    json.dump(answers, out)


def _or_refusal(ask: Callable[[], list[list[str]]]) -> list[list[str]] | str:
    try:
        return ask()
    except (NotImplementedError, KeyError, ValueError) as refusal:
        return str(refusal)


def _light_the_torch(system: str, words: list[str]) -> int:
    backends: Any = import_module("light_the_torch._cb")
    backends.platform = SimpleNamespace(system=lambda: system)
    main: Any = import_module("light_the_torch._cli").main
    return int(main(words) or 0)


if __name__ == "__main__":
    if sys.argv[1] == "ltt":
        raise SystemExit(_light_the_torch(sys.argv[2], sys.argv[3:]))
    out, sys.stdout = sys.stdout, sys.stderr  # what the tools print is no part of the answer
    _commands(Path(sys.argv[2]), out)
