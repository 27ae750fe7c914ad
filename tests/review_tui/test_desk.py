"""The desk without a screen: what is said, of which chunk, under which policy; and how the side panel tells it."""

import time

import pytest
from station import ledger_of, load_all, quote_evidence, suggest

from review_tui import desk as desk_module
from review_tui.desk import Desk, Undone
from review_tui.drafts import EvidenceWish
from review_tui.widgets.paint import VERDICT_GLYPH, VERDICT_WORD
from review_tui.widgets.side import Silence, side_rows, steps_text
from sessions import catalog
from sessions.errors import UsageError, UserError
from sessions.store import Store


@pytest.fixture
def store(checkout_db):
    with Store.open(checkout_db) as opened:
        yield opened


@pytest.fixture
def desk(store) -> Desk:
    (run,) = catalog.runs(store)
    return Desk(store, run, "ann", "every:5")


@pytest.fixture(scope="module")
def mast():
    return next(book for book in load_all([]) if book.id == "mast")


def again(desk: Desk, policy: str = "every:5", reviewer: str = "ann") -> Desk:
    """The same run on another desk: what is in the database."""
    return Desk(desk.store, desk.run, reviewer, policy)


def test_a_desk_begins_at_the_first_chunk(desk):
    assert (desk.chunk, desk.bounds, desk.decision, desk.labels()) == (0, (0, 4), None, [])
    assert desk.next_undecided() == 1
    assert not desk.chunk_open


@pytest.mark.parametrize(("verdict", "to"), [("approve", None), ("rollback", 3), ("stop", None), ("abstain", None)])
def test_verdicts(desk, verdict, to):
    desk.enter(1)
    desk.verdict(verdict, to)
    for found in (desk, again(desk)):
        assert {chunk: (item.verdict, item.to) for chunk, item in found.decided().items()} == {1: (verdict, to)}
    assert desk.decision == again(desk).decided()[1]


def test_a_rollback_needs_a_step_of_the_run(desk):
    with pytest.raises(ValueError, match="rollback"):
        desk.verdict("rollback")
    with pytest.raises(UserError, match="no step 99"):
        desk.verdict("rollback", 98)
    assert again(desk).decisions == []


def test_the_next_undecided_chunk_goes_round(desk):
    for chunk in (0, 1, 3):
        desk.enter(chunk)
        desk.verdict("approve")
    assert desk.next_undecided() == 4
    desk.enter(4)
    desk.verdict("approve")
    assert desk.next_undecided() == 2
    desk.enter(2)
    assert desk.next_undecided() is None
    desk.verdict("approve")
    assert desk.next_undecided() is None


def test_a_note_or_label_alone_leaves_a_chunk_undecided(desk, mast):
    desk.enter(1)
    desk.note("hm")
    desk.add_label(mast, mast.modes[0], 5, 5, [])
    desk.enter(0)
    assert desk.next_undecided() == 1


def test_labels_with_evidence(desk, mast, store):
    wanted = quote_evidence(store, desk.run, 8, "Two candidates")
    wish = EvidenceWish(7, wanted.part, wanted.start, wanted.end)
    desk.enter(1)
    label = desk.add_label(mast, mast.modes[3], 7, 8, [wish])
    assert [item.quote for item in label.evidence] == ["Two candidates"]
    assert again(desk).labels() == [label]
    desk.add_evidence(label, [EvidenceWish(10, 0, 0, 3)])
    (label,) = again(desk).labels()
    assert (label.first, label.last, len(label.evidence)) == (7, 10, 2)
    desk.stretch_label(label, 2)
    (label,) = again(desk).labels()
    assert (label.first, label.last) == (2, 10)
    desk.change_label(label, sure=False, note="n")
    (label,) = again(desk).labels()
    assert (label.sure, label.note) == (False, "n")
    desk.remove_label(label)
    assert again(desk).decisions == []


def test_labels_of_other_chunks_stay_with_their_chunk(desk, mast):
    label = desk.add_label(mast, mast.modes[0], 0, 0, [])
    desk.enter(3)
    desk.change_label(label, sure=False)
    assert list(again(desk).decided()) == [0]
    desk.remove_label(again(desk).labels()[0])
    assert again(desk).decisions == []


def test_a_label_is_changed_from_another_policy(desk, mast):
    label = desk.add_label(mast, mast.modes[0], 0, 0, [])
    other = again(desk, "every:3")
    other.enter(4)
    other.change_label(label, sure=False)
    assert [item.sure for item in again(desk).labels()] == [False]
    assert len(again(desk).decisions) == 1


