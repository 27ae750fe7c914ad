"""What the tests of Claude Code's and Codex's readers share: writing logs, reading them, damaging them."""

import copy
import json
from pathlib import Path

from hypothesis import strategies as st

from sessions.readers import collect
from sessions.readers.base import Source
from sessions.run import Problem, Span, Step


def write(path: Path, lines) -> Path:
    """Write a log: dicts as compact JSON, strings and bytes as they are, a newline behind each."""
    rows = [line if isinstance(line, bytes) else _row(line) for line in lines]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(row + b"\n" for row in rows))
    return path


def _row(line) -> bytes:
    text = line if isinstance(line, str) else json.dumps(line, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")


def runs_of(reader, path: Path):
    """Runs and problems of a file. The first record must be a Header (collect insists on it for steps)."""
    return collect(reader.read(Source(path)))


def one_run(reader, path: Path):
    (run,), problems = runs_of(reader, path)
    assert problems == []
    return run


def shape(steps):
    """Steps as (actor, kinds of parts): what a trace looks like at a glance."""
    return [(step.actor, [part.kind for part in step.parts]) for step in steps]


def unaccounted(path: Path, records) -> list[bytes]:
    """Non-blank lines of the file that are in no step's raw spans and in no problem, counted with our own split."""
    spans, lines = set(), set()
    for record in records:
        if isinstance(record, Step):
            spans |= {(raw.offset, raw.length) for raw in record.raw if isinstance(raw, Span) and raw.file == 0}
        elif isinstance(record, Problem):
            lines.add(record.line)
    missing, offset = [], 0
    for number, row in enumerate(path.read_bytes().split(b"\n"), 1):
        body = row.rstrip(b"\r")
        if body.strip() and number not in lines and (offset, len(body)) not in spans:
            missing.append(body)
        offset += len(row) + 1
    return missing


JUNK = st.sampled_from(
    [
        None,
        0,
        -1,
        2**70,
        True,
        False,
        1.5,
        "",
        "x",
        "\u202e\x1b[31m",
        [],
        {},
        [[]],
        [None, 1, "a"],
        {"type": 5},
        {"a": [{}]},
    ]
) | st.integers(200, 1200).map(lambda depth: ("deep", depth))
_WRONG_LINES = [
    b"{",
    b"null",
    b"7",
    b'"text"',
    b"[]",
    b"[{}]",
    b"{}",
    b"\xff\xfe{",
    b'{"type":',
    b"\x00",
    b'{"type":NaN}',
]


@st.composite
def damaged(draw, lines):
    """A list of rows made from real lines: some dropped, doubled, moved, cut, with keys gone or values swapped."""
    chosen = draw(st.lists(st.sampled_from(range(len(lines))), min_size=1, max_size=14))
    if draw(st.booleans()):
        chosen = sorted(chosen)
    return [_damage(draw, lines[index]) for index in chosen]


def _damage(draw, line) -> bytes:
    how = draw(st.sampled_from(["none", "keys", "keys", "keys", "cut", "garbage", "insert"]))
    if how == "garbage":
        return draw(st.sampled_from(_WRONG_LINES) | st.binary(max_size=30).map(lambda data: data.replace(b"\n", b"")))
    if how == "keys":
        line = copy.deepcopy(line)
        for _ in range(draw(st.integers(1, 3))):
            line = _swap(draw, line)
    row = _nested(json.dumps(line, separators=(",", ":"))).encode()
    if how == "cut":
        return row[: draw(st.integers(0, len(row)))]
    if how == "insert":
        place = draw(st.integers(0, len(row)))
        return row[:place] + draw(st.sampled_from([b"\xff", b'"', b"}", b"\\ud800", b"\x1b[0m"])) + row[place:]
    return row


def _swap(draw, line):
    if not isinstance(line, dict):
        return line
    *way, last = draw(st.sampled_from(list(_paths(line))))
    target = line
    for key in way:
        target = target[key]
    if isinstance(target, dict) and draw(st.booleans()):
        target.pop(last)
    else:
        junk = copy.deepcopy(draw(JUNK))  # a later swap may reach into it
        target[last] = f"@deep{junk[1]}@" if isinstance(junk, tuple) else junk
    return line or {"type": None}


def _paths(value, way=()):
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        yield (*way, key)
        if isinstance(item, (dict, list)):
            yield from _paths(item, (*way, key))


def _nested(text: str) -> str:
    """Deep nesting is written as text, because json.dumps gives up on it."""
    while "@deep" in text:
        before, _, rest = text.partition('"@deep')
        depth, _, after = rest.partition('@"')
        text = before + "[" * int(depth) + "]" * int(depth) + after
    return text
