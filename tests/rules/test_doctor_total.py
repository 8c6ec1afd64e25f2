"""The doctor answers for any environment: no exception, and findings that make sense."""

import os

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accelsel.knowledge import load
from accelsel.knowledge.companions import faults, symptoms
from accelsel.knowledge.companions import load as companions
from accelsel.model.installed import (
    Distribution,
    Environment,
    HostFiles,
    Lock,
    LockedPackage,
    SharedPath,
    TorchText,
)
from accelsel.model.profile import Cpu, Drivers, Gpu, NvidiaDriver, Os, Profile, Python
from accelsel.rules.doctor import examine

EXAMPLES = min(int(os.environ.get("ACCELSEL_FUZZ_EXAMPLES", "40")), 5000)
NAMES = st.sampled_from(
    ["torch", "torchvision", "torchaudio", "triton", "triton-windows", "xformers", "flash-attn",
     "vllm", "nvidia-nccl-cu12", "nvidia-nccl-cu13", "torch-scatter", "deepspeed", "x"]
)  # fmt: skip
VERSIONS = st.one_of(
    st.sampled_from(["2.14.1", "2.14.1+cu126", "2.6.0+cu124", "2.1.2+pt25cu124", "0.21.0+cpu"]),
    st.from_regex(r"[0-9]{1,2}(\.[0-9]{1,2}){0,3}(a0)?(\+[a-z0-9.]{1,9})?", fullmatch=True),
    st.sampled_from(["", "not-a-version", "2024.1.dev0+gabc", "1.0.post1"]),
)
REQUIRES = st.sampled_from(
    ["torch", "torch==2.6.0", "torch (>=2)", "torch>=2; extra == 'x'", "triton==3.1.0",
     "nvidia-nccl-cu12==2.21.5; platform_system == 'Linux'", "torch @ https://x.example/t.whl",
     "numpy", "broken ==", "torch==2.6.0; python_version < '3'"]
)  # fmt: skip
TEXT = st.one_of(st.none(), st.text(max_size=12))
PACKAGES = st.builds(
    Distribution,
    name=NAMES,
    version=VERSIONS,
    folder=st.just("x"),
    requires=st.lists(REQUIRES, max_size=3).map(tuple),
    source=st.one_of(st.none(), st.just("https://h.example/a-1+cu12torch2.6cxx11abiTRUE-x.whl")),
    built=st.one_of(st.none(), VERSIONS),
    compiled=st.booleans(),
)
ENVIRONMENTS = st.builds(
    Environment,
    root=st.just("/env"),
    kind=st.sampled_from(["venv", "conda", "system"]),
    chosen=st.sampled_from([".venv", "--python"]),
    python=st.sampled_from([None, "3.12.3", "3.9", "4.0.0"]),
    free_threaded=st.sampled_from([None, True, False]),
    site=st.just(()),
    packages=st.lists(PACKAGES, max_size=6).map(tuple),
    torch=st.one_of(st.none(), st.builds(TorchText, version=TEXT, cuda=TEXT, hip=TEXT, xpu=TEXT)),
    shared=st.lists(
        st.builds(
            SharedPath,
            package=st.sampled_from(["triton", "nvidia/nccl", "test"]),
            owners=st.sampled_from([("triton", "triton-rocm"), ("a", "b")]),
            files=st.just(2),
        ),
        max_size=2,
    ).map(tuple),
)
GPUS = st.builds(
    Gpu,
    index=st.just(0),
    vendor=st.sampled_from(["nvidia", "amd", "intel"]),
    name=st.sampled_from([None, "NVIDIA GeForce RTX 3060"]),
    arch=st.sampled_from([None, "sm_86", "sm_61", "gfx1100", "gfx1036", "xe2", "strange"]),
    arch_source=st.none(),
    pci_id=st.none(),
    memory_bytes=st.none(),
    integrated=st.sampled_from([None, True, False]),
    usable=st.booleans(),
)
PROFILES = st.builds(
    Profile,
    state=st.sampled_from(["usable", "no-gpu", "gpu-without-driver", "driver-mismatch"]),
    os=st.builds(
        Os,
        system=st.sampled_from(["linux", "windows", "darwin"]),
        version=st.none(),
        release=st.none(),
        libc=st.none(),
        wsl=st.booleans(),
        container=st.sampled_from([None, "docker"]),
        jetson=st.none(),
    ),
    cpu=st.builds(Cpu, arch=st.sampled_from(["x86_64", "aarch64", "arm64"]), level=st.none()),
    python=st.just(Python(version="3.12.3", implementation="cpython", free_threaded=False)),
    drivers=st.sampled_from(
        [Drivers(), Drivers(nvidia=NvidiaDriver(version="535.1", cuda_version="12.2", source=None))]
    ),
    gpus=st.lists(GPUS, max_size=1).map(tuple),
)
FILES = st.builds(
    HostFiles,
    compat=st.sampled_from([(), ("550.54.15",), ("x",)]),
    compat_active=st.booleans(),
    kernel_driver=st.sampled_from([None, "535.1", "x"]),
    library_driver=st.sampled_from([None, "550.1"]),
    toolkit=st.sampled_from([None, "11.8", ""]),
    denied=st.sampled_from([(), ("/dev/kfd",)]),
    wsl_linux_driver=st.sampled_from([None, "470.1"]),
    distribution=st.sampled_from([None, "ubuntu", "nixos"]),
    variables=st.lists(
        st.tuples(st.sampled_from(["CUDA_VISIBLE_DEVICES", "UV_INDEX", "ACCELSEL_GPU_ARCH"]),
                  st.sampled_from(["", "0", "x"])), max_size=2
    ).map(tuple),
)  # fmt: skip
LOCKS = st.builds(
    Lock,
    path=st.just("uv.lock"),
    packages=st.lists(
        st.builds(
            LockedPackage,
            name=NAMES,
            version=VERSIONS,
            index=st.sampled_from([None, "https://download.pytorch.org/whl/cu126"]),
            markers=st.sampled_from([(), ("sys_platform == 'linux'",), ("broken",)]),
        ),
        max_size=3,
    ).map(tuple),
)
RECORDS = st.sampled_from(
    [None, {}, {"selections": [{"backend": "cu126", "torch": "2.14.1"}]}, {"selections": "odd"},
     {"selections": [{"backend": 3}, "x"], "written": ["x", {"is": 1}]}]
)  # fmt: skip


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    PROFILES, st.one_of(st.none(), ENVIRONMENTS), st.one_of(st.none(), LOCKS), RECORDS, FILES,
    st.sampled_from([None, "no kernel image", "Error 804", "undefined symbol: _ZN3c105", "x"]),
)  # fmt: skip
def test_examine_is_total(
    profile: Profile,
    environment: Environment | None,
    lock: Lock | None,
    record: dict[str, object] | None,
    files: HostFiles,
    error: str | None,
) -> None:
    report = examine(
        profile, load(), environment=environment, lock=lock, record=record, files=files,
        project="pyproject.toml" if record is not None else None, companions=companions(),
        requirements=("flash-attn", "torch>=2", "torch-scatter==2.1.2"), error=error,
        symptoms=symptoms(), faults=faults(),
    )  # fmt: skip
    order = {"error": 0, "warning": 1, "note": 2}
    ranks = [order[finding.severity] for finding in report.findings]
    assert ranks == sorted(ranks)
    for finding in report.findings:
        assert finding.what
        assert finding.where
        assert "None" not in finding.what.split()