def test_decisions_of_another_policy_decide_nothing_here(desk):
    desk.verdict("approve")
    other = again(desk, "every:2")
    assert other.decided() == {}
    assert other.decision is None
    assert len(other.decisions) == 1
    other.set_policy("every:5", 0)
    assert list(other.decided()) == [0]


def test_a_chunk_that_is_the_same_under_both_policies_is_decided_in_both(desk):
    desk.enter(4)
    desk.verdict("approve")  # steps 21 and 22
    assert list(again(desk, "every:2").decided()) == [10]


@pytest.mark.parametrize("policy", ["handoff", "turn", "effects", "declared", "tokens:500", "every:1", "every:1000000"])
def test_under_any_policy_all_chunks_can_be_decided(desk, policy):
    other = again(desk, policy)
    for chunk in range(len(other.chunks)):
        other.enter(chunk)
        other.verdict("approve")
    assert other.next_undecided() is None
    assert len(again(desk, policy).decided()) == len(other.chunks)


def test_a_wrong_policy_changes_nothing(desk):
    with pytest.raises(UsageError):
        desk.set_policy("every:0", 3)
    assert str(desk.policy) == "every:5"
    assert len(desk.chunks) == 5


def test_the_whole_run(desk, mast):
    desk.whole_run = True
    assert desk.bounds == (0, 21)
    desk.verdict("stop")
    desk.add_label(mast, mast.modes[0], *desk.bounds, [])
    assert desk.decision.scope == "run"
    assert desk.decision.judged
    desk.whole_run = False
    assert desk.decision is None
    assert desk.decided() == {}


def test_none_of_several_codebooks(desk, mast):
    books = list(load_all([]))
    desk.none(books)
    assert set(desk.decision.none) == {book.id for book in books}
    assert desk.says_none(books)
    desk.none(books)
    assert desk.decision is None
    assert not desk.says_none(books)


def test_undo_and_redo_say_where(desk, mast):
    desk.verdict("approve")
    desk.enter(2)
    desk.verdict("stop")
    desk.whole_run = True
    desk.note("all of it")
    whole, third, first = Undone(True, 0, 21), Undone(False, 10, 14), Undone(False, 0, 4)
    desk.whole_run = False
    assert [desk.undo() for _ in range(4)] == [whole, third, first, None]
    assert not desk.whole_run, "what the next decision is about is for the reviewer to say"
    assert [desk.redo() for _ in range(4)] == [first, third, whole, None]
    assert len(again(desk).decisions) == 3


def test_reviewers_do_not_see_each_other(desk):
    desk.verdict("approve")
    bob = again(desk, reviewer="bob")
    assert bob.decisions == []
    bob.verdict("stop")
    assert [item.verdict for item in again(desk).decisions] == ["approve"]
    assert bob.undo() == Undone(False, 0, 4)
    assert bob.undo() is None


def test_answers(desk, store, checkout_db, mast):
    claims = [("reasoning-action-mismatch", 2, 2, "orders"), ("incorrect-verification", 8, 8, "Two candidates")]
    first, second = suggest(checkout_db, desk.run, claims)
    desk.reload()
    assert [item.id for item in desk.open_suggestions()] == [first.id]
    desk.answer(desk.open_suggestions()[0], "accept")
    desk.enter(1)
    assert [item.id for item in desk.open_suggestions()] == [second.id]
    desk.answer(desk.open_suggestions()[0], "relabel", (mast, mast.modes[0]))
    assert [label.mode for label in desk.labels()] == ["reasoning-action-mismatch", mast.modes[0].slug]
    assert desk.answers() == {first.id: "accept", second.id: "relabel"}
    with ledger_of(checkout_db) as ledger:
        answers = [op for event in ledger.history(desk.run) for op in event.data["ops"] if op["op"] == "answer"]
    assert all(answer["seconds"] is not None and answer["label"] for answer in answers)


def test_changing_an_answer_from_another_chunk(desk, checkout_db):
    """A suggestion over two chunks: rejecting in the one takes away what accepting in the other had made."""
    suggest(checkout_db, desk.run, [("reasoning-action-mismatch", 5, 6, "a")])
    desk.reload()
    desk.answer(desk.open_suggestions()[0], "accept")
    desk.enter(1)
    desk.answer(desk.open_suggestions()[0], "reject")
    assert set(desk.answers().values()) != {"accept"}
    assert desk.labels() == []


