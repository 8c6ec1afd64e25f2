"""Hypothesis strategies: project files as people write them, in all the ways that TOML allows."""

import tomllib
from typing import Any

from hypothesis import strategies as st
from tests.project.cases import selection

from accelsel.model.plan import PinOptions, Shape
from accelsel.model.selection import Selection

COMMENTS = ("# a note", "#tight", "#   [tool.uv]", '# "torch", here', "#", "# ünïcode ✓")
REQUIREMENTS = (
    "torch", "torch>=2.5", "torch==2.5.1+cu124", "torch >= 2.4 , < 3", "Torch[opt]>=2.5",
    "torch>=2.6 ; sys_platform == 'linux'",
    "torch @ https://download.pytorch.org/whl/cu118/torch-2.2.1%2Bcu118-cp310-cp310-linux_x86_64.whl",
    "torchvision", "torchvision==0.20.1+cu124", "torchaudio>=2.5", "torch-geometric",
    "numpy", "requests[socks]>=2", "a.b_c", "pytorch-triton-rocm>=3.1 ; sys_platform == 'linux'",
    "foo @ git+https://example.org/foo@main",
)  # fmt: skip
FAMILY = ("torch", "torch==2.5.1+cu124", "torchvision>=0.20", "torchaudio")
URLS = (
    "https://download.pytorch.org/whl/cu126", "https://download.pytorch.org/whl/cu118",
    "https://download.pytorch.org/whl/cpu/", "https://mirror.example/whl/cu126",
    "https://private.example/simple",
)  # fmt: skip
SOURCES = (
    '{ index = "one" }', '{index="one"}',
    "{ index = 'two', marker = \"sys_platform == 'darwin'\" }",
    '{ git = "https://example.org/x" }', '{ path = "../x", editable = true }',
    ("[{ index = \"one\", marker = \"sys_platform == 'linux'\" },"
    " { index = 'two', marker = \"sys_platform == 'darwin'\" }]"),
    ("[\n    { index = \"one\", marker = \"sys_platform == 'linux'\" }, # one\n"
    "    # then\n    { index = 'two', marker = \"sys_platform != 'linux'\" },\n]"),
    '[{ index = "one", extra = "gpu" }]',
)  # fmt: skip
OTHERS = (
    "[tool.ruff]\nline-length = 100 # wide",
    '[tool.odd]\ntext = """\n[tool.uv]\n# no comment\nindex = []"""\nraw = \'\'\'it\'s\'\'\'',
    '[tool."quoted.name"]\n"key with blanks" = { a.b = 1, "c" = [1, 2, [3]] }',
    "[[tool.many.things]]\nx = 1\n\n[[tool.many.things]]\nx = 2\n[tool.many.things.inner]\ny = 3",
    "[build-system]\nrequires = ['hatchling']\nbuild-backend = 'hatchling.build'",
    ("[tool.dates]\na = 1979-05-27 07:32:00\nb = 1979-05-27T07:32:00Z\nc = 07:32:00\nd = +1_000\n"
    "e = 0xDEAD_beef\nf = -inf\ng = 6.02e+23"),
    '[tool.esc]\na = "q\\"uo\\\\te # no"\nb = "\\u00e9"\nc = """a"""""\nd = "#"',
    "  [tool.indented]\n  a = 1\n    b = [ 1,\n2 ]",
    "[tool.empty]",
    "[tool.accelsel]\nbackend = 'cu126'",
)  # fmt: skip


@st.composite
def arrays(draw: st.DrawFn, items: tuple[str, ...]) -> str:
    """An array of quoted strings in one of the usual layouts."""
    quoted = [
        f"'{i}'" if "'" not in i and draw(st.integers(0, 3)) == 0 else f'"{i}"' for i in items
    ]
    layout = draw(st.sampled_from(("line", "lines", "lines", "mixed", "leading", "wide")))
    if not quoted:
        return draw(st.sampled_from(("[]", "[ ]", "[\n]", "[\n    # none yet\n]")))
    if layout == "line":
        return "[" + ", ".join(quoted) + draw(st.sampled_from(("", ",", " "))) + "]"
    if layout == "wide":
        return "[ " + " , ".join(quoted) + " ]"
    if layout == "mixed":
        return "[" + ",\n  ".join(quoted) + "]"
    if layout == "leading":
        return "[\n    " + "\n  , ".join(quoted) + "\n]"
    indent = draw(st.sampled_from(("    ", "  ", "\t", "")))
    lines = ["["]
    for at, item in enumerate(quoted):
        if draw(st.integers(0, 4)) == 0:
            lines.append(indent + draw(st.sampled_from(COMMENTS)))
        comma = "," if at + 1 < len(quoted) or draw(st.booleans()) else ""
        note = "  " + draw(st.sampled_from(COMMENTS)) if draw(st.integers(0, 4)) == 0 else ""
        lines.append(indent + item + comma + note)
    if draw(st.integers(0, 4)) == 0:
        lines.append(indent + draw(st.sampled_from(COMMENTS)))
    return "\n".join((*lines, "]"))


