"""Documents in: what is read, and what is refused in one line."""

import json
from typing import Any

import pytest

from accelsel.model.errors import AccelselError
from accelsel.model.profile import Cpu, Gpu, Libc, NvidiaDriver, Os, Profile, Python
from accelsel.ports import parse
from accelsel.ports.documents import document


def host() -> Profile:
    from accelsel.model.profile import Drivers

    return Profile(
        state="usable",
        os=Os(
            system="linux",
            version="24.04",
            release="6.8.0",
            libc=Libc(family="glibc", version="2.39"),
            wsl=False,
            container=None,
            jetson=None,
        ),
        cpu=Cpu(arch="x86_64", level="x86-64-v3"),
        python=Python(version="3.12.3", implementation="cpython", free_threaded=False),
        drivers=Drivers(
            nvidia=NvidiaDriver(version="580.65.06", cuda_version="13.0", source="nvml")
        ),
        gpus=(
            Gpu(
                index=0,
                vendor="nvidia",
                name="NVIDIA GeForce RTX 3060",
                arch="sm_86",
                arch_source="nvml",
                pci_id="10de:2487",
                memory_bytes=12884901888,
                integrated=False,
                usable=True,
            ),
        ),
    )


def text(**changes: Any) -> str:
    return json.dumps({**document("profile", host()), **changes})


def test_a_document_gives_back_its_value() -> None:
    assert parse.profile(text(), "p.json") == host()


def test_unknown_keys_are_ignored() -> None:
    gpu = {**document("profile", host())["gpus"][0], "future": {"a": 1}}
    assert parse.profile(text(gpus=[gpu], later=[1]), "p.json") == host()


def test_absent_nullable_keys_are_null() -> None:
    data = json.loads(text())
    del data["notes"], data["probes"], data["drivers"]["amd"], data["gpus"][0]["note"]
    del data["os"]["jetson"]
    assert parse.profile(json.dumps(data), "p.json") == host()


@pytest.mark.parametrize(
    ("body", "kind", "word"),
    [
        ("", "invalid-json", "not a JSON document"),
        ("{", "invalid-json", "not a JSON document"),
        ("[" * 100_000, "invalid-json", "nested too deeply"),
        ("9" * 5_000, "invalid-json", "too many digits"),
        ("[]", "wrong-schema", "without a schema"),
        ("{}", "wrong-schema", "without a schema"),
        (text(schema="accelsel.profile/2"), "wrong-schema", "accelsel.profile/2"),
        (text(schema="accelsel.selection/1"), "wrong-schema", "accelsel.selection/1"),
        (text(state="fine"), "invalid-document", "state"),
        (text(gpus={}), "invalid-document", "gpus"),
        (text(gpus=[{"index": "0"}]), "invalid-document", "gpus.0"),
        (text(cpu=None), "invalid-document", "cpu"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else None,
)
def test_bad_documents(body: str, kind: str, word: str) -> None:
    with pytest.raises(AccelselError) as caught:
        parse.profile(body, "p.json")
    assert (caught.value.code, caught.value.kind) == (2, kind)
    assert word in caught.value.message
    assert "\n" not in caught.value.message
    assert "p.json" in (caught.value.where or "")


def test_no_key_of_the_contract_is_missing_from_a_document() -> None:
    assert list(document("profile", host()))[:9] == [
        "schema", "state", "os", "cpu", "python", "drivers", "gpus", "probes", "notes",
    ]  # fmt: skip
