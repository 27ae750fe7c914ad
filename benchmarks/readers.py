"""Megabytes a second: each reader alone, and the whole way into the store, beside what parsing alone takes."""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks import corpus, formats, peers, reading, tasks
from benchmarks.report import Figure, number
from benchmarks.station import Bench

GROUP = f"Every reader ({formats.MEGABYTES} MB each, per second of the processor)"
#: So long a peer may take for a file.
PATIENCE_S = 90
#: Other programs that read a format, and how (`reading.WAYS`).
PEERS: dict[str, tuple[str, ...]] = {
    "claude-code": ("claude-code-log", "toolong"),
    "codex": ("claude-code-log", "toolong"),
    "openai-chat": ("toolong",),
    "inspect": ("inspect-ai",),
}


def measure(bench: Bench) -> list[Figure]:
    found: list[Figure] = []
    for shape in corpus.SHAPES:
        found += _shape(bench, shape)
    for name in formats.names():
        found += _format(bench, name)
    return found


def _shape(bench: Bench, shape: str) -> list[Figure]:
    """The way into the store, for the three shapes that have a corpus of 100 MB."""
    times, found = bench.times(3, 1), []
    path = corpus.corpus(shape)
    size = path.stat().st_size / 1e6
    speed = {
        task: size / statistics.median(tasks.run(task, path)["s"] for _ in range(times))
        for task in ("read_bytes", "parse_orjson", "parse_json", "insert", "drain_reader", "import_whole")
    }
    group = f"Reading {shape} ({size:.0f} MB)"
    rows = (
        ("read the file", "read_bytes", None, ""),
        ("json.loads of each line", "parse_json", None, ""),
        ("orjson.loads of each line", "parse_orjson", None, ""),
        ("read + orjson + sqlite3 insert", "insert", None, ""),
        ("the reader alone", "drain_reader", "parse_orjson", "orjson"),
        ("import: reader, identity, store", "import_whole", "insert", "orjson + sqlite3"),
    )
    for what, task, floor, name in rows:
        budget = 100 / 1.5 if task == "import_whole" else None
        note = f"{size / speed[task]:.2f} s"
        low = speed[floor] if floor else None
        found.append(Figure(group, what, speed[task], "MB/s", budget, low, name, note=note, more_is_better=True))
    return found


def _format(bench: Bench, format: str) -> list[Figure]:
    """One reader beside `orjson` (for text: its bytes decoded), `json` and the peers, all on the same file."""
    path = formats.large(format)
    if path is None:
        return [Figure(GROUP, format, float("nan"), "MB/s", note="no real file to make one of (../shared/data)")]
    python = _python(bench, format)
    if python is None:
        return [Figure(GROUP, format, float("nan"), "MB/s", note="needs inspect_ai here, or --peers")]
    size = formats.size_of(path) / 1e6

    def speed(way: str, python: Path, times: int) -> dict[str, float]:
        tries = [reading.run(way, path, format, python) for _ in range(times)]
        return min(tries, key=lambda tried: tried["s"])

    ours = speed("ours", python, bench.times(3, 1))
    here = Path(sys.executable)
    floor_way = "decoded" if format == "text" else "with_orjson"
    if format == "inspect":  # a zip: its own library is the floor
        floor, floor_name, beside = speed("inspect_ai", python, 1), "inspect_ai", []
    else:
        floor, floor_name = speed(floor_way, here, bench.times(3, 1)), {"decoded": "decode"}.get(floor_way, "orjson")
        json = [] if format == "text" else [f"json {number(size / speed('with_json', here, 1)['s'])}"]
        beside = json + [_peer(peer, path, format, size) for peer in PEERS.get(format, ()) if bench.peers]
    note = f"{size:.0f} MB, {ours['runs']:.0f} runs, {ours['steps']:.0f} steps; first step after "
    note += f"{ours['first_s'] * 1000:.0f} ms; memory {ours['peak_mb']:.0f} MB; {formats.made_of(format)}"
    if ours["problems"]:
        note += f"; {ours['problems']:.0f} problems"
    at = size / ours["s"]
    return [
        Figure(
            GROUP, format, at, "MB/s", None, size / floor["s"], floor_name, "; ".join(beside), note, more_is_better=True
        )
    ]


def _python(bench: Bench, format: str) -> Path | None:
    """The interpreter that has what the reader needs."""
    if format != "inspect":
        return Path(sys.executable)
    try:
        import inspect_ai  # noqa: F401
    except ImportError:
        if not bench.peers:
            return None
        return peers.python_with("inspect-ai", "-e", str(Path(__file__).parents[1]))
    return Path(sys.executable)


def _peer(peer: str, path: Path, format: str, size: float) -> str:
    try:
        taken = reading.run(peer.replace("-", "_"), path, format, peers.python_with(peer), PATIENCE_S)
    except subprocess.TimeoutExpired:
        return f"{peer}: not in {PATIENCE_S} s"
    except (subprocess.SubprocessError, OSError) as error:
        return f"{peer}: {type(error).__name__}"
    return f"{peer} {number(taken.get('bytes', size * 1e6) / 1e6 / taken['s'])}"
