"""A release of merged databases is the same byte by byte, in whatever order they were merged."""

from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import pytest
from gold_desk import LOOP, MAST, NONE, SKIP, Desk

from labels.adjudication import Adjudication, Adjudicator
from labels.codebook import Codebook
from labels.gold.hiding import Review
from labels.gold.people import People, same_of
from labels.gold.piece import Options
from labels.gold.reading import Release
from labels.gold.release import release
from labels.gold.rows import RunRows
from labels.gold.said import Vote
from labels.gold.verify import verify
from labels.ledger import Ledger
from labels.maintenance import remember_codebook
from labels.merging import merge
from labels.model import Clear, Evidence, SetNone, SetVerdict
from labels.suggestions import Suggestion, save
from sessions.catalog import RunInfo
from sessions.maintenance import backup
from sessions.store import Store

#: Ann signs in two ways, and so does bob.
PEOPLE = People(same=same_of(["ann=ann.smith", "bob=Bob B."]))
#: As MAST was before: one mode means the same, the others are counted where they do.
EARLIER = Codebook.model_validate_json(MAST.canonical_json().replace(b'"version":"', b'"version":"0.', 1))


def contents(path: Path) -> dict[str, bytes]:
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def settle_it(desk: Desk, run: RunInfo, chunk: int, who: str, outcome: str, mode: str = SKIP) -> None:
    ruling = {"mode": mode, "codebook": MAST.ref, "outcome": outcome, "reason": "ambiguous", "note": f"by {who}"}
    said = {"target": desk.target(run, chunk), "rulings": [ruling], "blind": True}
    Adjudicator(desk.store, who).settle(run, Adjudication.model_validate(said))


def suggest(desk: Desk, run: RunInfo, version: str, step: int) -> None:
    ref = desk.ref(run, step)
    quote = Evidence(step=ref, part=0, start=0, end=3, quote="run")
    found = Suggestion(
        mode=LOOP, codebook=MAST.ref, first=ref, last=ref, evidence=(quote,), score=0.5, detector="d", version=version
    )
    save(desk.store, run, [found])


def first(desk: Desk) -> None:
    """Ann, and dora who adjudicates, and takes one back."""
    one, two = desk.run(1), desk.run(2)
    desk.say("ann", one, 1, NONE)
    desk.say("ann", one, 2, desk.label(one, LOOP, 3, id="a", root_cause=True))
    Ledger(desk.store, "ann").undo(one)
    Ledger(desk.store, "ann").redo(one)
    desk.say("ann", one, 3, desk.label(one, SKIP, 6, id="b"))
    desk.say("ann", two, 1, desk.label(two, SKIP, 2, id="c"))
    Ledger(desk.store, "ann").undo(two)
    settle_it(desk, one, 3, "dora", "present")
    settle_it(desk, one, 2, "dora", "absent")
    Adjudicator(desk.store, "dora").undo(one)
    suggest(desk, one, "1", 3)


def second(desk: Desk) -> None:
    """Bob, and emil who adjudicates without knowing of dora: they differ on one mode and agree on another."""
    remember_codebook(desk.store, EARLIER)
    one, three = desk.run(1), desk.run(3)
    desk.say("bob", one, 1, NONE)
    desk.say("bob", one, 2, NONE)
    desk.say("bob", one, 2, desk.label(one, LOOP, 4, id="d", note="after all"))
    desk.say("Bob B.", one, 3, NONE)
    desk.say("bob", three, None, SetNone(codebook=EARLIER.ref))
    settle_it(desk, one, 3, "emil", "absent")
    settle_it(desk, one, 1, "emil", "absent", LOOP)
    suggest(desk, one, "2", 4)


def third(desk: Desk) -> None:
    """Ann again, under another name and on another machine, who says something else; and a run that nobody else has."""
    one, two, four = desk.run(1), desk.run(2), desk.run(4)
    desk.say("ann.smith", one, 1, desk.label(one, LOOP, 1, id="e"))
    desk.say("ann", one, 2, NONE)
    desk.say("cat", two, 1, desk.label(two, SKIP, 1, id="f", sure=False))
    desk.say("cat", four, 2, desk.label(four, LOOP, 3, id="g"), verdict=SetVerdict(verdict="stop"))
    settle_it(desk, one, 1, "dora", "absent", LOOP)


