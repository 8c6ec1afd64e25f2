"""Which distributions an environment holds: read from their metadata, nothing imported or run.

An interpreter is run only where no `pyvenv.cfg` or `conda-meta` says what it would.
"""

# Importing pathlib would cost as much as a small environment.
# ruff: noqa: PTH117, PTH119, PTH120

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from accelsel.model.errors import USAGE, AccelselError
from accelsel.model.installed import Distribution, Environment, Library, TorchText
from accelsel.model.requirement import normalized
from accelsel.model.value import dataclass, replace
from accelsel.probe.owners import shared
from accelsel.probe.world import World

METADATA_LIMIT = 1 << 18  # headers come first; a description of any length may follow
METADATA_HEAD = 1 << 14  # where most headers end
LIBRARY = re.compile(rb"\.(?:so|pyd|dll)(?:[.\d]*),")
LIBRARY_PATH = re.compile(rb"^([^,\n\"]+\.(?:so|pyd|dll)(?:[.\d]*)),", re.MULTILINE)
LIBRARIES = 24  # of one package that are opened
RECORD_LIMIT = 1 << 24
INTERPRETER_TIMEOUT = 10.0
ASK = (
    "import json,sys,sysconfig;p=sysconfig.get_paths();"
    "print(json.dumps([sys.prefix,'.'.join(map(str,sys.version_info[:3])),"
    "bool(sysconfig.get_config_var('Py_GIL_DISABLED')),"
    "[q for q in sys.path if q.endswith('-packages')] or [p['purelib'],p['platlib']]]))"
)
STATED = re.compile(r"""^(\w+)\s*(?::[^=\n]*)?=\s*['"]([^'"\n]*)['"]""", re.MULTILINE)
AROUND_TORCH = (b"torch", b"triton", b"nvidia", b"tensorrt", b"rocm")
KNOWN = ("torch", "triton", "nvidia-", "tensorrt", "rocm", "cuda-")
# What is tied to torch and need not say so in its metadata, and the rivals for a folder.
EXTRA = (
    "pytorch-triton", "flash-", "sgl", "deep-gemm", "apex", "xformers", "vllm", "fbgemm", "mmcv",
    "dgl", "kaolin", "pytorch3d", "spconv", "detectron2", "nvdiffrast", "tinycudann", "natten",
    "mamba-ssm", "causal-conv1d", "sageattention", "nunchaku", "exllama", "auto-gptq", "autoawq",
    "gptqmodel", "bitsandbytes", "transformer-engine", "pyg-lib",
)  # fmt: skip
# What torch brings itself: its libraries are right beside it.
ITS_OWN = ("torch", "torchvision", "torchaudio", "triton", "nvidia-", "cuda-", "tensorrt", "rocm")
CONDA = re.compile(r"(pytorch|libtorch|mkl)-(\d[^-]*)-[^-]+\.json")
TILDE = re.compile(r"~+-?([a-z0-9_]{3,})(?:-[^-]+\.dist-info)?", re.IGNORECASE)
LEFT_OF = ("torch", "torchvision", "torchaudio", "triton", "nvidia", "functorch", "xformers")


@dataclass(frozen=True, kw_only=True)
class Location:
    """Where an environment stands; `python` is set where an interpreter itself was named."""

    root: str
    chosen: str
    python: str | None = None


def locate(world: World, *, python: str | None, project: str | None, cwd: str) -> Location | None:
    """The environment to look at: `--python`, the project's own, the active one; None without any.

    `python` is an environment, an interpreter, or the name of one on PATH; what is not there is an
    error. `project` is the folder whose `.venv` uv would use; without one it is that of `cwd` or of
    the nearest folder above.
    """
    if python is not None:
        return _named(world, python, cwd)
    if project is not None:
        own = world.env("UV_PROJECT_ENVIRONMENT") or ".venv"
        root = own if os.path.isabs(own) else f"{project}/{own}"
        if _is_environment(world, root):
            return Location(root=root, chosen=".venv")
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        active = world.env(name)
        if active and _is_environment(world, active):
            return Location(root=active, chosen=name)
    folder, below = cwd, None
    while project is None and folder != below:
        root = f"{folder}/.venv"
        if _is_environment(world, root):
            return Location(root=root, chosen=".venv")
        folder, below = os.path.dirname(folder), folder
    return None


def _named(world: World, python: str, cwd: str) -> Location:
    path = python if os.path.isabs(python) else f"{cwd}/{python}"
    if _is_environment(world, path):
        return Location(root=path, chosen="--python")
    is_path = "/" in python or os.sep in python
    if is_path and world.exists(path):
        folder = os.path.dirname(path)
        root = os.path.dirname(folder) if os.path.basename(folder) in BIN else folder
        if _is_environment(world, root):
            return Location(root=root, chosen="--python")
        return Location(root=root, chosen="--python", python=path)
    if not is_path:
        name = f"python{python}" if python[:1].isdigit() else python
        return Location(root="", chosen="--python", python=name)
    raise AccelselError(
        USAGE,
        "no-environment",
        "there is no environment or interpreter of that name",
        where=python,
        help="name a folder such as .venv, or an interpreter",
    )


