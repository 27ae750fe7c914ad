"""Adjudications in the log: derived, taken back, merged; what they do to gold and to the scoring of detectors."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from gold_desk import LOOP, MAST, NONE, SKIP, Desk

from labels import adjudication, events, ledger
from labels.adjudication import Adjudication, Adjudicator, Ruling, notes, rebuild
from labels.codebook import load_all
from labels.disputes import case_of, disputes, letters, span
from labels.gold.books import books_of
from labels.gold.hiding import Review
from labels.gold.people import People
from labels.gold.piece import Options
from labels.gold.release import release
from labels.gold.rule import Rule
from labels.gold.status import settled
from labels.gold.verify import verify
from labels.ledger import Ledger
from labels.scoring.decided import cases
from labels.scoring.truth import Account, Span
from sessions.catalog import RunInfo
from sessions.errors import UserError
from sessions.store import Store

NAMED = People(named=True)


def first_run(desk: Desk) -> RunInfo:
    """The run that three people judged."""
    return next(
        item.run for item in settled(desk.store, books_of(desk.store), Rule(), NAMED, Counter()) if len(item.gold) == 3
    )


def ruling(mode: str = SKIP, outcome: str = "present", **more: Any) -> Ruling:
    info = MAST.by_slug[mode]
    return Ruling.model_validate(
        {
            "mode": mode,
            "code": info.code,
            "name": info.name,
            "codebook": MAST.ref,
            "outcome": outcome,
            "reason": "error",
            **more,
        }
    )


def settle(desk: Desk, run: RunInfo, chunk: int, *rulings: Ruling, who: str = "dora") -> None:
    Adjudicator(desk.store, who).settle(run, Adjudication(target=desk.target(run, chunk), rulings=rulings, blind=True))


def gold(desk: Desk, run: RunInfo, chunk: int, mode: str = SKIP, rule: str = "majority") -> tuple[Any, str]:
    """(value, how) of one mode."""
    target = desk.target(run, chunk).id
    for item in settled(desk.store, books_of(desk.store), Rule.of(rule), NAMED, Counter()):
        for row in item.gold:
            if item.run.id == run.id and row["unit"]["id"] == target:
                how = next((detail["how"] for detail in row["details"] if detail["mode"] == mode), row["absent_by"])
                return row["labels"][mode], how
    return None, "nothing"


def derived(desk: Desk) -> list[Any]:
    return [
        desk.store.query("SELECT * FROM adjudication ORDER BY origin, seq, mode"),
        desk.store.query("SELECT * FROM adjudication_head"),
    ]


def test_what_is_disputed_is_open_until_it_is_settled(three: Desk):
    run = first_run(three)
    (item,) = disputes(three.store, Rule(), NAMED)
    assert (item.mode, item.present, item.absent, item.numbers) == (SKIP, ("bob",), ("cat",), (3,))
    settle(three, run, 3, ruling())
    assert disputes(three.store, Rule(), NAMED) == []
    assert gold(three, run, 3) == (True, "adjudicated")


def test_a_ruling_holds_whatever_the_votes_and_is_no_vote(three: Desk):
    run = first_run(three)
    settle(three, run, 2, ruling(LOOP, "absent", reason="ambiguous"))
    assert gold(three, run, 2, LOOP) == (False, "adjudicated")
    assert gold(three, run, 2, LOOP, "adjudicated") == (False, "adjudicated")
    assert len(three.store.query("SELECT 1 FROM decision WHERE reviewer = 'dora'")) == 0
    assert Ledger(three.store, "dora").undo(run) is None


def test_undecided_is_not_asked_again(three: Desk):
    run = first_run(three)
    settle(three, run, 3, ruling(outcome="undecided"))
    assert gold(three, run, 3) == (None, "adjudicated: undecided")
    assert disputes(three.store, Rule(), NAMED) == []


def test_undo_and_redo_go_back_and_forth_beside_decisions(three: Desk):
    run = first_run(three)
    dora = Adjudicator(three.store, "dora")
    assert dora.undo(run) is None
    settle(three, run, 3, ruling())
    settle(three, run, 3, ruling(outcome="absent"))
    assert gold(three, run, 3)[0] is False
    three.say("dora", run, 1, NONE)
    assert dora.undo(run) is not None
    assert gold(three, run, 3)[0] is True
    assert dora.undo(run) is not None
    assert gold(three, run, 3) == (None, "disputed")
    assert dora.undo(run) is None
    assert dora.redo(run) is not None
    assert gold(three, run, 3)[0] is True
    assert len(three.store.query("SELECT 1 FROM decision WHERE reviewer = 'dora'")) == 1
    assert Ledger(three.store, "dora").undo(run) is not None
    settle(three, run, 3, ruling(outcome="undecided"))
    assert dora.redo(run) is None
    assert events.verify(three.store) == []


def test_a_rebuild_gives_the_same(three: Desk):
    run = first_run(three)
    settle(three, run, 3, ruling(guideline="Look for a check."), ruling(LOOP, "absent"))
    settle(three, run, 2, ruling(LOOP, "absent"))
    Adjudicator(three.store, "dora").undo(run)
    before = derived(three)
    assert rebuild(three.store) == 2
    assert derived(three) == before
    ledger.rebuild(three.store)
    assert derived(three) == before


def test_guideline_notes_stay_with_their_mode(three: Desk):
    run = first_run(three)
    settle(three, run, 3, ruling(guideline="A test run counts as a check."))
    (note,) = notes(three.store, "mast", SKIP)
    assert (note["text"], note["by"], note["outcome"]) == ("A test run counts as a check.", "dora", "present")
    assert notes(three.store, "mast", LOOP) == []
    Adjudicator(three.store, "dora").undo(run)
    assert notes(three.store, "mast") == []


def two(three: Desk, tmp_path: Path) -> tuple[Desk, Desk]:
    """A copy of the database, as another adjudicator has it, with an origin of its own."""
    folder = tmp_path / "other"
    folder.mkdir()
    three.store.raw_connection().execute("VACUUM INTO ?", [str(folder / "r.db")])
    other = Store.open(folder / "r.db")
    with other.write() as tx:
        tx.execute("UPDATE meta SET value = ? WHERE name = 'origin'", ["e" * 32])
    return three, Desk(other, folder)


def bring(source: Desk, target: Desk) -> None:
    """The events of the copy's own origin, as a merge brings them."""
    rows = source.store.query("SELECT * FROM event WHERE origin = ?", ["e" * 32])
    with target.store.write() as tx:
        tx.many(f"INSERT INTO event VALUES ({', '.join('?' * 12)})", rows)
        tx.execute(
            "INSERT INTO chain SELECT origin, seq, hash FROM event WHERE origin = ? AND seq = ?", ["e" * 32, len(rows)]
        )


