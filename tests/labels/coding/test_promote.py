"""A code becomes a mode of one's own codebook, and what was decided on its notes comes back."""

import tomllib
from pathlib import Path

import pytest
from coding_desk import MAST, CodingDesk
from helpers import quick
from hypothesis import given
from hypothesis import strategies as st

from labels import codebook_write, queue_next, queue_progress, queues
from labels.codebook import BUILT_IN, Mode, load
from labels.codebook_write import add_mode, create, quoted, raised
from labels.coding.promote import Promoted, Wanted, promote, slug_of
from labels.coding.seen import notes_read
from labels.coding.undoing import redo, undo
from labels.queue_again import Wish, bring_back, reason_for
from sessions.errors import UsageError, UserError

OWN = '''# our own modes
id = "ours"
version = "1.9"   # raise me
title = "Ours"

[[category]]
id = "A"
name = "Group"

[[mode]]
slug = "first"   # the first one
code = "A.1"
category = "A"
name = "First"
definition = """
It has
lines."""
'''


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "ours.toml"
    path.write_text(OWN)
    return path


def made(
    desk: CodingDesk, path: Path, wanted: Wanted | None = None, name: str = "wrong clock", **more: bool
) -> Promoted:
    board = desk.board()
    return promote(desk.store, desk.coder(), board, board.code(name), path, wanted, **more)


def test_the_mode_has_the_quotes_of_its_notes_and_the_file_is_otherwise_as_it_was(desk: CodingDesk, own: Path):
    keys = [desk.label_note("reads the wrong clock", run=n, step=n, quote=f"step {n}") for n in range(2)]
    desk.coder().assign("wrong clock", [*keys, desk.note("wrong clock, no quote", run=2)])
    found = made(desk, own)
    assert (found.created, found.book.version, found.mode.slug, found.quotes, found.notes) == (
        False,
        "1.10",
        "wrong-clock",
        2,
        3,
    )
    assert own.read_text().startswith(OWN.replace('"1.9"', '"1.10"').rstrip("\n"))
    mode = load(own).by_slug["wrong-clock"]
    assert mode.example is not None
    assert sorted(mode.example.text.split("\n\n")) == ["[step 1] step 0", "[step 2] step 1"]
    assert mode.example.why == "reads the wrong clock"
    assert mode.definition in {"reads the wrong clock", "wrong clock, no quote"}
    assert mode.note == 'From the open code "wrong clock": 3 notes in 3 runs, by 1 reviewer.'
    assert desk.board().code("wrong clock").promoted == [("ours", "1.10", "wrong-clock")]
    with pytest.raises(UsageError, match="has a mode 'wrong-clock' already"):
        made(desk, own)


def test_a_new_file_and_own_wishes(desk: CodingDesk, tmp_path: Path):
    desk.coder().assign("Öl: 3 × kaputt", [desk.note("kaputt")])
    path = tmp_path / "field-notes.toml"
    wanted = Wanted(
        name="Broken", code="X.1", definition="It breaks three times in a row without a word.", version="2026.1"
    )
    found = made(desk, path, wanted, "Öl: 3 × kaputt", requeue=False)
    assert (found.created, found.book.id, found.book.version) == (True, "field-notes", "2026.1")
    assert (found.mode.slug, found.mode.label, found.mode.example) == ("broken", "X.1 Broken", None)
    assert found.mode.aliases == ("Öl: 3 × kaputt",)
    assert not queues.queues(desk.store)
    assert load(path).hash == found.book.hash


def test_secrets_and_hostile_text_stay_out_of_the_file(desk: CodingDesk, own: Path):
    secret = "password=hunter2hunter2"
    hostile = "wrong \"\"\" \\ clock \x1b[31m \u202e $(rm) ''' # [[mode]]"
    desk.coder().assign("wrong clock", [desk.label_note(f"{hostile} {secret}", quote=secret)])
    found = made(desk, own)
    text = own.read_text()
    assert found.redacted == 1
    assert "hunter2" not in text
    assert not any(char in text for char in "\x1b\u202e")
    assert "$(rm) ''' # [[mode]]" in load(own).by_slug["wrong-clock"].definition