BIN = ("bin", "Scripts")


def _is_environment(world: World, root: str) -> bool:
    return world.exists(f"{root}/pyvenv.cfg") or world.exists(f"{root}/conda-meta")


def python_of(world: World, location: Location) -> str | None:
    """The Python of an environment as `3.12` or `3.14t`; its packages are not looked at."""
    kind = _kind(world, location.root)
    if kind == "system":
        version, free, *_ = _asked(world, location)
    else:
        version, free, _ = _told(world, location.root, kind)
    if version is None:
        return None
    return ".".join(version.split(".")[:2]) + "t" * bool(free)


def scan(world: World, location: Location) -> Environment:
    """The environment as its files describe it. What cannot be read is left out."""
    root, kind = location.root, _kind(world, location.root)
    if kind == "system":
        version, free, sites, root = _asked(world, location)
    else:
        version, free, sites = _told(world, root, kind)
    packages: list[Distribution] = []
    claims: list[tuple[str, bytes]] = []
    leftovers: list[str] = []
    for site in sites:
        names = _listed(world, site)
        leftovers += [f"{site}/{name}" for name in names if _left(name)]
        for each in _distributions(world, site, names):
            if not _around_torch(each):
                packages.append(each)
                continue
            record = _bytes(world, f"{site}/{each.folder}/RECORD", RECORD_LIMIT)
            claims.append((each.name, record))
            packages.append(
                replace(
                    each,
                    compiled=(compiled := LIBRARY.search(record) is not None),
                    libraries=_libraries(world, site, each, record) if compiled else (),
                    tags=_tags(world, site, each),
                )
            )
    return Environment(
        root=root,
        kind=kind,
        chosen=location.chosen,
        python=version,
        free_threaded=free,
        site=tuple(sites),
        packages=tuple(packages),
        torch=_torch_text(world, sites),
        shared=shared(claims),
        conda=_conda(world, root) if kind == "conda" else (),
        leftovers=tuple(leftovers),
    )


def _conda(world: World, root: str) -> tuple[tuple[str, str], ...]:
    """Conda's own packages around torch, by the names of its records."""
    found = map(CONDA.fullmatch, _listed(world, f"{root}/conda-meta"))
    return tuple((match[1], match[2]) for match in found if match)


def _left(name: str) -> bool:
    """Whether a folder is one that pip renamed (`~orch`) and never took away."""
    match = TILDE.fullmatch(name) if name.startswith("~") else None
    return match is not None and any(each.endswith(match[1].lower()) for each in LEFT_OF)


def _libraries(
    world: World, site: str, package: Distribution, record: bytes
) -> tuple[Library, ...]:
    """What the shared libraries of an extension say of themselves."""
    if package.name.startswith(ITS_OWN) and not package.name.startswith("torch-"):
        return ()
    from accelsel.probe.binary import describe

    paths = [path.decode("utf-8", "replace") for path in LIBRARY_PATH.findall(record)]
    found = (describe(world, f"{site}/{path}", path) for path in paths[:LIBRARIES])
    return tuple(library for library in found if library is not None)


def _tags(world: World, site: str, package: Distribution) -> tuple[str, ...]:
    """The tags of the wheel from which a package was installed (PEP 427)."""
    text = _text(world, f"{site}/{package.folder}/WHEEL")
    return tuple(re.findall(r"^Tag:\s*(\S+)", text, re.MULTILINE))


def _kind(world: World, root: str) -> Literal["venv", "conda", "system"]:
    if root and world.exists(f"{root}/pyvenv.cfg"):
        return "venv"
    return "conda" if root and world.exists(f"{root}/conda-meta") else "system"


def _told(
    world: World, root: str, kind: str
) -> tuple[str | None, bool | None, list[str]]:  # fmt: skip
    """Version, threading and site folders as the environment's own files say."""
    sites: list[str] = []
    tag = None
    for folder in ("lib", "lib64"):
        for name in _listed(world, f"{root}/{folder}"):
            site = f"{root}/{folder}/{name}/site-packages"
            if name.startswith("python3.") and world.exists(site) and not sites:
                sites.append(site)
                tag = name.removeprefix("python")
    windows = f"{root}/Lib/site-packages"
    if not sites and world.exists(windows):
        sites.append(windows)
    free = None if tag is None else tag.endswith("t")
    config = _config(_bytes(world, f"{root}/pyvenv.cfg", 1 << 16).decode("utf-8", "replace"))
    if kind == "conda":
        found = (
            re.match(r"python-(\d+\.\d+\.\d+)", n) for n in _listed(world, f"{root}/conda-meta")
        )
        version = next((match[1] for match in found if match), None)
        return version or (tag or "").removesuffix("t") or None, free, sites
    version = _plain(config.get("version_info") or config.get("version")) or _plain(tag)
    if config.get("include-system-site-packages") == "true" and (home := config.get("home")):
        version_tag = tag or ""
        base = os.path.dirname(home)
        shared_sites = (
            f"{base}/lib/python{version_tag}/site-packages",
            f"{base}/local/lib/python{version_tag}/dist-packages",
            f"{base}/lib/python3/dist-packages",
        )
        sites += [site for site in shared_sites if world.exists(site)]
    return version, free, sites


