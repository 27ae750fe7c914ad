"""Codes in the log: given, taken, renamed, merged, split; undone and redone; across databases; who may see what."""

from pathlib import Path

import pytest
from coding_desk import MAST, CodingDesk
from helpers import quick
from hypothesis import given
from hypothesis import strategies as st

from labels import beside, events, ledger, queues
from labels.coding.coder import codes_of
from labels.coding.fold import NoteKey
from labels.coding.history import history
from labels.coding.notes import board
from labels.coding.said import CODE, Coding, code_id
from labels.events import UNDO
from labels.importing.vote import OutsideVote, record
from labels.merging import merge
from labels.model import RemoveLabel, SetNote
from labels.queues import hidden
from sessions.errors import UsageError, UserError
from sessions.store import Store


def test_notes_of_decisions_and_labels_with_their_anchors(desk: CodingDesk):
    plain = desk.note("went the wrong way", run=1, chunk=1)
    label = desk.label_note("reads the wrong clock", run=0, step=2, quote="step 2")
    whole = desk.note("all in all too slow", run=2, chunk=None)
    found = desk.board()
    assert [note.key for note in found.notes] == [label, plain, whole]
    one, two, three = found.notes
    assert (one.text, one.quotes, one.first, one.mode) == ("reads the wrong clock", ["step 2"], 2, MAST.modes[0].slug)
    assert (two.number, two.first, two.last, two.quotes, two.policy) == (2, 2, 3, [], "every:2")
    assert (three.scope, three.key.chunk) == ("run", "run")
    assert found.uncoded == 3


def test_a_note_that_is_emptied_removed_or_undone_is_gone(desk: CodingDesk):
    key = desk.note("first words")
    desk.act("ann", 0, 0, SetNote(text="other words"))
    assert desk.board().by_key[key].text == "other words"
    desk.act("ann", 0, 0, SetNote(text="  "))
    assert not desk.board().notes
    ledger.Ledger(desk.store, "ann").undo(desk.runs[0])
    assert desk.board().by_key[key].text == "other words"
    label = desk.label_note("of a label", run=1)
    desk.act("ann", 1, 0, RemoveLabel(id=label.label))
    assert [note.key for note in desk.board().notes] == [key]


def test_one_code_for_several_notes_and_several_codes_for_one(desk: CodingDesk):
    one, two = desk.note("a", run=0), desk.note("b", run=1)
    coder = desk.coder()
    coder.assign("wrong clock", [one, two])
    coder.assign("too slow", [one])
    assert desk.shown() == {"wrong clock": ["a", "b"], "too slow": ["a"]}
    assert [code.name for code in desk.board().of[one]] == ["wrong clock", "too slow"]
    with pytest.raises(UserError, match="have that code already"):
        coder.assign("Wrong-Clock", [two, one])
    coder.unassign(code_id("wrong clock"), [one])
    assert desk.shown() == {"too slow": ["a"], "wrong clock": ["b"]}
    with pytest.raises(UserError, match="no note has that code"):
        coder.unassign(code_id("wrong clock"), [one])


def test_uncoded_notes_come_first(desk: CodingDesk):
    one, two = desk.note("a", run=0), desk.note("b", run=1)
    desk.coder().assign("x", [one])
    assert [note.key for note in desk.board().notes] == [two, one]
    assert desk.board().uncoded == 1


def test_what_people_wrote_comes_before_what_was_imported(desk: CodingDesk):
    record(desk.store, desk.runs[0], OutsideVote("ann", "corpus", MAST, (), note="imported"))
    desk.note("own", run=1)
    assert [note.text for note in desk.board().notes] == ["own", "imported"]


def test_renaming_keeps_the_old_name_known(desk: CodingDesk):
    one, two = desk.note("a", run=0), desk.note("b", run=1)
    coder = desk.coder()
    code = coder.assign("clock", [one])
    coder.rename(code.id, "wrong time zone")
    coder.assign("clock", [two])
    assert desk.shown() == {"wrong time zone": ["a", "b"]}
    assert desk.board().code("CLOCK").former == ["clock"]
    coder.rename(code.id, "Wrong time zone")  # the same code, written otherwise
    other = coder.assign("other", [one])
    with pytest.raises(UserError, match="Merge the two"):
        coder.rename(other.id, "clock")


