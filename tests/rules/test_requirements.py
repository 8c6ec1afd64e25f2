"""Requirement strings of a request, in every form that PEP 508 has."""

import pytest

from accelsel.rules.requirements import parsed


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Flash_Attn", ("flash-attn", "", (), False)),
        ("flash-attn >= 2.8, < 3", ("flash-attn", "<3,>=2.8", (), False)),
        ("flash-attn==2.8.1rc1", ("flash-attn", "==2.8.1rc1", (), False)),
        ("vllm[audio,flashinfer]>=0.9", ("vllm", ">=0.9", ("audio", "flashinfer"), False)),
        ("vllm (>=0.9)", ("vllm", ">=0.9", (), False)),
        ("vllm @ https://example.com/vllm.whl", ("vllm", "", (), True)),
        ("vllm>=0.9 ; sys_platform == 'linux'", ("vllm", ">=0.9", (), False)),
        ("vllm>=0.9 ; sys_platform == 'win32'", None),
    ],
)
def test_a_requirement_in_any_form(
    text: str, read: tuple[str, str, tuple[str, ...], bool] | None
) -> None:
    found = [
        (w.name, w.specifier, w.extras, w.direct) for w in parsed((text,), "linux-x86_64", None)
    ]
    assert found == ([read] if read else [])
