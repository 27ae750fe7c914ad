"""What cannot be avoided, measured in the same run: Python itself, a minimal Textual app, a program that only echoes.

python -m benchmarks.floors echo    answers each key with a frame of 13 kB
python -m benchmarks.floors app     a Textual app of one widget, whose lines move on j
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

from benchmarks.pty_driver import Terminal
from benchmarks.report import Figure, percentile
from benchmarks.station import Bench, median_ms

PROGRAMS = str(Path(__file__).with_name("programs.py"))


def measure(bench: Bench) -> list[Figure]:
    """Fills bench.floors (ms): python, sqlite, textual, echo_p50/p99, app, app_p50/p99."""
    times = bench.times(11, 5)
    floors = bench.floors
    floors["python"] = median_ms([sys.executable, "-c", "pass"], times)
    floors["sqlite"] = median_ms([sys.executable, "-c", "import sqlite3"], times)
    floors["click"] = median_ms([sys.executable, "-c", "import click"], times)
    keys = bench.times(200, 60)
    paints = _keys("echo", keys)
    floors["echo_p50"], floors["echo_p99"] = statistics.median(paints) * 1000, percentile(paints, 0.99) * 1000
    starts = []
    for _ in range(times):
        with Terminal([sys.executable, PROGRAMS, "app"]) as terminal:
            starts.append(terminal.wait_for(r"row 39", timeout=20))
    floors["app"] = statistics.median(starts) * 1000
    paints = _keys("app", keys)
    floors["app_p50"], floors["app_p99"] = statistics.median(paints) * 1000, percentile(paints, 0.99) * 1000
    group = "Floors"
    return [
        Figure(group, "python -c pass", floors["python"], "ms"),
        Figure(group, "python -c 'import sqlite3'", floors["sqlite"], "ms"),
        Figure(group, "python -c 'import click'", floors["click"], "ms"),
        Figure(
            group,
            "minimal Textual app: start to frame",
            floors["app"],
            "ms",
            note=f"n={times}, min {min(starts) * 1000:.0f}",
        ),
        Figure(group, "minimal Textual app: key to paint, p50", floors["app_p50"], "ms"),
        Figure(group, "minimal Textual app: key to paint, p99", floors["app_p99"], "ms"),
        Figure(group, "echo of 13 kB in the pty, p50", floors["echo_p50"], "ms"),
        Figure(
            group, "echo of 13 kB in the pty, p99", floors["echo_p99"], "ms", note="what the machine's other work adds"
        ),
    ]


def _keys(program: str, count: int) -> list[float]:
    with Terminal([sys.executable, PROGRAMS, program]) as terminal:
        terminal.wait_for(r"row 39", timeout=20)
        terminal.drain(0.3)
        return [terminal.press("j").last for _ in range(count)]
