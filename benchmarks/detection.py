"""Detectors: megabytes a second, the time for one chunk, what the layer adds to the start, and verdicts on commands."""

from __future__ import annotations

import statistics
import sys

from benchmarks import corpus, tasks
from benchmarks.report import Figure
from benchmarks.station import Bench, median_ms

GROUP = "Detectors (those that are on by default)"
#: Steps of the run that are looked at: enough for the rare long ones, little enough for the wait.
STEPS, FEW_STEPS = 20_000, 4_000
#: What the station imports of the layer on its way to the first frame.
LAYER = "import review_tui.detection, labels.blind, labels.queues"
BELOW = "import labels.views, sessions.catalog, sessions.chunks, sessions.importing"


def measure(bench: Bench) -> list[Figure]:
    steps = str(bench.times(STEPS, FEW_STEPS))
    found = []
    for shape in corpus.SHAPES:
        db = bench.ready(corpus.corpus(shape), finished=False)
        floor, taken = tasks.run("read_back", db, steps), tasks.run("detect", db, steps)
        speed, low = taken["mb"] / taken["s"], floor["mb"] / floor["s"]
        note = f"{taken['mb']:.0f} MB in {taken['s']:.1f} s, {taken['found']:.0f} suggestions; goal 10"
        found += [
            Figure(
                GROUP, f"{shape}: throughput", speed, "MB/s", 3, low, "steps read back", note=note, more_is_better=True
            ),
            Figure(GROUP, f"{shape}: chunk of 5 steps, p50", taken["p50_ms"], "ms"),
            Figure(
                GROUP, f"{shape}: chunk of 5 steps, p99", taken["p99_ms"], "ms", 20, note=f"max {taken['max_ms']:.0f}"
            ),
        ]
    times = bench.times(15, 5)
    without = median_ms([sys.executable, "-c", BELOW], times)
    with_it = median_ms([sys.executable, "-c", f"{BELOW}; {LAYER}"], times)
    start = statistics.median(
        [tasks.run("start_detection", bench.ready(corpus.corpus("codex")))["s"] for _ in range(5)]
    )
    added = max(0.0, with_it - without) + start * 1000
    note = f"imports {with_it - without:.1f} ms, starting its process {start * 1000:.1f} ms (after the first frame)"
    found.append(Figure(GROUP, "what it adds to the start of the station", added, "ms", 20, note=note))
    command = tasks.run("judge_commands", bench.main_run)
    note = f"{command['n']:.0f} commands of a run, {command['unique']:.0f} of them different"
    found.append(Figure(GROUP, "verdict on a command, mean", command["us"], "µs", note=note))
    return found