@st.composite
def requirement_arrays(draw: st.DrawFn, *, torch: bool = False) -> str:
    """An array of requirements; with `torch` one of them is of the torch family."""
    items = draw(st.lists(st.sampled_from(REQUIREMENTS), max_size=4, unique=True))
    if torch:
        items = draw(st.permutations([*items, draw(st.sampled_from(FAMILY))]))
    return draw(arrays(tuple(items)))


@st.composite
def uv_keys(draw: st.DrawFn) -> list[tuple[str, str]]:
    """Keys of [tool.uv] with their values, sources and index left out."""
    choices = {
        "constraint-dependencies": draw(
            st.sampled_from(('["numpy<3"]', '["torch<2.9", "numpy<3"]', "[\n  # none\n]"))
        ),
        "override-dependencies": '["requests>=2"]',
        "index-strategy": '"unsafe-best-match"',
        "extra-index-url": draw(
            st.sampled_from(
                (
                    '["https://download.pytorch.org/whl/cu121"]',
                    '[\n  # pytorch\n  "https://download.pytorch.org/whl/cu121", # here\n]',
                    '["https://private.example/simple", "https://download.pytorch.org/whl/cu121"]',
                )
            )
        ),
        "environments": "[\"sys_platform == 'linux'\", \"sys_platform == 'darwin'\"]",
        "package": "false",
        "torch-backend": '"auto"',
    }
    names = draw(st.lists(st.sampled_from(sorted(choices)), max_size=4, unique=True))
    return [(name, choices[name]) for name in names]


@st.composite
def uv_blocks(draw: st.DrawFn) -> list[str]:
    """[tool.uv] with sources and indexes, in one of the ways to write them."""
    keys = draw(uv_keys())
    names = draw(
        st.lists(
            st.sampled_from(("torch", "torchvision", "Torch_Vision", "foo", "triton-rocm")),
            max_size=3,
            unique_by=lambda n: n.lower().replace("_", ""),
        )
    )
    sources = [(name, draw(st.sampled_from(SOURCES))) for name in names]
    count = draw(st.integers(0, 2))
    urls = draw(st.lists(st.sampled_from(URLS), min_size=count, max_size=count, unique=True))
    indexes = [
        [("name", f'"{name}"'), ("url", f'"{url}"')]
        + ([("explicit", "true")] if draw(st.booleans()) else [])
        for name, url in zip(("one", "two"), urls, strict=False)
    ]
    note = draw(st.sampled_from(("", "  # kept")))
    style = draw(st.sampled_from(("headers", "headers", "headers", "dotted", "inline", "spread")))
    flat = [s for s in sources if "\n" not in s[1]]
    index_line = "[" + ", ".join(_inline(i) for i in indexes) + "]"
    if style == "inline":
        parts = [f"{k} = {v}" for k, v in keys]
        parts += [f"sources = {_inline(sources)}"] * bool(sources)
        parts += [f"index = {index_line}"] * bool(indexes)
        return [f"[tool]\nuv = {{ {', '.join(parts)} }}{note}"]
    if style == "dotted":
        lines = [f"uv.{k} = {v}{note}" for k, v in keys]
        lines += [f"uv.sources.{k} = {v}" for k, v in sources]
        lines += [f"uv.index = {index_line}"] * bool(indexes)
        return ["\n".join(("[tool]", *lines))] if lines else []
    blocks: list[str] = []
    if draw(st.booleans()) or keys:
        blocks.append("\n".join(("[tool.uv]", *(f"{k} = {v}{note}" for k, v in keys))))
    if style == "spread":
        blocks += [
            f"[tool.uv.sources.{k}]\n" + v.strip("{} ").replace(", ", "\n", 1)
            for k, v in flat
            if v.startswith("{") and "marker" not in v
        ]
        if indexes and keys:
            blocks[0] += f"\nindex = {index_line}"
    else:
        if sources:
            blocks.append(
                "\n".join(("[tool.uv.sources]", *(f"{k} = {v}{note}" for k, v in sources)))
            )
        blocks += [
            "\n".join(("[[tool.uv.index]]" + note, *(f"{k} = {v}" for k, v in index)))
            for index in indexes
        ]
    return blocks