def test_merge_and_split_keep_history_and_can_be_taken_back(desk: CodingDesk):
    one, two, three = (desk.note(text, run=place) for place, text in enumerate("abc"))
    coder = desk.coder()
    clock, zone = coder.assign("clock", [one, two]), coder.assign("zone", [two, three])
    coder.merge([zone.id], clock.id)
    assert desk.shown() == {"clock": ["a", "b", "c"]}
    assert desk.board().code("zone").name == "clock"
    coder.split(clock.id, "leap second", [three])
    assert desk.shown() == {"clock": ["a", "b"], "leap second": ["c"]}
    assert [said["op"] for _, said in desk.board().every.history] == ["assign", "assign", "merge", "split"]
    assert coder.undo()
    assert coder.undo()
    assert desk.shown() == {"clock": ["a", "b"], "zone": ["b", "c"]}
    coder.redo()
    assert desk.shown() == {"clock": ["a", "b", "c"]}
    coder.redo()
    assert coder.redo() is None
    assert desk.shown() == {"clock": ["a", "b"], "leap second": ["c"]}


def test_the_history_tells_each_act_by_the_names_of_its_time(desk: CodingDesk):
    one, two, three = (desk.note(text, run=place) for place, text in enumerate("abc"))
    coder = desk.coder()
    clock = coder.assign("clock", [one, two])
    zone = coder.assign("zone", [three])
    coder.rename(clock.id, "wrong clock")
    coder.merge([zone.id], clock.id)
    coder.split(clock.id, "part", [one])
    coder.unassign(clock.id, [two])
    coder.assign("gone again", [one])
    coder.undo()
    coder.promote(clock.id, MAST.ref, "some-mode")
    words = [item.words for item in history(desk.board())]
    assert words == [
        "'clock' given to 2 notes", "'zone' given to 1 note", "'clock' called 'wrong clock'",
        "'zone' merged into 'wrong clock'", "'part' split off 'wrong clock' with 1 note",
        "'wrong clock' taken from 1 note", f"'wrong clock' promoted to some-mode@mast {MAST.version}",
    ]  # fmt: skip
    board = desk.board()
    assert [item.op for item in history(board, board.code("part"))] == ["split"]
    assert len(history(board, board.code("zone"))) == 7


def test_a_hidden_codes_history_is_hidden(desk: CodingDesk):
    queues.create(desk.store, "q", [desk.runs[0]], policy="every:2")
    desk.coder("bob").assign("secret", [desk.note("x", run=0, who="bob")])
    assert history(desk.board("ann")) == []
    assert len(history(desk.board("bob"))) == 1


def test_what_a_merge_or_split_cannot_be(desk: CodingDesk):
    one, two = desk.note("a", run=0), desk.note("b", run=1)
    coder = desk.coder()
    clock = coder.assign("clock", [one, two])
    with pytest.raises(UsageError, match="into itself"):
        coder.merge([clock.id], clock.id)
    with pytest.raises(UserError, match="no note to the old code"):
        coder.split(clock.id, "new", [one, two])
    with pytest.raises(UserError, match="none of these notes"):
        coder.split(clock.id, "new", [desk.note("c", run=2)])
    with pytest.raises(UserError, match="not there any more"):
        coder.merge(["0" * 12], clock.id)
    with pytest.raises(UserError, match="not there any more"):
        coder.assign("x", [NoteKey(desk.runs[0].id, "ann", "nowhere", "")])
    for name in ("", "   ", "x" * 81, "a\x1b[31m", "a\u202eb", "li\u200bne"):
        with pytest.raises(UsageError, match="cannot be a code's name"):
            coder.assign(name, [one])
    assert len(events.of_runs(desk.store, [""])) == 1


def test_undo_is_each_persons_own_and_a_new_act_clears_redo(desk: CodingDesk):
    one = desk.note("a")
    desk.coder("ann").assign("x", [one])
    desk.coder("bob").assign("y", [one])
    assert desk.coder("ann").undo()
    assert desk.shown() == {"y": ["a"]}
    desk.coder("ann").assign("z", [one])
    assert desk.coder("ann").redo() is None
    assert desk.coder("cat").undo() is None
    assert not events.verify(desk.store)


def test_undoing_decisions_does_not_touch_codes_and_the_other_way_round(desk: CodingDesk):
    one = desk.note("a")
    desk.coder().assign("x", [one])
    ledger.Ledger(desk.store, "ann").undo(desk.runs[0])
    assert desk.shown() == {}  # its note is gone, so nothing that may be seen has it
    ledger.Ledger(desk.store, "ann").redo(desk.runs[0])
    assert desk.shown() == {"x": ["a"]}
    before = desk.store.query("SELECT * FROM decision")
    ledger.rebuild(desk.store)
    assert desk.store.query("SELECT * FROM decision") == before
    assert desk.shown() == {"x": ["a"]}