def test_what_cannot_be_promoted_changes_nothing(desk: CodingDesk, own: Path, tmp_path: Path):
    key = desk.note("a")
    code = desk.coder().assign("wrong clock", [key])
    for path, wanted, words in (
        (own, Wanted(slug="first"), "has a mode 'first' already"),
        (own, Wanted(code="A.1"), "would be no codebook then"),
        (own, Wanted(slug="No Slug"), "must be letters"),
        (own, Wanted(category="Z"), "there is no category"),
        (own, Wanted(version="1.9"), "is version 1.9 already"),
        (tmp_path / "x.txt", None, "no name for a codebook"),
        (tmp_path / "ü.toml", Wanted(id="Not An Id"), "would be no codebook"),
        (BUILT_IN / "mast.toml", None, "comes with the program"),
        (tmp_path, None, "is a folder"),
        (tmp_path / "none" / "x.toml", None, "there is no folder"),
        (own / "tmp" / "x.toml", None, "there is no folder"),
    ):
        with pytest.raises(UserError, match=words):
            made(desk, path, wanted)
    assert own.read_text() == OWN
    assert [item.name for item in tmp_path.glob("*.toml")] == ["ours.toml"]
    assert not [item for item in tmp_path.iterdir() if item.name.startswith(".")]
    assert desk.board().code("wrong clock").promoted == []
    desk.coder().unassign(code.id, [key])
    with pytest.raises(UsageError, match="has no notes"):
        made(desk, own)