def test_two_who_did_not_know_of_each_other_and_differ_leave_it_open(three: Desk, tmp_path: Path):
    run = first_run(three)
    here, there = two(three, tmp_path)
    with there.store:
        settle(here, run, 3, ruling())
        settle(there, run, 3, ruling(outcome="absent"), who="emil")
        bring(there, here)
        assert gold(here, run, 3) == (None, "adjudications differ")
        assert [item.how for item in disputes(here.store, Rule(), NAMED)] == ["adjudications differ"]
        settle(here, run, 3, ruling(outcome="absent", reason="other"))
        assert gold(here, run, 3) == (False, "adjudicated")
        made = release(here.store, tmp_path / "rel", Options("demo"), Review())
        assert verify(made.path).wrong == []
        assert made.content["counts"]["adjudications"] == 3


def test_two_who_agree_settle_it(three: Desk, tmp_path: Path):
    run = first_run(three)
    here, there = two(three, tmp_path)
    with there.store:
        settle(here, run, 3, ruling())
        settle(there, run, 3, ruling(reason="ambiguous"), who="emil")
        bring(there, here)
        assert gold(here, run, 3) == (True, "adjudicated")


def test_steps_of_the_adjudicator_replace_those_of_the_votes(three: Desk, tmp_path: Path):
    run = first_run(three)
    settle(three, run, 3, ruling(steps=(span(three.store, run, 5, 6),), note="both"))
    made = release(three.store, tmp_path / "rel", Options("demo"), Review())
    assert verify(made.path).wrong == []
    item = next(
        item for item in settled(three.store, books_of(three.store), Rule(), NAMED, Counter()) if item.run.id == run.id
    )
    detail = next(d for row in item.gold for d in row["details"] if d["mode"] == SKIP)
    assert [(s["first"]["step_number"], s["last"]["step_number"]) for s in detail["steps"]] == [(5, 6)]
    assert detail["reason"] == "error"


