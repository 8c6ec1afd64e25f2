import json
from pathlib import Path
from typing import Any

import pytest
from tests.kit.hosts import world

from accelsel.model.errors import AccelselError
from accelsel.probe import replay
from accelsel.probe.replay import SCHEMA, RecordedWorld

UNAME = {"system": "linux", "release": "6.8.0", "machine": "x86_64"}


def test_files_folders_and_links() -> None:
    seen = world(
        files={"/a/b/c": "text\n", "/a/d": ["one", "two"]},
        dirs={"/empty": [], "/named": ["x"]},
        links={"/a/link": "../somewhere"},
        access={"/dev/kfd": "rw", "/dev/dri/renderD128": ""},
        errors={"/a/secret": "EACCES"},
    )
    assert seen.read_text("/a/b/c") == "text\n"
    assert seen.read_text("/a/d") == "one\ntwo\n"
    assert seen.read_bytes("/a/b/c", 2) == b"te"
    assert seen.list_dir("/a") == ("b", "d", "link", "secret")
    assert seen.list_dir("/empty") == ()
    assert seen.list_dir("/named") == ("x",)
    assert seen.read_link("/a/link") == "../somewhere"
    assert [path for path in ("/a", "/a/b", "/a/b/c", "/a/secret", "/b") if seen.exists(path)] == [
        "/a",
        "/a/b",
        "/a/b/c",
        "/a/secret",
    ]
    assert seen.writable("/dev/kfd")
    assert not seen.writable("/dev/dri/renderD128")
    assert not seen.writable("/a/d")


@pytest.mark.parametrize("path", ["/none", "/a", "../a/b", "/a/../a/b", ""])
def test_what_is_not_in_it_is_absent(path: str) -> None:
    seen = world(files={"/a/b": ""})
    with pytest.raises(FileNotFoundError):
        seen.read_text(path)
    with pytest.raises(FileNotFoundError):
        seen.read_link(path)


def test_no_folder() -> None:
    with pytest.raises(FileNotFoundError):
        world(files={"/a/b": ""}).list_dir("/a/b")


def test_refusal() -> None:
    seen = world(errors={"/a": "EPERM", "/b": "EIO", "/c": "NONSENSE"})
    with pytest.raises(PermissionError):
        seen.read_text("/a")
    with pytest.raises(PermissionError):
        seen.list_dir("/a")
    for path in ("/b", "/c"):
        with pytest.raises(OSError, match="Input/output"):
            seen.read_text(path)


def test_commands_and_libraries() -> None:
    seen = world(
        commands=[{"argv": ["a", "-b"], "code": 3, "out": ["x", "y"], "err": "e"}],
        streams={"nvml": {"records": [{"call": "init"}], "status": "timeout", "detail": "slow"}},
    )
    done = seen.run(("a", "-b"), 1.0)
    assert (done.status, done.code, done.out, done.err) == ("ok", 3, "x\ny\n", "e")
    assert seen.run(("a",), 1.0).status == "absent"
    streamed = seen.stream("nvml", 1.0)
    assert (streamed.status, streamed.detail, len(streamed.records)) == ("timeout", "slow", 1)
    assert seen.stream("cuda", 1.0).status == "absent"


@pytest.mark.parametrize(
    ("parts", "named"),
    [
        pytest.param({"schema": "accelsel.host/2"}, "schema", id="another-schema"),
        pytest.param({"uname": {}}, "uname lacks system", id="uname-without-system"),
        pytest.param({"uname": {**UNAME, "release": 6}}, "uname['release']", id="uname-number"),
        pytest.param({"files": []}, "files", id="files-list"),
        pytest.param({"files": {"/a": 1}}, "files['/a']", id="file-number"),
        pytest.param({"files": {"/a": ["x", 1]}}, "files['/a']", id="file-mixed-lines"),
        pytest.param({"dirs": {"/a": "b"}}, "dirs['/a']", id="dir-text"),
        pytest.param({"links": {"/a": None}}, "links['/a']", id="link-null"),
        pytest.param({"access": {"/a": True}}, "access['/a']", id="access-bool"),
        pytest.param({"env": {"A": 1}}, "env['A']", id="env-number"),
        pytest.param({"commands": {}}, "commands", id="commands-object"),
        pytest.param({"commands": [[]]}, "commands[0]", id="command-list"),
        pytest.param({"commands": [{}]}, "commands[0].argv", id="command-without-argv"),
        pytest.param({"commands": [{"argv": ["a"], "code": "0"}]}, "commands[0].code", id="code"),
        pytest.param(
            {"commands": [{"argv": ["a"], "status": "fine"}]}, "commands[0].status", id="status"
        ),
        pytest.param({"streams": {"nvml": []}}, "streams['nvml']", id="stream-list"),
        pytest.param({"streams": {"nvml": {"records": [1]}}}, "records", id="records"),
        pytest.param({"streams": {"nvml": {"detail": 1}}}, "detail", id="detail"),
        pytest.param({"streams": {"nvml": {"status": []}}}, "status", id="stream-status"),
        pytest.param({"python": 3}, "python", id="python-number"),
    ],
)
def test_parts_of_a_wrong_type(parts: dict[str, Any], named: str, tmp_path: Path) -> None:
    document = {"schema": SCHEMA, "uname": UNAME, **parts}
    (tmp_path / "host.json").write_text(json.dumps(document))
    with pytest.raises(AccelselError) as caught:
        RecordedWorld(tmp_path)
    assert (caught.value.code, caught.value.kind) == (2, "bad-recording")
    assert named in caught.value.message
    assert caught.value.where == str(tmp_path / "host.json")


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"null", b"{", b"\xff\xfe", b"[" * 100_000, b'"text"', b"{}"],
    ids=["empty", "list", "null", "broken", "no-text", "deep", "string", "no-schema"],
)
def test_no_recording(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "host.json").write_bytes(content)
    with pytest.raises(AccelselError, match="recording"):
        RecordedWorld(tmp_path)


def test_no_folder_at_all(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "none", "\0"):
        with pytest.raises(AccelselError) as caught:
            RecordedWorld(place)
        assert caught.value.code == 2


def test_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "SIZE_LIMIT", 1 << 20)
    (tmp_path / "host.json").write_bytes(b" " * ((1 << 20) + 1))
    with pytest.raises(AccelselError, match="larger than 1 MiB"):
        RecordedWorld(tmp_path)


def test_unknown_keys_are_ignored() -> None:
    assert not world(later={"x": 1}, title="a host").exists("/x")