# -- several databases ----------------------------------------------------------------------------------------------


def test_two_who_work_apart_have_one_code_of_a_name_after_merging(tmp_path: Path):
    with Store.open(tmp_path / "a.db") as mine, Store.open(tmp_path / "b.db") as theirs:
        ann, bob = CodingDesk(mine, tmp_path / "a"), CodingDesk(theirs, tmp_path / "b")
        ann.coder("ann").assign("wrong clock", [ann.note("a", who="ann")])
        code = bob.coder("bob").assign("Wrong Clock", [bob.note("b", who="bob", run=1)])
        bob.coder("bob").rename(code.id, "time zone")
        merge(mine, theirs.path)
        assert {name: sorted(notes) for name, notes in ann.shown("ann").items()} == {"time zone": ["a", "b"]}
        merge(mine, theirs.path)
        merge(theirs, mine.path)
        assert bob.shown("bob") == ann.shown("bob")
        assert codes_of(mine).codes.keys() == codes_of(theirs).codes.keys()
        assert merge(mine, theirs.path).decisions == 0


def test_what_was_known_of_comes_first_whatever_the_origins(tmp_path: Path):
    """Bob merges two codes after having got Ann's; her later act on the one that went does not part them."""
    with Store.open(tmp_path / "a.db") as mine, Store.open(tmp_path / "b.db") as theirs:
        ann, bob = CodingDesk(mine, tmp_path / "a"), CodingDesk(theirs, tmp_path / "b")
        first, second = ann.note("a"), ann.note("b", run=1)
        one, two = ann.coder("ann").assign("one", [first]), ann.coder("ann").assign("two", [second])
        merge(theirs, mine.path)
        bob.coder("bob").merge([two.id], one.id)
        ann.coder("ann").assign("two", [ann.note("c", run=2)])
        merge(mine, theirs.path)
        merge(theirs, mine.path)
        for store in (mine, theirs):
            assert {code.name: len(code.notes) for code in board(store, "ann").codes} == {"one": 3}


def test_merging_each_into_the_other_leaves_one(tmp_path: Path):
    with Store.open(tmp_path / "a.db") as mine, Store.open(tmp_path / "b.db") as theirs:
        ann, bob = CodingDesk(mine, tmp_path / "a"), CodingDesk(theirs, tmp_path / "b")
        one = ann.coder("ann").assign("one", [ann.note("a")])
        two = ann.coder("ann").assign("two", [ann.note("b", run=1)])
        merge(theirs, mine.path)
        ann.coder("ann").merge([one.id], two.id)
        bob.coder("bob").merge([two.id], one.id)
        merge(mine, theirs.path)
        merge(theirs, mine.path)
        assert len(codes_of(mine).codes) == len(codes_of(theirs).codes) == 1
        assert [code.name for code in codes_of(mine).codes.values()] == [
            code.name for code in codes_of(theirs).codes.values()
        ]


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"said": {"op": "assign", "notes": [], "code": "x", "name": "y"}},
        {"said": {"op": "rename", "code": "x", "name": "\x1b[31m"}},
        {"said": {"op": "explode", "code": "x"}},
        {"said": {"op": "merge", "codes": ["x"], "into": "y"}, "more": 1},
    ],
)
def test_a_merge_refuses_what_is_no_coding(tmp_path: Path, payload: dict[str, object]):
    with Store.open(tmp_path / "a.db") as mine, Store.open(tmp_path / "b.db") as theirs:
        with theirs.write() as tx:
            events.append(tx, kind=CODE, reviewer="eve", run="", content_id=None, chunk="", payload=payload)
        with pytest.raises(UserError, match="is no event of review-tui"):
            merge(mine, theirs.path)
        assert not mine.query("SELECT * FROM event")


def test_a_merge_refuses_a_coding_that_is_filed_under_a_run(tmp_path: Path):
    with Store.open(tmp_path / "a.db") as mine, Store.open(tmp_path / "b.db") as theirs:
        said = Coding.model_validate({"said": {"op": "rename", "code": "x", "name": "y"}})
        with theirs.write() as tx:
            events.append(tx, kind=CODE, reviewer="e", run="r", content_id=None, chunk="", payload=said.payload())
        with pytest.raises(UserError, match="names a run"):
            merge(mine, theirs.path)


