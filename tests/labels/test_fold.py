import orjson
import pytest

from labels import fold
from labels.codebook_ref import CodebookRef
from labels.events import DECIDE, REDO, UNDO, Event
from labels.model import (
    Act,
    Clear,
    Label,
    Op,
    RemoveLabel,
    SetAnswer,
    SetLabel,
    SetNone,
    SetNote,
    SetVerdict,
    StepRef,
    Target,
)

STEP = StepRef(id="s", index=0)
TARGET = Target(id="c", scope="chunk", number=1, first=STEP, last=STEP, policy="every:5")
MAST = CodebookRef(id="mast", version="1", sha256="00")
SAFETY = CodebookRef(id="safety", version="1", sha256="11")


def label(id: str, book: CodebookRef = MAST, **more: object) -> Label:
    return Label.model_validate({"id": id, "mode": "m", "codebook": book, "first": STEP, "last": STEP, **more})


def event(seq: int, kind: str, payload: dict, reviewer: str = "ann") -> Event:
    text = orjson.dumps(payload).decode()
    return Event("o", seq, kind, reviewer, "u", f"t{seq}", "r", None, "c", text, "", "")


def log(*entries: object) -> list[Event]:
    """Events: a tuple of operations decides, ("undo", n) and ("redo", n) name the event they act on."""
    events = []
    for seq, entry in enumerate(entries, 1):
        if isinstance(entry, tuple) and entry and entry[0] in (UNDO, REDO):
            events.append(event(seq, entry[0], {"target": f"o:{entry[1]}"}))
        else:
            act = entry if isinstance(entry, Act) else said(*entry)
            events.append(event(seq, DECIDE, act.model_dump(mode="json")))
    return events


def said(*ops: Op, **more: object) -> Act:
    return Act.model_validate({"target": TARGET, "ops": ops, "blind_suggestions": False, "blind_votes": False, **more})


def ends_with(*entries: object):
    return fold.decision(log(*entries), "r")


APPROVE, STOP = SetVerdict(verdict="approve"), SetVerdict(verdict="stop")


def test_nothing_said_is_no_decision() -> None:
    assert ends_with() is None
    assert ends_with(()) is None
    assert ends_with((APPROVE,), (SetVerdict(verdict=None),)) is None


def test_the_last_word_holds() -> None:
    assert ends_with((APPROVE,), (STOP,)).verdict == "stop"
    assert ends_with((SetNote(text="a"),), (SetNote(text="b"),)).note == "b"
    back = SetVerdict(verdict="rollback", to=STEP)
    assert (ends_with((back,)).to, ends_with((back,), (STOP,)).to) == (STEP, None)


def test_labels_are_added_replaced_and_removed_by_their_id() -> None:
    one, two, changed = label("1"), label("2"), label("1", note="changed")
    assert ends_with((SetLabel(label=one), SetLabel(label=two))).labels == (one, two)
    assert ends_with((SetLabel(label=one), SetLabel(label=two)), (SetLabel(label=changed),)).labels == (changed, two)
    assert ends_with((SetLabel(label=one), SetLabel(label=two)), (RemoveLabel(id="1"),)).labels == (two,)
    assert ends_with((SetLabel(label=one),), (RemoveLabel(id="unknown"),)).labels == (one,)


def test_a_consequence_outlives_its_cause_without_the_link() -> None:
    cause, consequence = label("1", root_cause=True), label("2", caused_by="1", note="kept")
    left = ends_with((SetLabel(label=cause), SetLabel(label=consequence)), (RemoveLabel(id="1"),)).labels
    assert left == (label("2", note="kept"),)


def test_a_label_takes_none_of_its_codebook_back() -> None:
    none = (SetNone(codebook=MAST), SetNone(codebook=SAFETY))
    assert ends_with(none).none == (MAST, SAFETY)
    assert ends_with(none, (SetLabel(label=label("1")),)).none == (SAFETY,)
    assert ends_with(none, (SetNone(codebook=MAST, value=False),)).none == (SAFETY,)
    newer = CodebookRef(id="mast", version="2", sha256="22")
    assert ends_with(none, (SetNone(codebook=newer),)).none == (SAFETY, newer)


def test_answers_are_given_changed_and_taken_back() -> None:
    accept = SetAnswer(suggestion="s1", answer="accept", label="1", seconds=2.0)
    assert ends_with((accept,)).answers["s1"].label == "1"
    assert ends_with((accept,), (SetAnswer(suggestion="s1", answer="reject"),)).answers["s1"].answer == "reject"
    assert ends_with((accept,), (SetAnswer(suggestion="s1", answer=None),)) is None


def test_clear_forgets_what_was_said_but_not_that_it_was_blind() -> None:
    first = said(APPROVE, SetLabel(label=label("1")), blind_suggestions=True, blind_votes=True, seconds=9.0)
    after = ends_with(first, said(Clear(), SetNote(text="anew")))
    assert (after.verdict, after.labels, after.note, after.seconds) == (None, (), "anew", 9.0)
    assert (after.blind_suggestions, after.blind_votes) == (True, True)


@pytest.mark.parametrize("blind", [True, False])
def test_blind_is_what_the_first_word_was(blind: bool) -> None:
    first = said(APPROVE, blind_suggestions=blind, blind_votes=blind)
    second = said(STOP, blind_suggestions=not blind, blind_votes=not blind)
    assert ends_with(first, second).blind_suggestions is blind
    undone = fold.decision(log(first, second, (UNDO, 1)), "r")
    assert (undone.verdict, undone.blind_votes) == ("stop", not blind)


def test_undo_and_redo_name_the_event_they_act_on() -> None:
    assert ends_with((APPROVE,), (STOP,), (UNDO, 2)).verdict == "approve"
    assert ends_with((APPROVE,), (STOP,), (UNDO, 2), (UNDO, 1)) is None
    assert ends_with((APPROVE,), (STOP,), (UNDO, 2), (REDO, 2)).verdict == "stop"
    assert ends_with((APPROVE,), (STOP,), (UNDO, 2), (SetNote(text="n"),)).verdict == "approve"


def test_the_stacks() -> None:
    def both(*entries: object) -> tuple[list[str], list[str]]:
        found = fold.stacks(log(*entries))
        return found.undo, found.redo

    assert both() == ([], [])
    assert both((APPROVE,), (STOP,)) == (["o:1", "o:2"], [])
    assert both((APPROVE,), (STOP,), (UNDO, 2), (UNDO, 1)) == ([], ["o:2", "o:1"])
    assert both((APPROVE,), (STOP,), (UNDO, 2), (UNDO, 1), (REDO, 1)) == (["o:1"], ["o:2"])
    assert both((APPROVE,), (STOP,), (UNDO, 2), (APPROVE,)) == (["o:1", "o:4"], [])
    assert both((APPROVE,), (UNDO, 9), (REDO, 1)) == (["o:1"], [])
