"""What the inbox lists: read bit by bit, it is what reading it all anew gives."""

import itertools
import random
from pathlib import Path
from typing import Any

from helpers import put

from labels import queues, suggestions
from labels.codebook import load_all
from labels.glance import News, counts_of
from labels.ledger import Ledger
from labels.model import Evidence, StepRef
from labels.suggestions import Suggestion
from review_tui import inbox_reading
from review_tui.desk import Desk
from review_tui.inbox_reading import Entry, InboxReader
from sessions import catalog, places
from sessions.catalog import RunInfo
from sessions.places import ReadingPlace
from sessions.store import Store

MAST = load_all([]).get("mast")
MOMENTS = itertools.count()


def some_runs(store: Store, folder: Path, many: int = 6) -> list[RunInfo]:
    return [put(store, folder / f"{n}.jsonl", [f"run {n} step {k}" for k in range(11)]) for n in range(many)]


def suggest(store: Store, run: RunInfo, count: int) -> None:
    step = StepRef(id=catalog.step_id(store, run.no, 0) or "", index=0)
    quote = Evidence(step=step, part=0, start=0, end=3, quote="run")
    found = [
        Suggestion(mode=mode.slug, codebook=MAST.ref, first=step, last=step, evidence=(quote,), score=1, detector="d",
                   version="1")
        for mode in MAST.modes[:count]
    ]  # fmt: skip
    suggestions.save(store, run, found)
    with store.write() as tx:  # as detection does when it is through
        tx.execute("DELETE FROM detection WHERE run = ?", [run.id])
        tx.execute(
            "INSERT INTO detection VALUES (?, 'd', '1', '{}', '', 'done', '', ?, 0, ?)",
            [run.id, count, f"2026-01-01T00:00:00.{next(MOMENTS):06}"],
        )


def plain(entries: list[Entry]) -> list[tuple[Any, ...]]:
    return sorted((e.run.id, e.run.steps, e.chunks, e.decided, e.labels, e.suggestions, e.whole) for e in entries)


def test_what_has_changed_is_all_that_need_be_read_again(tmp_path: Path) -> None:
    chance = random.Random(3)
    with Store.open(tmp_path / "r.db") as store:
        runs = some_runs(store, tmp_path)
        reader = InboxReader(store, "ann")
        for turn in range(60):
            run = chance.choice(runs)
            desk = Desk(store, run, chance.choice(["ann", "ann", "bob"]), "every:5")
            desk.enter(chance.randrange(len(desk.chunks)))
            match chance.randrange(8):
                case 0 | 1:
                    desk.verdict(chance.choice(["approve", "stop"]))
                case 2:
                    desk.add_label(MAST, chance.choice(list(MAST.modes)), 0, 0, [])
                case 3:
                    desk.whole_run = True
                    desk.verdict("approve")
                case 4:
                    Ledger(store, "ann").undo(run)
                case 5:
                    suggest(store, run, chance.randrange(1, 4))
                case 6:
                    step = catalog.step_id(store, run.no, 0) or ""
                    places.save(store, "ann", run, ReadingPlace(chance.choice(["every:3", "every:5"]), step, 0))
                case _:
                    runs.append(put(store, tmp_path / f"more{turn}.jsonl", [f"turn {turn}"]))
            assert plain(reader.all().entries) == plain(InboxReader(store, "ann").all().entries), turn
        assert reader.all().entries is reader.all().entries  # nothing has changed: nothing is made anew


def test_suggestions_are_no_longer_counted_once_a_queue_hides_some(tmp_path: Path) -> None:
    with Store.open(tmp_path / "r.db") as store:
        runs = some_runs(store, tmp_path, 2)
        suggest(store, runs[0], 2)
        reader = InboxReader(store, "ann")
        assert sum(entry.suggestions for entry in reader.all().entries) == 2
        queues.create(store, "q", runs)
        assert sum(entry.suggestions for entry in reader.all().entries) == 0


def test_the_first_screenful_is_the_beginning_of_all(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(inbox_reading, "FIRST", 4)
    with Store.open(tmp_path / "r.db") as store:
        runs = some_runs(store, tmp_path)
        Desk(store, runs[1], "ann", "every:5").verdict("approve")
        Desk(store, runs[5], "ann", "every:5").verdict("approve")
        reader = InboxReader(store, "ann")
        first, every = reader.first(), reader.all()
        assert (len(first.entries), first.total, every.total) == (4, 6, 6)
        assert plain(first.entries) == plain([entry for entry in every.entries if entry.run.no <= runs[3].no])
        assert [entry.decided for entry in sorted(every.entries, key=lambda entry: entry.run.no)] == [0, 1, 0, 0, 0, 1]


def test_counting_by_runs_is_counting_all(tmp_path: Path) -> None:
    with Store.open(tmp_path / "r.db") as store:
        runs = some_runs(store, tmp_path)
        for run in runs[:4]:
            desk = Desk(store, run, "ann", "every:5")
            desk.verdict("stop")
            desk.add_label(MAST, MAST.modes[0], 0, 0, [])
        assert counts_of(store, "ann") == counts_of(store, "ann", [run.id for run in runs])
        assert list(counts_of(store, "ann", [runs[0].id])) == [runs[0].id]
        assert counts_of(store, "ann", []) == {}


def test_news_names_the_runs_and_nothing_else(tmp_path: Path) -> None:
    with Store.open(tmp_path / "r.db") as store:
        runs = some_runs(store, tmp_path, 3)
        news = News(store)
        assert news.runs() is None
        assert news.runs() == set()
        Desk(store, runs[1], "bob", "every:5").verdict("approve")
        assert news.runs() == {runs[1].id}
        assert news.runs() == set()
        suggest(store, runs[2], 1)
        assert news.runs() == {runs[2].id}
        queues.create(store, "q", runs)
        assert news.runs() is None


def test_runs_that_come_are_read_without_reading_the_others_again(tmp_path: Path, monkeypatch) -> None:
    """As while a folder of ten thousand files is imported."""
    times, every = [], catalog.runs
    monkeypatch.setattr(catalog, "runs", lambda store: times.append(1) or every(store))
    with Store.open(tmp_path / "r.db") as store:
        some_runs(store, tmp_path)
        reader = InboxReader(store, "ann")
        before = reader.all().entries
        for name in ("new", "newer"):
            put(store, tmp_path / f"{name}.jsonl", [f"{name} step {k}" for k in range(7)])
            found = reader.all().entries
            assert plain(found) == plain(InboxReader(store, "ann").all().entries)
            assert [entry for entry in found if entry in before] == before
        assert {id(entry) for entry in before} <= {id(entry) for entry in found}
        assert len(times) == 3  # the first time of each reader
        with store.write() as tx:  # an old run is done now, or renamed: that is seen, too
            tx.execute("UPDATE run SET title = 'another title' WHERE no = ?", [before[-1].run.no])
        assert "another title" in [entry.run.title for entry in reader.all().entries]