@quick(25)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3), st.integers(0, 3)), max_size=25))
def test_whatever_is_done_and_undone_folds_to_one_thing(
    tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[int, int, int]]
):
    """Undoing everything leaves nothing, redoing it brings it all back; each note is in each code once."""
    folder = tmp_path_factory.mktemp("fold")
    with Store.open(folder / "review.db") as store:
        desk = CodingDesk(store, folder / "runs", runs=2)
        notes = [desk.note(f"note {n}", run=n % 2, chunk=n // 2) for n in range(4)]
        coder = desk.coder()
        for what, one, two in acts:
            codes = list(codes_of(store).codes)
            pick = [codes[n % len(codes)] for n in (one, two)] if codes else ["none", "none"]
            try:
                if what <= 2:
                    coder.assign(f"code {one}", notes[two:])
                elif what == 3:
                    coder.merge([pick[0]], pick[1])
                elif what == 4:
                    coder.split(pick[0], f"part {two}", notes[one:])
                elif what == 5:
                    coder.rename(pick[0], f"name {two}")
                else:
                    coder.unassign(pick[0], notes[one:])
            except (UserError, UsageError):
                continue
        said = desk.shown()
        for code in codes_of(store).codes.values():
            assert len(set(code.notes)) == len(code.notes)
        count = 0
        while coder.undo():
            count += 1
        assert desk.shown() == {}
        while coder.redo():
            count -= 1
        assert (desk.shown(), count) == (said, 0)
        assert not events.verify(store)


# -- who may see what -----------------------------------------------------------------------------------------------


def test_in_a_queue_others_notes_and_their_codes_come_after_ones_own_verdict(desk: CodingDesk):
    queues.create(desk.store, "q", [desk.runs[0]], policy="every:2")
    theirs = desk.note("seen by bob", run=0, chunk=0, who="bob")
    free = desk.note("in no queue", run=1, who="bob")
    desk.coder("bob").assign("secret name", [theirs])
    desk.coder("bob").assign("open name", [free])
    found = desk.board("ann")
    assert ([note.text for note in found.notes], found.hidden) == (["in no queue"], 1)
    assert [code.name for code in found.codes] == ["open name"]
    with pytest.raises(UserError, match="there is no code"):
        found.code("secret name")
    mine = desk.note("mine", run=0, chunk=0, who="ann")
    assert {note.text for note in desk.board("ann").notes} == {"in no queue", "mine", "seen by bob"}
    assert {code.name for code in desk.board("ann").codes} == {"open name", "secret name"}
    hides = hidden(desk.store, desk.runs[0], "ann")
    for note in desk.board("bob").notes:
        if note.key.run == desk.runs[0].id:
            seen = note.key in desk.board("ann").by_key
            assert seen != hides(note.key.reviewer, note.key.chunk)
    assert mine in desk.board("ann").by_key


def test_a_hidden_code_of_the_same_name_is_the_same_code(desk: CodingDesk):
    queues.create(desk.store, "q", [desk.runs[0]], policy="every:2")
    desk.coder("bob").assign("clock", [desk.note("hidden", run=0, who="bob")])
    desk.coder("ann").assign("clock", [desk.note("mine", run=1, who="ann")])
    assert desk.shown("ann") == {"clock": ["mine"]}
    assert desk.shown("bob") == {"clock": ["hidden", "mine"]}


# -- databases of before --------------------------------------------------------------------------------------------


def test_what_earlier_decisions_lack_is_derived_once(desk: CodingDesk):
    key, label = desk.note("a"), desk.label_note("b", run=1, step=3)
    rows = {table: sorted(desk.store.query(f"SELECT * FROM {table}")) for table in beside.TABLES}
    with desk.store.write() as tx:
        for table in beside.TABLES:
            tx.execute(f"DELETE FROM {table}")
        tx.execute("INSERT INTO meta VALUES ('beside', 'behind')")
    assert {note.key for note in desk.board().notes} == {key, label}
    assert {table: sorted(desk.store.query(f"SELECT * FROM {table}")) for table in beside.TABLES} == rows
    assert not desk.store.query("SELECT * FROM meta WHERE name = 'beside'")


def test_an_empty_database_has_nothing_to_code(tmp_path: Path):
    with Store.open(tmp_path / "review.db") as store:
        found = board(store, "ann")
        assert (found.notes, found.codes, found.hidden) == ([], [], 0)


def test_undo_events_of_codes_are_of_their_own_kind(desk: CodingDesk):
    desk.coder().assign("x", [desk.note("a")])
    desk.coder().undo()
    kinds = [(event.kind, event.run) for event in events.of_runs(desk.store, [""])]
    assert kinds == [(CODE, ""), (UNDO, "")]
