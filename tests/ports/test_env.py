"""Variables in six forms: what a reader of that form makes of them is what went in."""

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelsel.model.errors import AccelselError
from accelsel.ports.env import FORMS, render

PLAIN = {"UV_TORCH_BACKEND": "cu126", "UV_CONSTRAINT": "/home/me/.cache/x.txt"}
FISH = shutil.which("fish")
ODD = "a b'c\"d$e`f\\g;h#i"


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("sh", "unset OLD\nexport A=cu126\nexport B='x y'\n# why\n"),
        ("fish", "set -e OLD\nset -gx A 'cu126'\nset -gx B 'x y'\n# why\n"),
        (
            "powershell",
            "Remove-Item -ErrorAction Ignore Env:OLD\n$Env:A = 'cu126'\n$Env:B = 'x y'\n# why\n",
        ),
        ("dotenv", 'A=cu126\nB="x y"\n# why\n'),
        ("github", "A=cu126\nB=x y\n"),
        ("docker", 'ARG A=cu126\nENV A=${A}\nARG B="x y"\nENV B=${B}\n# why\n'),
    ],
)
def test_forms(form: str, expected: str) -> None:
    text = render(form, {"A": "cu126", "B": "x y"}, comments=["why"], unset=["OLD"])
    assert text == expected
    assert form in FORMS


@given(st.text(st.characters(codec="utf-8", exclude_characters="\n\0\r"), max_size=20))
def test_a_shell_reads_back_what_was_meant(value: str) -> None:
    text = render("sh", {"VALUE": value}, comments=["a $(comment) `of` 'any' kind"])
    done = subprocess.run(
        ["/bin/sh", "-c", f'{text}\nprintf %s "$VALUE"'], capture_output=True, check=True
    )
    assert done.stdout.decode() == value


@pytest.mark.skipif(FISH is None, reason="fish is not installed")
def test_fish_reads_back_what_was_meant() -> None:
    text = render("fish", {"VALUE": ODD})
    done = subprocess.run(
        [FISH or "fish", "-N", "-c", f'{text}\nprintf %s "$VALUE"'], capture_output=True, check=True
    )
    assert done.stdout.decode() == ODD


@pytest.mark.parametrize("form", FORMS)
def test_a_value_of_several_lines_is_refused(form: str) -> None:
    with pytest.raises(AccelselError) as caught:
        render(form, {"A": "x\ny"})
    assert caught.value.code == 2


@pytest.mark.parametrize("form", FORMS)
def test_a_comment_stays_one_line(form: str) -> None:
    text = render(form, PLAIN, comments=["two\nlines $(rm -rf /)"])
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert all("rm -rf" not in line for line in lines)
