"""What an environment, a lock and a host's files say of themselves, before any judgement."""

from typing import Literal

from accelsel.model.value import dataclass


@dataclass(frozen=True, kw_only=True)
class Library:
    """What a shared library of a package says of itself, its code never loaded.

    `sass` and `ptx` are the architectures of its CUDA code (`sm_86`); both () where it holds none.
    `cuda` is the major of the CUDA libraries that it is linked to, `gpu` the kind of torch whose
    libraries it needs (`cuda`, `hip`), `abi` that of the C++ library in the torch symbols that it
    asks for, True for the new one; None where nothing says it.
    """

    path: str
    sass: tuple[str, ...] = ()
    ptx: tuple[str, ...] = ()
    cuda: int | None = None
    gpu: Literal["cuda", "hip"] | None = None
    abi: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """An installed distribution, read from its dist-info folder.

    `name` is normalized (PEP 503). `requires` are its Requires-Dist lines as written, () where the
    metadata was not read. `source` is where a direct install came from (URL without credentials).
    `built` is the version that the package's own `version.py` states, which keeps the local part
    that PyPI's metadata drops. `folder` is the dist-info folder's name. `compiled` is True where
    its RECORD lists a shared library, `libraries` is what those say, and `tags` are the wheel's
    (PEP 425); only what is near torch is looked at so closely.
    """

    name: str
    version: str
    folder: str
    requires: tuple[str, ...] = ()
    source: str | None = None
    built: str | None = None
    compiled: bool = False
    libraries: tuple[Library, ...] = ()
    tags: tuple[str, ...] = ()

    @property
    def full_version(self) -> str:
        """The version with its local part, wherever either place states one."""
        if "+" in self.version or not self.built or "+" not in self.built:
            return self.version
        same = self.built.split("+", 1)[0] == self.version
        return self.built if same else self.version

    @property
    def local(self) -> str:
        """The local part of the version (`cu126`), "" without one."""
        return self.full_version.partition("+")[2]


@dataclass(frozen=True, kw_only=True)
class TorchText:
    """What `torch/version.py` states, read as text; None for what it does not state."""

    version: str | None
    cuda: str | None
    hip: str | None
    xpu: str | None


@dataclass(frozen=True, kw_only=True)
class SharedPath:
    """A file that several installed distributions claim with different contents."""

    package: str  # the import package: "triton", "nvidia/nccl"
    owners: tuple[str, ...]
    files: int


@dataclass(frozen=True, kw_only=True)
class Environment:
    """An environment. `python` and `free_threaded` are None where they could not be read.

    `kind` is `venv`, `conda` or `system`; `chosen` names what led to it (`.venv`, `--python`,
    `VIRTUAL_ENV`, `CONDA_PREFIX`). `conda` are names and versions of conda's own packages around
    torch; `leftovers` folders that an interrupted install left behind.
    """

    root: str
    kind: Literal["venv", "conda", "system"]
    chosen: str
    python: str | None
    free_threaded: bool | None
    site: tuple[str, ...]
    packages: tuple[Distribution, ...] = ()
    torch: TorchText | None = None
    shared: tuple[SharedPath, ...] = ()
    conda: tuple[tuple[str, str], ...] = ()
    leftovers: tuple[str, ...] = ()

    def get(self, name: str) -> Distribution | None:
        return next((package for package in self.packages if package.name == name), None)


@dataclass(frozen=True, kw_only=True)
class LockedPackage:
    """A package of a lock: `index` the registry URL, None for other sources; `markers` the forks
    for which this version stands, () for all."""

    name: str
    version: str
    index: str | None
    markers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Lock:
    path: str
    packages: tuple[LockedPackage, ...]

    def named(self, name: str) -> tuple[LockedPackage, ...]:
        return tuple(package for package in self.packages if package.name == name)


@dataclass(frozen=True, kw_only=True)
class HostFiles:
    """What lies on a host around the drivers, for the doctor alone.

    `compat` are versions of libcuda in a CUDA compat folder; `kernel_driver` the version of the
    loaded NVIDIA module and `library_driver` that of the libcuda on the loader's path. `toolkit` is
    the CUDA toolkit that compiles (`12.4`), `toolkit_path` where it stands. `denied` are device
    files that exist and may not be opened. `wsl_linux_driver` is a Linux libcuda inside WSL.
    `distribution` is the ID of os-release. `variables` are those that hide or replace facts.
    `before` are CUDA libraries in folders of LD_LIBRARY_PATH: folder, name (`nccl`), version.
    `shadow` is a folder of PYTHONPATH that holds a torch. `module` says what became of NVIDIA's
    kernel module: `loaded`, `built` (for this kernel, and not loaded), `source` (there to be built,
    and not built for this kernel); None where nothing shows it. `open_module` is True where the
    loaded one is NVIDIA's open one. `user_torch` are user site folders that hold a torch.
    `secure_boot` is None where the firmware does not say. `fabric` says whether the manager of an
    NVSwitch that is there runs.
    `unmapped` is the CUDA device file that a container lacks beside others. `runtime` says
    whether Windows has the C++ runtime.
    """

    compat: tuple[str, ...] = ()
    compat_path: str | None = None
    compat_active: bool = False
    kernel_driver: str | None = None
    library_driver: str | None = None
    toolkit: str | None = None
    toolkit_path: str | None = None
    denied: tuple[str, ...] = ()
    wsl_linux_driver: str | None = None
    distribution: str | None = None
    level_zero: str | None = None
    variables: tuple[tuple[str, str], ...] = ()
    before: tuple[tuple[str, str, str], ...] = ()
    shadow: str | None = None
    module: Literal["loaded", "built", "source"] | None = None
    open_module: bool | None = None
    user_torch: tuple[str, ...] = ()
    secure_boot: bool | None = None
    fabric: bool | None = None
    unmapped: str | None = None
    runtime: bool | None = None