def _inline(pairs: list[tuple[str, str]]) -> str:
    return "{ " + ", ".join(f"{k} = {v}" for k, v in pairs) + " }" if pairs else "{}"


@st.composite
def files(draw: st.DrawFn) -> str:
    """A file that requires something of the torch family."""
    place = draw(st.sampled_from(("dependencies", "dependencies", "gpu", "dev")))
    project = [
        '[project]\nname = "demo"\nversion = "1"',
        "requires-python = '>=3.11'",
        f"dependencies = {draw(requirement_arrays(torch=place == 'dependencies'))}",
    ]
    blocks: list[str] = ["\n".join(project)]
    if place == "gpu" or draw(st.booleans()):
        gpu = draw(requirement_arrays(torch=place == "gpu"))
        blocks.append(f'[project.optional-dependencies]\ngpu = {gpu}\ndocs = ["sphinx"]')
    if place == "dev" or draw(st.booleans()):
        dev = draw(requirement_arrays(torch=place == "dev"))
        groups = f"dev = {dev}\nlint = [{{ include-group = 'dev' }}, 'ruff']"
        blocks.append("[dependency-groups]\n" + groups)
    blocks += draw(st.lists(st.sampled_from(OTHERS), max_size=3, unique=True))
    blocks += draw(uv_blocks())
    pieces: list[str] = []
    for block in draw(st.permutations(blocks)):
        for _ in range(draw(st.integers(0, 2))):
            pieces += draw(st.sampled_from((("# on its own", ""), ("",), ("# above",), ("", ""))))
        pieces.append(block)
        if draw(st.integers(0, 3)) == 0:
            pieces.append(draw(st.sampled_from(COMMENTS)))
        if draw(st.integers(0, 5)):
            pieces.append("")
    text = "\n".join(pieces) + draw(st.sampled_from(("\n", "", "\n\n", "\n# the end", "\n   \n")))
    text = draw(st.sampled_from(("", "", "", "\ufeff"))) + text
    return text.replace("\n", "\r\n") if draw(st.integers(0, 3)) == 0 else text


def projects() -> st.SearchStrategy[str]:
    return files().filter(valid)


def valid(text: str) -> bool:
    try:
        tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError:
        return False
    return True


SELECTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"packages": [{"name": "torchvision", "specifier": ">=0.21", "index": "pytorch-cu126"}]},
    {
        "backend": "rocm7.2", "platforms": ["linux-x86_64"], "specifier": "<2.15",
        "packages": [
            {"name": "triton-rocm", "specifier": ">=0", "index": "pytorch-rocm7.2",
             "kind": "triton", "constrain": True},
            {"name": "torch-geometric", "kind": "extension", "match_runtime": True,
             "build_variables": {"A": "1"}, "requires_dist": []},
        ],
    },
    {"backend": "default", "index": None, "platforms": ["macos-arm64"], "specifier": "<2.16"},
    {"backend": "cpu", "platforms": ["linux-x86_64", "linux-aarch64", "windows-amd64"],
     "excludes": ["triton"]},
    {"backend": "amd", "platforms": ["linux-x86_64"], "extras": ["device-gfx1031"],
     "index": {"name": "amd", "url": "https://amd.example/whl/"}},
    {"backend": "cu132", "platforms": ["linux-x86_64", "linux-aarch64"], "since": "3.10",
     "packages": [{"name": "xformers", "specifier": "==0.0.40", "index": "pytorch-cu132",
                   "constrain": True}]},
)  # fmt: skip


VARIANTS: tuple[tuple[int, ...], ...] = ((4, 0, 2), (0, 4), (2,))
Pin = tuple[tuple[Selection, ...], PinOptions]


_MADE = [selection(facts) for facts in SELECTIONS]
_SHAPES: tuple[Shape, ...] = ("groups", "extras")
PINS: tuple[Pin, ...] = (
    *(((each,), PinOptions(request={"torch": ">=2.6"})) for each in _MADE),
    *(
        (tuple(_MADE[at] for at in several), PinOptions(shape=shape))
        for several in VARIANTS
        for shape in _SHAPES
    ),
)


def pins() -> st.SearchStrategy[Pin]:
    """What to pin: one backend, or several as groups or extras."""
    return st.sampled_from(PINS)
