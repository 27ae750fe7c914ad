"""What was acknowledged is on disk: writers are killed at random moments, again and again."""

import os
import random
from pathlib import Path

import pytest
from helpers import Workers, put

from labels import events
from labels.codebook_ref import CodebookRef
from labels.ledger import Ledger, chunk_target, rebuild
from labels.model import Act, Label, SetLabel, SetNone, SetVerdict, StepRef, Target
from sessions.catalog import RunInfo
from sessions.chunks import Policy, chunk_ref, chunks_of
from sessions.store import Store

WRITERS = 4
ENOUGH = 2000
BOOK = CodebookRef(id="mast", version="1", sha256="00")


def decide_forever(db: Path, run: RunInfo, targets: list[Target], seed: int, acknowledge: int) -> None:
    """Decide, undo and redo as fast as possible, and tell each event after it has been recorded."""
    chance = random.Random(seed)
    with Store.open(db) as store:
        mine = Ledger(store, f"reviewer {seed % WRITERS}")
        while True:
            event = one_act(mine, run, chance, chance.choice(targets))
            if event is not None:
                os.write(acknowledge, f"{event.seq} {event.hash}\n".encode())


def one_act(mine: Ledger, run: RunInfo, chance: random.Random, target: Target) -> events.Event | None:
    draw = chance.random()
    if draw < 0.1:
        return mine.undo(run)
    if draw < 0.15:
        return mine.redo(run)
    step = StepRef(id="s", index=0)
    label = Label(id=f"l{chance.randrange(3)}", mode="loop", codebook=BOOK, first=step, last=step, note="x" * 200)
    ops = chance.choice(
        [(SetVerdict(verdict="approve"),), (SetLabel(label=label),), (SetNone(codebook=BOOK, value=False),)]
    )
    return mine.record(run, Act(target=target, ops=ops, blind_suggestions=True, blind_votes=True))


class Acknowledged:
    """The lines that writers sent, whole ones only. A pipe keeps what was written by a process that is dead."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()
        self.lines: list[str] = []
        self._rest = b""

    def read(self) -> None:
        *whole, self._rest = (self._rest + os.read(self.reading, 65536)).split(b"\n")
        self.lines += [line.decode() for line in whole]

    def read_until(self, count: int) -> None:
        while len(self.lines) < count:
            self.read()

    def read_the_rest(self) -> None:
        os.set_blocking(self.reading, False)
        try:
            while True:
                self.read()
        except BlockingIOError:
            os.set_blocking(self.reading, True)
        assert self._rest == b""  # a line this short is written whole or not at all

    def close(self) -> None:
        os.close(self.reading)
        os.close(self.writing)


def derived(store: Store) -> list:
    return [
        store.query("SELECT * FROM decision ORDER BY run, reviewer, chunk"),
        store.query("SELECT * FROM label ORDER BY run, reviewer, chunk, id"),
    ]


@pytest.mark.timeout(120)
def test_no_acknowledged_decision_is_lost_when_writers_are_killed(tmp_path: Path) -> None:
    db = tmp_path / "r.db"
    with Store.open(db) as store:
        run = put(store, tmp_path / "run.jsonl", [f"step {number}" for number in range(40)])
        chunks = chunks_of(store, run, Policy.parse("every:1"))
        targets = [chunk_target(chunk_ref(store, run, chunks, number), "every:1") for number in range(len(chunks))]

    chance = random.Random()
    acknowledged = Acknowledged()
    rounds = 0
    while len(acknowledged.lines) < ENOUGH:
        seeds = [rounds * WRITERS + number for number in range(WRITERS)]
        jobs = [lambda seed=seed: decide_forever(db, run, targets, seed, acknowledged.writing) for seed in seeds]
        workers = Workers(jobs)
        acknowledged.read_until(len(acknowledged.lines) + chance.randint(1, 150))
        workers.kill()
        assert workers.wait() == [-9] * WRITERS
        acknowledged.read_the_rest()
        rounds += 1
        with Store.open(db) as store:
            assert store.one("PRAGMA integrity_check") == ("ok",)
            logged = {f"{seq} {digest}" for seq, digest in store.query("SELECT seq, hash FROM event")}
            assert set(acknowledged.lines) <= logged
    acknowledged.close()

    with Store.open(db) as store:
        assert rounds >= 10
        assert len(set(acknowledged.lines)) == len(acknowledged.lines) >= ENOUGH
        assert events.verify(store) == []
        before = derived(store)
        assert before[0]
        assert rebuild(store) == len(before[0])
        assert derived(store) == before