def test_time_on_a_chunk_is_measured_and_limited(desk, monkeypatch):
    now = time.monotonic()
    monkeypatch.setattr(desk_module.time, "monotonic", lambda: now)
    desk.enter(1)
    now += 42
    desk.verdict("approve")
    desk.enter(2)
    now += 100_000
    desk.verdict("approve")
    with ledger_of(desk.store.path) as ledger:
        assert [event.data["seconds"] for event in ledger.history(desk.run)] == [42.0, 900.0]


def test_an_empty_run_has_nothing_to_decide_on(db, tmp_path):
    from helpers import load

    file = tmp_path / "empty.lines"
    file.write_text('{"run": {"title": "nothing in it"}}\n')
    with Store.open(db) as store:
        (imported,) = load(store, file)
        run = catalog.run_by_id(store, imported.run)
        desk = Desk(store, run, "ann", "every:5")
        assert desk.bounds == (0, 0)
        assert desk.decision is None
        assert desk.next_undecided() is None
        desk.whole_run = True
        with pytest.raises(UserError, match="no steps"):
            desk.verdict("approve")


def test_a_run_that_grows(db, tmp_path):
    from helpers import put

    with Store.open(db) as store:
        run = put(store, tmp_path / "a.lines", [f"s{number}" for number in range(7)])
        desk = Desk(store, run, "ann", "every:5")
        desk.verdict("approve")
        assert not desk.refresh_run()
        longer = put(store, tmp_path / "a.lines", [f"s{number}" for number in range(13)])
        assert longer.id == run.id
        assert desk.refresh_run()
        assert (desk.run.steps, len(desk.chunks)) == (13, 3)
        desk.reload()
        assert list(desk.decided()) == [0]


# -- the side panel -----------------------------------------------------------------------------------------------


def lines(rows) -> list[str]:
    return ["".join(piece[0] for piece in rows.pieces(number, 40) if piece) for number in range(len(rows))]


def side(desk: Desk, width: int = 40, current: str | None = None):
    decision = desk.decision
    return side_rows(
        decision, list(decision.labels) if decision else [], desk.open_suggestions(), answers=desk.answers(),
        width=width, title="chunk 1", current=current, silence=Silence(desk.looks, blind=desk.blind),
    )  # fmt: skip


def test_an_empty_panel_says_what_it_is_empty_of(desk):
    text = "\n".join(lines(side(desk)))
    assert "SUGGESTIONS" in text
    assert "no detector" in text
    assert "LABELS · chunk 1" in text
    assert "none yet" in text


@pytest.mark.parametrize("width", [20, 40, 60])
def test_the_panel_tells_everything(desk, mast, checkout_db, width):
    suggest(checkout_db, desk.run, [("reasoning-action-mismatch", 2, 2, "orders")], probability=0.97)
    desk.reload()
    first = desk.add_label(mast, mast.modes[0], 1, 2, [EvidenceWish(1, 0, 0, 13)])
    second = desk.add_label(mast, mast.modes[1], 1, 1, [])
    desk.change_label(second, caused_by=first.id, sure=False, note="because of that")
    desk.change_label(first, root_cause=True)
    desk.note("a note \x1b[2J [red]here[/]")
    desk.verdict("rollback", 1)
    rows = side(desk, width, f"label:{first.id}")
    text = " ".join(" ".join(lines(rows)).split())
    for word in ("0.97", "◇", "◆", mast.modes[0].code, "steps 2–3", "because of that", "rolled back to before step 2"):
        assert word in text
    if width >= 40:
        for word in ("root cause", f"follows {mast.modes[0].code}", "maybe", "Incident 4127", "[red]here[/]"):
            assert word in text
    assert "\x1b" not in text
    keys = [rows.key(number) for number in range(len(rows))]
    assert {f"label:{first.id}", f"label:{second.id}"} < set(keys)
    assert any(line.startswith("›◆") for line in lines(rows))


def test_every_verdict_has_glyph_and_word():
    from labels.model import VERDICTS

    assert set(VERDICT_GLYPH) == set(VERDICT_WORD) == set(VERDICTS)
    assert len(set(VERDICT_GLYPH.values())) == len(VERDICTS)


def test_steps_for_people():
    assert (steps_text(0, 0), steps_text(0, 1), steps_text(999, 1999)) == ("step 1", "steps 1–2", "steps 1,000–2,000")