def _plain(version: str | None) -> str | None:
    """`3.12.3.final.0` and `3.14t` as a plain version."""
    match = re.match(r"\d+(\.\d+){1,2}", version or "")
    return match[0] if match else None


def _config(text: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {key.strip().lower(): value.strip() for key, _, value in pairs}


def _asked(world: World, location: Location) -> tuple[str | None, bool | None, list[str], str]:
    """The same, asked of the interpreter."""
    python = location.python or f"{location.root}/bin/python3"
    answer = world.run([python, "-I", "-c", ASK], INTERPRETER_TIMEOUT)
    try:
        root, version, free, sites = json.loads(answer.out)
    except ValueError:
        raise AccelselError(
            USAGE,
            "no-environment",
            f"the interpreter does not answer ({answer.status})",
            where=python,
            help="name an environment folder with --python",
        ) from None
    known = dict.fromkeys(site for site in sites if world.exists(site))
    return version, free, list(known), root


def _distributions(world: World, site: str, names: Iterable[str]) -> Iterator[Distribution]:
    for folder in names:
        if folder.endswith(".dist-info"):
            name, _, version = folder[:-10].rpartition("-")
            yield _distribution(world, site, folder, name, version)
        elif folder.endswith(".egg-info"):
            name, _, rest = folder[:-9].partition("-")
            yield Distribution(
                name=normalized(name), version=rest.partition("-py")[0], folder=folder
            )


def _distribution(world: World, site: str, folder: str, name: str, version: str) -> Distribution:
    head = _bytes(world, f"{site}/{folder}/METADATA", METADATA_HEAD)
    end = head.find(b"\n\n")
    if end < 0 and len(head) == METADATA_HEAD:
        head = _bytes(world, f"{site}/{folder}/METADATA", METADATA_LIMIT)
        end = head.find(b"\n\n")
    head = head if end < 0 else head[:end]
    name = normalized(name)
    near = name.startswith((*KNOWN, *EXTRA))
    if not near and not any(word in head for word in AROUND_TORCH):
        return Distribution(name=name, version=version, folder=folder)
    lines = (line for line in head.split(b"\n") if line[:14].lower() == b"requires-dist:")
    requires = tuple(line[14:].decode("utf-8", "replace").strip() for line in lines)
    needs = any(_requires_torch(requirement) for requirement in requires)
    near = near or needs
    return Distribution(
        name=name,
        version=version,
        folder=folder,
        requires=requires,
        source=_source(world, site, folder) if near else None,
        built=_built(world, site, name) if near else None,
    )


def _requires_torch(requirement: str) -> bool:
    return re.match(r"torch(?![\w.-])", requirement) is not None


def _around_torch(package: Distribution) -> bool:
    return package.name.startswith((*KNOWN, *EXTRA)) or any(map(_requires_torch, package.requires))


def _source(world: World, site: str, folder: str) -> str | None:
    """The URL of a direct install, without the credentials and tokens that it may hold."""
    try:
        url = json.loads(world.read_bytes(f"{site}/{folder}/direct_url.json", 1 << 16))["url"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return re.sub(r"//[^/@]*@|[?#].*", _slashes, url) if isinstance(url, str) else None


def _slashes(match: re.Match[str]) -> str:
    return "//" if match[0].startswith("//") else ""


def _built(world: World, site: str, name: str) -> str | None:
    """The version that the package's own `version.py` states."""
    return stated(_text(world, f"{site}/{name.replace('-', '_')}/version.py")).get("__version__")


def stated(text: str) -> dict[str, str]:
    """Names that a module assigns a plain string at its top level; first assignment wins."""
    found: dict[str, str] = {}
    for name, value in STATED.findall(text):
        found.setdefault(name, value)
    return found


def _torch_text(world: World, sites: Sequence[str]) -> TorchText | None:
    for site in sites:
        if text := _text(world, f"{site}/torch/version.py"):
            said = stated(text)
            return TorchText(
                version=said.get("__version__"),
                cuda=said.get("cuda"),
                hip=said.get("hip"),
                xpu=said.get("xpu"),
            )
    return None


def _listed(world: World, path: str) -> tuple[str, ...]:
    try:
        return world.list_dir(path)
    except OSError:
        return ()


def _bytes(world: World, path: str, limit: int) -> bytes:
    try:
        return world.read_bytes(path, limit)
    except OSError:
        return b""


def _text(world: World, path: str) -> str:
    return _bytes(world, path, 1 << 16).decode("utf-8", "replace")