def test_the_users_own_folder_is_made(desk: CodingDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(codebook_write, "user_codebook_folder", lambda: tmp_path / "config" / "codebooks")
    desk.coder().assign("wrong clock", [desk.note("a")])
    path = tmp_path / "config" / "codebooks" / "own.toml"
    assert made(desk, path).created
    assert load(path).id == "own"


def test_line_ends_of_windows_stay(own: Path):
    own.write_bytes(OWN.replace("\n", "\r\n").encode())
    add_mode(own, Mode(slug="second", name="Second", definition="More."))
    assert own.read_bytes().count(b"\r\n") >= OWN.count("\n") - 1
    assert load(own).version == "1.10"


@pytest.mark.parametrize(
    ("before", "after"), [("1.0", "1.1"), ("3", "4"), ("2026.09", "2026.10"), ("v1-rc9", "v1-rc10"), ("beta", "beta.1")]
)
def test_versions_go_up(before: str, after: str):
    assert raised(before) == after


@quick(80)
@given(st.text(max_size=60))
def test_any_text_comes_back_from_toml(text: str):
    kept = text.replace("\r\n", "\n")
    expected = "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in kept)
    assert tomllib.loads(f"x = {quoted(kept)}")["x"] == expected


def test_slugs():
    assert slug_of("3 × Wrong  Metric!", "--slug") == "wrong-metric"
    assert slug_of("Zu später Abbruch", "--slug") == "zu-spater-abbruch"
    with pytest.raises(UsageError, match="--slug"):
        slug_of("時計", "--slug")


# -- what comes back -------------------------------------------------------------------------------------------------


def test_those_who_had_decided_get_the_chunks_again_until_they_have_said_something_new(desk: CodingDesk, own: Path):
    noted = desk.note("a", run=0, chunk=1)
    desk.note("elsewhere", run=0, chunk=2)
    desk.none("bob", 0, 1)
    desk.coder().assign("wrong clock", [noted])
    found = made(desk, own)
    (queue,) = queues.queues(desk.store)
    assert (queue.name, queue.items, queue.reviewers, queue.policy) == ("again: wrong clock", 1, 2, "every:2")
    assert (found.back.made, found.back.items, found.back.left) == (["again: wrong clock"], 1, {})
    assert [ref.id for ref in queue.codebooks] == ["ours"]
    for who in ("ann", "bob"):
        given_out = queue_next.take(desk.store, queue, who)
        assert given_out is not None
        assert (given_out.run, given_out.chunk) == (noted.run, noted.chunk)
        assert (
            queue_progress.of_queue(desk.store, queue, who).mine,
            queue_progress.readings(desk.store, queue, who),
        ) == (0, 0)
        assert reason_for(desk.store, noted.run, noted.chunk, who).startswith("wrong-clock@ours is new")
        assert reason_for(desk.store, noted.run, noted.chunk, "cat") == ""  # it tells what others noted
        desk.none(who, 0, 1)
        assert reason_for(desk.store, noted.run, noted.chunk, who) == ""
        assert queue_progress.of_queue(desk.store, queue, who).mine == 1
        assert queue_next.take(desk.store, queue, who) is None
    assert queue_next.take(desk.store, queue, "cat") is None


def test_chunks_of_runs_in_a_queue_come_back_there(desk: CodingDesk, own: Path):
    old = queues.create(desk.store, "old", [desk.runs[0]], policy="every:2")
    noted = desk.note("a", run=0, chunk=1)
    for chunk in (0, 2):
        desk.none("ann", 0, chunk)
    assert queue_next.take(desk.store, old, "ann") is None
    desk.coder().assign("wrong clock", [noted, desk.note("whole", run=0, chunk=None), desk.note("b", run=1)])
    found = made(desk, own)
    assert found.back.queues == {"old": 1, "again: wrong clock": 1}
    assert list(found.back.left.values()) == ["its run is in the queue 'old', which has no such chunk"]
    given_out = queue_next.take(desk.store, old, "ann")
    assert given_out is not None
    assert given_out.chunk == noted.chunk
    desk.none("ann", 0, 1)
    assert queue_next.take(desk.store, old, "ann") is None


def test_nones_come_back_on_request(desk: CodingDesk, own: Path):
    book = load(own)
    desk.none("ann", 1, 0, book)
    desk.coder().assign("wrong clock", [desk.note("a", run=0)])
    found = made(desk, own)
    assert (found.nones, found.back.items) == (1, 1)
    desk.coder().assign("other", [desk.note("b", run=2)])
    found = made(desk, own, None, "other", nones=True)
    assert found.nones == 1
    assert found.back.queues == {"again: other": 2}


def test_chunks_that_cannot_come_back_say_why(desk: CodingDesk):
    found = bring_back(
        desk.store, "again",
        [Wish("gone", "x", "every:2"), Wish(desk.runs[0].id, "none", "every:2"), Wish(desk.runs[1].id, "y", "what")],
        "a test",
    )  # fmt: skip
    assert len(found.left) == 3
    assert found.items == 0


def test_names_of_queues_do_not_clash(desk: CodingDesk):
    run = desk.runs[0]
    chunk = desk.none("ann", 0, 0)
    other = desk.none("ann", 1, 0)
    bring_back(desk.store, "again", [Wish(run.id, chunk, "every:2")], "once")
    found = bring_back(desk.store, "again", [Wish(desk.runs[1].id, other, "every:2")], "twice", MAST)
    assert found.made == ["again (2)"]


def test_a_new_codebook_needs_a_free_path(own: Path):
    with pytest.raises(UserError, match="is there already"):
        create(own, "x", "X", Mode(slug="a", name="A", definition="A."))


# -- what was read stays readable ---------------------------------------------------------------------------------


def test_promoting_hides_no_note_and_no_code(desk: CodingDesk, own: Path):
    """Notes of others, on runs that get into a queue by it: coded ones, uncoded ones, and other codes."""
    keys = [desk.note(f"note {n}", run=n, chunk=n, who="cy") for n in range(3)]
    same_run = desk.note("of the same run", run=0, chunk=1, who="bob")
    desk.coder().assign("wrong clock", keys[:2])
    desk.coder().assign("other", [keys[2], same_run])
    before = desk.board()
    found = made(desk, own)
    assert found.back.made == ["again: wrong clock"]
    after = desk.board()
    assert ({note.key for note in after.notes}, after.hidden) == ({note.key for note in before.notes}, 0)
    assert desk.shown() == {"wrong clock": ["note 0", "note 1"], "other": ["note 2", "of the same run"]}


def test_who_coded_a_note_keeps_it_in_a_queue_and_is_blind_no_more(desk: CodingDesk):
    keys = [desk.note("bob's", run=0, chunk=n, who="bob") for n in range(2)]
    desk.coder().assign("x", [keys[0]])
    queues.create(desk.store, "q", [desk.runs[0]], policy="every:2")
    board = desk.board()
    assert ([note.key for note in board.notes], board.hidden) == ([keys[0]], 1)
    assert undo(desk.coder()) is not None
    assert [note.key for note in desk.board().notes] == [keys[0]]  # taking the code back makes nobody forget
    assert desk.board("eve").notes == []
    read = [notes_read(desk.store, desk.runs[0], "ann", key.chunk) for key in keys]
    assert read == [True, False]
    assert not any(notes_read(desk.store, desk.runs[0], who, keys[0].chunk) for who in ("bob", "eve"))


def test_on_what_came_back_because_of_notes_others_do_not_decide_blind(desk: CodingDesk, own: Path):
    key = desk.note("a", who="bob")
    desk.coder().assign("wrong clock", [key])
    assert not notes_read(desk.store, desk.runs[0], "eve", key.chunk)
    made(desk, own)
    assert notes_read(desk.store, desk.runs[0], "eve", key.chunk)
    assert not notes_read(desk.store, desk.runs[0], "bob", key.chunk)  # it is his own


def test_undoing_a_promotion_takes_its_queue_back(desk: CodingDesk, own: Path):
    old = queues.create(desk.store, "old", [desk.runs[2]], policy="every:2")
    desk.coder().assign("wrong clock", [desk.note("a"), desk.note("b", run=2)])
    made(desk, own)
    assert queue_next.take(desk.store, old, "ann") is not None
    queue_next.release(desk.store, old, "ann")
    step = undo(desk.coder())
    assert step is not None
    assert (step.op, step.name, step.gone, step.stay) == ("promote", "wrong clock", ["again: wrong clock"], [])
    assert [queue.name for queue in queues.queues(desk.store)] == ["old"]
    assert desk.store.query("SELECT * FROM queue_again") == []
    assert [code.promoted for code in desk.board().codes] == [[]]
    assert desk.store.query("SELECT queue FROM queue_item WHERE queue <> ?", [old.id]) == []


def test_a_queue_in_which_somebody_has_worked_stays(desk: CodingDesk, own: Path):
    desk.coder().assign("wrong clock", [desk.note("a"), desk.note("b", run=1)])
    made(desk, own)
    desk.none("ann", 0, 0)
    step = undo(desk.coder())
    assert step is not None
    assert (step.gone, step.stay) == ([], ["again: wrong clock"])
    assert len(desk.store.query("SELECT * FROM queue_again")) == 2


def test_a_queue_that_somebody_has_open_stays(desk: CodingDesk, own: Path):
    desk.coder().assign("wrong clock", [desk.note("a")])
    made(desk, own)
    (queue,) = queues.queues(desk.store)
    assert queue_next.take(desk.store, queue, "ann") is not None
    step = undo(desk.coder())
    assert step is not None
    assert step.stay == ["again: wrong clock"]


def test_undo_and_redo_name_the_code(desk: CodingDesk):
    desk.coder().assign("first", [desk.note("a")])
    desk.coder().rename(desk.board().code("first").id, "second")
    for act in (undo, undo):
        step = act(desk.coder())
        assert step is not None
    assert (step.op, step.name) == ("assign", "first")
    again = redo(desk.coder())
    assert again is not None
    assert (again.op, again.name) == ("assign", "first")
