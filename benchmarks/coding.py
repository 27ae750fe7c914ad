"""Open coding and reviewers' own figures in a database of a million decisions: what is derived the first time, and what
the screens read afterwards.

The database is that of `benchmarks.gold`, with a note on one decision in fifty and a code on three of four notes.
"""

from __future__ import annotations

import random
import time
from pathlib import Path

from benchmarks import gold
from benchmarks.report import Figure
from benchmarks.station import Bench, wall
from labels import beside, events
from labels.coding.said import CODE, NOWHERE, Assign, Coding, NoteRef, code_id
from sessions.jsontext import dumps
from sessions.store import Store

GROUP = "Open coding and reviewers' own figures"
SCREEN_S, HEALTH_S, FIRST_S = 2.0, 5.0, 60.0
WORDS = ("reads", "misses", "invents", "drops", "repeats"), ("the clock", "a metric", "a file", "rows", "the error")
EVERY, CODED, SERVICES = 50, 0.75, 200


def fill(path: Path, runs: int, seed: int = 7) -> tuple[int, int]:
    """Make the database, as an earlier version of the program left it; how many decisions, and how many notes."""
    number = gold.fill(path, runs)
    chance = random.Random(seed)
    with Store.open(path) as store, store.write("NORMAL") as tx:
        tx.execute("INSERT INTO meta VALUES ('beside', 'behind')")
        rows = tx.execute("SELECT run, reviewer, chunk, data FROM decision ORDER BY run, reviewer, chunk")
        changed = []
        for run, reviewer, chunk, data in rows[::EVERY]:
            what = " ".join(chance.choice(words) for words in WORDS)
            text = data.replace('"note":"",', f'"note":{dumps(what + _service(chance))},', 1)
            changed.append((text, run, reviewer, chunk))
        tx.many("UPDATE decision SET data = ? WHERE run = ? AND reviewer = ? AND chunk = ?", changed)
    return number, len(changed)


def _service(chance: random.Random) -> str:
    return f" of service {chance.randrange(SERVICES)}"


def _code(path: Path, seed: int = 8) -> int:
    """Give codes to notes, one event each; how many."""
    chance = random.Random(seed)
    with Store.open(path) as store:
        notes = store.query("SELECT run, reviewer, chunk, label, text FROM note ORDER BY run, reviewer, chunk, label")
        chosen = [row for row in notes if chance.random() < CODED]
        with store.write("NORMAL") as tx:
            for run, reviewer, chunk, label, text in chosen:
                name = " ".join(text.split()[:3])
                note = NoteRef(run=run, reviewer=reviewer, chunk=chunk, label=label)
                said = Coding(said=Assign(notes=(note,), code=code_id(name), name=name))
                events.append(
                    tx, kind=CODE, reviewer="reviewer-0", run=NOWHERE, content_id=None, chunk=NOWHERE,
                    payload=said.payload(),
                )  # fmt: skip
    return len(chosen)


def measure(bench: Bench) -> list[Figure]:
    """A tenth of it, for a quick look."""
    path = bench.work / "coding.db"
    runs = gold.RUNS // 10 if bench.quick else gold.RUNS
    decisions, notes = fill(path, runs)
    with Store.open(path) as store:
        begun = time.perf_counter()
        beside.fill(store)
        first = time.perf_counter() - begun
    coded = _code(path)
    times = bench.times(3, 1)
    listed = min(wall(bench.command("--db", path, "codes", "list", "--json"), times, bench.env))
    curve = min(wall(bench.command("--db", path, "codes", "saturation", "--json"), times, bench.env))
    mine = [*bench.command("--db", path, "health", "--json"), "--reviewer", "reviewer-0"]
    health = min(wall(mine, times, bench.env))
    path.unlink()
    what = f"{decisions:,} decisions, {notes:,} notes, {coded:,} codings"
    own = decisions // gold.REVIEWERS
    return [
        Figure(GROUP, "what earlier decisions lack, derived once", first, "s", FIRST_S, note=what),
        Figure(GROUP, "codes list --json", listed, "s", SCREEN_S, note="from start to output"),
        Figure(GROUP, "codes saturation --json", curve, "s", SCREEN_S, note="from start to output"),
        Figure(GROUP, f"health --json of one who decided {own:,} times", health, "s", HEALTH_S, note="the same"),
    ]