def test_a_case_shows_every_vote_and_hides_who_it_was(three: Desk):
    run = first_run(three)
    case = case_of(three.store, run, Rule(), NAMED, number=3)
    assert [vote.reviewer for vote in case.votes] == ["ann", "bob", "cat"]
    assert [item.mode for item in case.disputes] == [SKIP]
    assert sorted(letters(case).values()) == ["A", "B", "C"]
    for number in (9, None):
        with pytest.raises(UserError, match="nobody has decided"):
            case_of(three.store, run, Rule(), NAMED, number=number)
    with pytest.raises(UserError, match="no step 7"):
        span(three.store, run, 6, 7)
    with pytest.raises(UserError, match="backwards"):
        span(three.store, run, 6, 5)


def test_detectors_are_scored_against_what_was_settled(three: Desk):
    run = first_run(three)
    books = load_all()

    def judged() -> tuple[dict[str, Any], Account]:
        account = Account()
        case = next(case for case in cases(three.store, books, account) if case.truths[0].run == run.id)
        unit = next(unit for unit in case.truths[0].judged if unit.span == Span(4, 5))
        return dict(unit.modes), account

    modes, account = judged()
    assert f"{SKIP}@mast" not in modes
    assert account.left_out["modes of a chunk on which blind reviewers were evenly divided"] == 1
    settle(three, run, 3, ruling())
    modes, account = judged()
    assert modes[f"{SKIP}@mast"].present
    assert modes[f"{SKIP}@mast"].spans == (Span(5, 5),)
    settle(three, run, 3, ruling(steps=(span(three.store, run, 5, 5),)))
    assert judged()[0][f"{SKIP}@mast"].spans == (Span(4, 4),)
    settle(three, run, 3, ruling(outcome="absent"))
    assert not judged()[0][f"{SKIP}@mast"].present
    settle(three, run, 3, ruling(outcome="undecided"))
    modes, account = judged()
    assert f"{SKIP}@mast" not in modes
    assert account.left_out["modes of a chunk that adjudicators left undecided"] == 1


def test_what_comes_from_elsewhere_is_checked(three: Desk):
    run = first_run(three)
    settle(three, run, 3, ruling())
    event = next(event for event in events.everything(three.store) if event.kind == adjudication.ADJUDICATE)
    assert adjudication.wrong(event) == ""
    fields = {name: getattr(event, name) for name in events.Event.__slots__}
    assert "another chunk" in adjudication.wrong(events.Event(**{**fields, "chunk": "x"}))
    assert "no adjudication" in adjudication.wrong(events.Event(**{**fields, "payload": "{}"}))


@pytest.mark.parametrize(
    "bad",
    [
        {"outcome": "perhaps"},
        {"reason": "because"},
        {"outcome": "absent", "steps": [{"first": {"id": "a", "index": 0}, "last": {"id": "a", "index": 0}}]},
        {"outcome": "present", "steps": [{"first": {"id": "a", "index": 1}, "last": {"id": "a", "index": 0}}]},
    ],
)
def test_rulings_that_are_none(bad: dict[str, Any]):
    with pytest.raises(ValueError, match=r"."):
        ruling(**bad)


def test_one_mode_is_settled_once(three: Desk):
    with pytest.raises(ValueError, match="settled twice"):
        Adjudication(target=three.target(first_run(three), 1), rulings=(ruling(), ruling()), blind=True)