@pytest.fixture
def parts(new_desk: Callable[[str], Desk], tmp_path: Path) -> list[Path]:
    """Three databases of three origins, and a fourth that is a backup of the first which went on by itself."""
    desks = [new_desk(name) for name in ("a", "b", "c")]
    for desk, fill in zip(desks, (first, second, third), strict=True):
        fill(desk)
    backup(desks[0].store, tmp_path / "d.db")
    with Store.open(tmp_path / "d.db") as store:
        went_on = Desk(store, desks[0].folder)
        run = went_on.run(1)
        went_on.say("ann", run, 2, SetVerdict(verdict="stop"), NONE, verdict=Clear())
        settle_it(went_on, run, 3, "dora", "absent")
    return [*(desk.store.path for desk in desks), tmp_path / "d.db"]


def merged(target: Path, paths: list[Path]) -> dict[str, bytes]:
    with Store.open(target) as store:
        for path in paths:
            merge(store, path)
        made = release(store, target.with_suffix(".rel"), Options("demo", people=PEOPLE), Review())
        assert verify(made.path).wrong == []
    return contents(made.path)


def test_every_order_gives_the_same(parts: list[Path], tmp_path: Path):
    orders = [list(order) for order in permutations(parts)]
    found = [merged(tmp_path / f"all{number}.db", order) for number, order in enumerate(orders[::4])]
    found.append(merged(tmp_path / "twice.db", [*parts, *parts]))
    # One by way of another: c into b, b into a, and the result into one that had d.
    for into, source in ((1, 2), (0, 1)):
        with Store.open(parts[into]) as store:
            merge(store, parts[source])
    found.append(merged(tmp_path / "chain.db", [parts[3], parts[0]]))
    assert all(item == found[0] for item in found)
    _holds_what_it_should(tmp_path / "all0.rel")


def _holds_what_it_should(path: Path) -> None:
    """Otherwise nothing would be compared."""
    runs = list(Release(path).runs())
    assert len(runs) == 4
    votes = [vote for run in runs for vote in run.votes]
    assert {len(run.adjudications) for run in runs} == {0, 5}
    outcomes = sorted(row["outcome"] for run in runs for row in run.adjudications)
    assert outcomes == ["absent", "absent", "absent", "absent", "present"]
    assert len({vote["annotator"] for vote in votes}) == 3
    gold = {
        (row["unit"]["first"]["step_number"], mode): (
            row["labels"][mode],
            {d["mode"]: d["how"] for d in row["details"]},
        )
        for run in runs
        for row in run.gold
        for mode in (LOOP, SKIP)
        if len(run.adjudications) == 5
    }
    assert gold[1, LOOP][0] is False
    assert (gold[5, SKIP][0], gold[5, SKIP][1][SKIP]) == (False, "adjudicated")  # dora came round to what emil says
    assert {row["version"] for run in runs for row in run.suggestions} == {"1", "2"}


@pytest.mark.parametrize("what", ["events", "votes"])
def test_it_would_be_noticed(parts: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str):
    """With the order of rows in the database in place of the one by origin and event, the bytes differ."""
    from labels.gold import said

    if what == "votes":
        monkeypatch.setattr(RunRows, "sort", lambda self: None)
        real = said.said_of

        def said_of(store: Store, run: RunInfo, *given: object, **more: object) -> said.Said:
            found = real(store, run, *given, **more)  # type: ignore[arg-type]
            place = {row: n for n, row in enumerate(store.query("SELECT reviewer, chunk FROM decision ORDER BY rowid"))}

            def of(vote: Vote) -> int:
                return place[vote.reviewer, vote.decision["target"]["id"]]

            found.votes.sort(key=of)
            return found

        monkeypatch.setattr("labels.gold.piece.said_of", said_of)
    else:
        real_query = Store.query

        def query(self: Store, sql: str, params: object = ()) -> object:
            return real_query(self, sql.replace("ORDER BY origin, seq", "ORDER BY rowid"), params)  # type: ignore[arg-type]

        monkeypatch.setattr(Store, "query", query)
    orders = [parts, parts[::-1]]
    found = []
    for number, order in enumerate(orders):
        with Store.open(tmp_path / f"x{number}.db") as store:
            for path in order:
                merge(store, path)
            made = release(store, tmp_path / f"x{number}.rel", Options("demo", people=PEOPLE), Review())
            found.append(contents(made.path))
    assert found[0] != found[1]
