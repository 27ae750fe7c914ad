"""`python -m benchmarks`: measure what the design promises, and print it beside budgets, floors and peers.

A benchmark reports. It never fails because something was slow; it exits 1 only where something did not work at all.
"""

from __future__ import annotations

import argparse
import json
import time
import traceback
from collections.abc import Callable
from datetime import date
from pathlib import Path

from benchmarks import (
    coding,
    corpus,
    detection,
    floors,
    gates,
    gold,
    gold_release,
    insights,
    keys,
    live,
    memory,
    peers,
    queues,
    readers,
    search,
    sizes,
    start,
    workspace,
)
from benchmarks.page import page
from benchmarks.report import Figure, as_json, machine, table
from benchmarks.station import Bench

BENCHES: dict[str, Callable[[Bench], list[Figure]]] = {
    "commands": start.commands,
    "cold": start.cold,
    "unseen": start.unseen,
    "moving": keys.moving,
    "importing": keys.importing,
    "giants": keys.giants,
    "deciding": keys.deciding,
    "queues": queues.measure,
    "search": search.measure,
    "detectors": detection.measure,
    "gates": gates.measure,
    "workspace": workspace.measure,
    "live": live.measure,
    "agreement": gold.measure,
    "release": gold_release.measure,
    "insights": insights.measure,
    "coding": coding.measure,
    "memory": memory.measure,
    "readers": readers.measure,
    "peers": peers.measure,
    "sizes": sizes.measure,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer repeats: a look, not a measurement")
    parser.add_argument("--only", action="append", choices=list(BENCHES), metavar="NAME", help=", ".join(BENCHES))
    parser.add_argument(
        "--long", action="store_true", help="also read for ten minutes and watch the memory; open giants"
    )
    parser.add_argument(
        "--peers", action="store_true", help="install other programs into benchmarks/.peers, measure them"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page (docs/benchmarks.md)")
    parser.add_argument("--date", default=date.today().isoformat(), help="the date on the page")
    parser.add_argument(
        "--from", dest="source", type=Path, metavar="FILE", help="no measuring: the figures of an earlier --json"
    )
    given = parser.parse_args()
    if given.source is not None:
        known = json.loads(given.source.read_text())
        figures, where = [_figure(row) for row in known["figures"]], known["machine"]
        failed: list[str] = []
    else:
        figures, where, failed = _measure(given)
    print(table(figures))
    if given.json:
        given.json.write_text(json.dumps(as_json(figures, where), indent=1, ensure_ascii=False) + "\n")
    if given.write:
        given.write.write_text(page(figures, where, given.date))
    for name in failed:
        print(f"{name} did not work")
    return 1 if failed else 0


def _figure(row: dict[str, object]) -> Figure:
    return Figure(**{name: value for name, value in row.items() if name not in ("met", "ratio")})  # type: ignore[arg-type]


def _measure(given: argparse.Namespace) -> tuple[list[Figure], dict[str, object], list[str]]:
    where, failed = machine(), []
    bench = Bench(quick=given.quick, long=given.long, peers=given.peers)
    try:
        for shape in corpus.SHAPES:
            corpus.corpus(shape)
        bench.figures += floors.measure(bench)
        asked = {"peers": given.peers, "sizes": given.long}
        for name in given.only or [name for name in BENCHES if asked.get(name, True)]:
            begun = time.perf_counter()
            print(f"{name} ...", end=" ", flush=True)
            try:
                bench.figures += BENCHES[name](bench)
            except Exception:  # the other benchmarks are still worth having
                traceback.print_exc()
                failed.append(name)
            print(f"{time.perf_counter() - begun:.0f} s", flush=True)
    finally:
        bench.close()
    return bench.figures, where, failed


if __name__ == "__main__":
    raise SystemExit(main())
