"""Open coding on the screen: what a reviewer presses and sees, and what is in the database then."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from station import HOSTILE, LARGE, SMALL, Station, fill, station
from textual.widgets import Input

from labels import queues
from labels.codebook import load, load_all
from labels.coding.coder import Coder
from labels.coding.notes import board
from labels.ledger import Ledger, chunk_target, record_act
from labels.model import Act, Evidence, Label, SetLabel, SetNote, SetVerdict, StepRef
from review_tui.widgets.rows import RowList
from sessions import catalog
from sessions.chunks import Policy, chunk_ref, chunks_of
from sessions.store import Store

TEXTS = [
    "reads the clock of the wrong time zone",
    "read a clock in the wrong time zone",
    "stops before the tests have run",
    "polls the same status again",
]
ESCAPES = "evil [bold]x[/bold] \x1b[31m \u202e \x07 note"


def note(db: Path, text: str, chunk: int, *, who: str = "ann", quote: bool = False, run: int = 0) -> None:
    """A note on a chunk, or on a label of its first step with a quote of it."""
    with Store.open(db) as store:
        info = sorted(catalog.runs(store), key=lambda item: item.no)[run]
        ref = chunk_ref(store, info, chunks_of(store, info, Policy.parse("every:5")), chunk)
        ops: list[Any] = [SetVerdict(verdict="approve")]
        if quote:
            stored = catalog.step(store, info.no, ref.first)
            part = next(n for n, part in enumerate(stored.step.parts) if part.text.strip())
            words = stored.step.parts[part].text[:30]
            step = StepRef(id=stored.id, index=ref.first)
            evidence = Evidence(step=step, part=part, start=0, end=len(words), quote=words)
            book = load_all().get("mast")
            label = Label(
                id=f"n{chunk}{who}", mode=book.modes[0].slug, name=book.modes[0].name, codebook=book.ref, first=step,
                last=step, evidence=(evidence,), note=text,
            )  # fmt: skip
            ops.append(SetLabel(label=label))
        else:
            ops.append(SetNote(text=text))
        act = Act(target=chunk_target(ref, "every:5"), ops=tuple(ops), blind_suggestions=True, blind_votes=True)
        Ledger(store, who).record(info, act)


@pytest.fixture
def noted_db(checkout_db: Path) -> Path:
    """The sample run with four notes, one of them on a label."""
    for chunk, text in enumerate(TEXTS):
        note(checkout_db, text, chunk, quote=chunk == 0)
    return checkout_db


def codes(db: Path, who: str = "ann") -> dict[str, list[str]]:
    with Store.open(db) as store:
        found = board(store, who)
        return {code.name: [found.by_key[key].text for key in code.notes] for code in found.codes}


async def opened(here: Station) -> None:
    await here.press("C")
    await here.until(lambda: getattr(here.app.screen, "board", None) is not None, "the notes")
    await here.pilot.pause()


async def name(here: Station, text: str) -> None:
    """Type a code's name and press Enter, as a reviewer would."""
    await here.until(lambda: here.screen == "CodePrompt", "the prompt")
    await here.type(text)
    await here.until(lambda: here.screen == "CodesScreen", "the codes")


def screen(here: Station) -> Any:
    return here.app.screen


async def changed(here: Station, condition: Callable[[], object]) -> None:
    await here.until(condition)
    await here.pilot.pause()


async def test_a_note_gets_a_code_and_the_next_uncoded_one_is_current(noted_db: Path):
    async with station(noted_db) as here:
        await opened(here)
        assert "4 notes, 4 uncoded" in here.head
        assert TEXTS[0] in here.text
        await here.press("a")
        await name(here, "wrong clock")
        await changed(here, lambda: codes(noted_db) == {"wrong clock": [TEXTS[0]]})
        assert "wrong clock, a new code" in here.footer
        assert screen(here).note.text == TEXTS[1]
        assert "4 notes, 3 uncoded · 1 code" in here.head
        await here.press("u")
        await changed(here, lambda: codes(noted_db) == {})
        assert "Taken back: assign, wrong clock." in here.footer
        await here.press("U")
        await changed(here, lambda: codes(noted_db) == {"wrong clock": [TEXTS[0]]})


async def test_completion_guesses_and_near_duplicates_while_typing(noted_db: Path):
    with Store.open(noted_db) as store:
        first, _, third, _ = board(store, "ann").notes
        Coder(store, "ann").assign("wrong time zone", [first.key])
        Coder(store, "ann").assign("stops early", [third.key])
    async with station(noted_db) as here:
        await opened(here)
        assert screen(here).note.text == TEXTS[1]
        await here.press("a")
        await here.until(lambda: here.screen == "CodePrompt")
        assert "its notes say nearly this" in here.text
        await here.press(*"timezo")
        assert "› timezo  a new code" in here.text
        await here.type("timezone wrong", enter=False)
        await here.pilot.pause()
        assert "≈ nearly the same" in here.text
        assert screen(here).rows.selected == "new"  # Enter never takes what is only near
        await here.type("sto", enter=False)
        await here.pilot.pause()
        await here.press("tab")
        assert screen(here).typed == "stops early"
        await here.press("enter")
        await changed(here, lambda: len(codes(noted_db)["stops early"]) == 2)
        await here.press("a")
        await here.until(lambda: here.screen == "CodePrompt")
        before = codes(noted_db)
        await here.press("enter")  # nothing typed, nothing guessed, nothing chosen
        assert (here.screen, "›" in here.text) == ("CodePrompt", False)
        await here.press("down")
        assert "›" in here.text
        assert codes(noted_db) == before
        await here.type("stop", enter=False)
        await here.press("ctrl+n")
        await changed(here, lambda: "stop" in codes(noted_db))


async def test_marked_notes_get_a_code_together_and_are_split_off_together(noted_db: Path):
    async with station(noted_db) as here:
        await opened(here)
        await here.press("space", "space", "space")
        assert "3 marked" in here.head
        await here.press("a")
        await name(here, "all sorts")
        await changed(here, lambda: len(codes(noted_db).get("all sorts", [])) == 3)
        assert "marked" not in here.head
        await here.press("s")
        assert "mark (Space) those that go" in here.footer
        await here.press("tab", "enter")
        assert "notes: with the code all sorts" in here.head
        await here.press("tab", "space", "s")
        await here.until(lambda: here.screen == "Prompt")
        await here.type("time zone")
        await changed(here, lambda: codes(noted_db) == {"all sorts": TEXTS[1:3], "time zone": [TEXTS[0]]})
        await here.press("escape", "tab", "i")
        await here.until(lambda: here.screen == "Reader")
        assert "'time zone' split off 'all sorts' with 1 note" in here.text
        await here.press("escape")
        assert "notes: all" in here.head


async def test_renaming_merging_and_near_duplicates(noted_db: Path):
    with Store.open(noted_db) as store:
        notes = board(store, "ann").notes
        coder = Coder(store, "ann")
        coder.assign("wrong clock", [notes[0].key, notes[2].key])
        coder.assign("wrong clocks", [notes[1].key])
    async with station(noted_db) as here:
        await opened(here)
        await here.press("S")
        await here.until(lambda: here.screen == "Choice")
        assert "wrong clocks → wrong clock" in here.text
        await here.press("enter")
        await changed(here, lambda: list(codes(noted_db)) == ["wrong clock"])
        await here.press("S")
        await here.until(lambda: "No two codes are nearly the same" in here.footer)
        await here.press("r")
        await here.until(lambda: here.screen == "Prompt")
        await here.type("time zone")
        await changed(here, lambda: list(codes(noted_db)) == ["time zone"])
        await here.press("m")
        await here.until(lambda: "no other code" in here.footer)
        await here.press("a")
        await name(here, "polls")
        await changed(here, lambda: len(codes(noted_db)) == 2)
        await here.press("m")
        await name(here, "pol")
        await changed(here, lambda: list(codes(noted_db)) == ["polls"])
        assert "time zone is part of polls now" in here.footer
        await here.press("d")
        await changed(here, lambda: len(codes(noted_db)["polls"]) == 3)


async def test_a_rename_that_would_be_a_merge_says_so(noted_db: Path):
    with Store.open(noted_db) as store:
        notes = board(store, "ann").notes
        Coder(store, "ann").assign("one", [notes[0].key])
        Coder(store, "ann").assign("two", [notes[1].key])
    async with station(noted_db) as here:
        await opened(here)
        await here.press("r")
        await here.until(lambda: here.screen == "Prompt")
        await here.type("two")
        await here.until(lambda: "Merge the two" in here.footer)
        assert set(codes(noted_db)) == {"one", "two"}


async def test_filters_and_search(noted_db: Path):
    with Store.open(noted_db) as store:
        Coder(store, "ann").assign("clock", [board(store, "ann").notes[0].key])
    async with station(noted_db) as here:
        await opened(here)
        await here.press("f")
        assert "notes: without a code" in here.head
        assert TEXTS[0] not in "\n".join(line[:70] for line in here.lines)
        await here.press("f")
        assert "notes: with the code clock" in here.head
        await here.press("f", "slash")
        await here.type("tests")
        assert len(screen(here).rows.notes) == 1
        await here.press("slash")
        await here.type("nothing at all")
        assert "No note is so." in here.text
        await here.press("a", "d", "i", "n", "space", "enter")  # nothing to do, and nothing happens
        assert here.screen == "CodesScreen"
        await here.press("escape")
        assert "notes: all" in here.head
        await here.press("n")
        assert not screen(here).board.of.get(screen(here).note.key)


async def test_notes_by_whose_they_are(noted_db: Path):
    note(noted_db, "bob's own words", 0, who="bob")
    with Store.open(noted_db) as store:
        info = catalog.runs(store)[0]
        ref = chunk_ref(store, info, chunks_of(store, info, Policy.parse("every:5")), 1)
        act = Act(
            target=chunk_target(ref, "every:5"), ops=(SetNote(text="an annotator's"),), blind_suggestions=True,
            blind_votes=True, how="import",
        )  # fmt: skip
        with store.write() as tx:
            record_act(tx, "outside:corpus", info.id, info.content_id, act)
    async with station(noted_db) as here:
        await opened(here)
        await here.press("f")
        for which, texts in (
            ("yours", TEXTS),
            ("of colleagues", ["bob's own words"]),
            ("imported", ["an annotator's"]),
        ):
            await here.press("f")
            assert f"notes: {which}" in here.head
            assert {item.text for item in screen(here).rows.notes} == set(texts)
        await here.press("f")
        assert "notes: all" in here.head


async def test_coding_the_last_note_of_a_filtered_list_keeps_the_place(noted_db: Path):
    async with station(noted_db) as here:
        await opened(here)
        await here.press("f", "end")
        assert screen(here).note.text == TEXTS[3]
        for left in (2, 1, 0):
            await here.press("a")
            await name(here, f"code {left}")
            await changed(here, lambda left=left: len(screen(here).rows.notes) == left + 1)
            assert screen(here).note.text == TEXTS[left]


async def test_to_the_place_in_the_run_and_back(noted_db: Path):
    async with station(noted_db) as here:
        await opened(here)
        await here.press("down", "enter")
        await here.until(lambda: here.screen == "NotedReview")
        await here.until(lambda: here.cursor[0] == 5)
        await here.press("q")
        await here.until(lambda: here.screen == "CodesScreen")
        await here.press("i")
        await here.until(lambda: here.screen == "Reader")
        assert TEXTS[1] in here.text
        await here.press("escape", "q")
        await here.until(lambda: here.screen == "InboxScreen")


async def test_promoting_makes_a_mode_that_can_be_labelled_at_once(noted_db: Path, tmp_path: Path):
    with Store.open(noted_db) as store:
        notes = board(store, "ann").notes
        Coder(store, "ann").assign("wrong time zone", [notes[0].key, notes[1].key])
    path = tmp_path / "ours.toml"
    async with station(noted_db) as here:
        await opened(here)
        await here.press("p")
        await here.until(lambda: here.screen == "Prompt")
        assert screen(here).value.endswith("codebooks/own.toml")
        await here.type(str(path))
        await here.until(lambda: "wrong time zone" in here.lines[-1])
        await here.type("Wrong time zone")
        await here.until(lambda: "Definition" in here.text)
        await here.type("Times are compared across time zones as if they were one.")
        await here.until(lambda: here.screen == "Reader")
        assert "wrong-time-zone@ours 0.1" in here.text
        assert "2 chunks to be decided on again in the queue again: Wrong time zone" in here.text
        mode = load(path).by_slug["wrong-time-zone"]
        assert mode.definition.startswith("Times are compared")
        assert mode.example is not None
        await here.press("escape")
        await here.until(lambda: "★" in here.text)
        assert here.app.codebooks().resolve("wrong-time-zone@ours")[1] == mode
        with Store.open(noted_db) as store:
            assert [queue.items for queue in queues.queues(store)] == [2]
        await here.press("q", "Q")
        await here.until(lambda: here.screen == "QueuesScreen")
        await here.until(lambda: "again: Wrong time zone" in here.text)
        await here.press("enter")
        await here.until(lambda: here.screen == "QueueReviewScreen")
        await here.until(lambda: "You decided on this before. It is here again: wrong-time-zone@ours" in here.footer)
        await here.press("a")
        await here.until(lambda: "here again: wrong-time-zone" in here.head and "2 of 2" in here.head)
        await here.press("a")
        await here.until(lambda: "nothing more for you" in here.footer)


async def test_promoting_into_what_is_none_says_so(noted_db: Path, tmp_path: Path):
    with Store.open(noted_db) as store:
        Coder(store, "ann").assign("x", [board(store, "ann").notes[0].key])
    async with station(noted_db) as here:
        await opened(here)
        await here.press("p")
        await here.until(lambda: here.screen == "Prompt")
        await here.type(str(tmp_path / "ours.txt"))
        await here.until(lambda: "no name for a codebook" in here.footer)
        await here.press("p")
        await here.until(lambda: here.screen == "Prompt")
        await here.type(str(tmp_path / "own.toml" / "new" / "ours.toml"))
        await here.until(lambda: "there is no folder" in here.footer)
        assert here.screen == "CodesScreen"
        assert list(tmp_path.glob("own.toml*")) == []
        await here.press("p")
        await here.until(lambda: here.screen == "Prompt")
        await here.press("x", "slash", "y")  # what is typed replaces what stands there
        assert screen(here).query_one(Input).value == "x/y"


@pytest.mark.parametrize("size", [SMALL, (120, 36), LARGE, (40, 12)])
async def test_the_curve_and_the_screen_at_every_size(noted_db: Path, size: tuple[int, int]):
    with Store.open(noted_db) as store:
        Coder(store, "ann").assign("a very long name of a code that does not fit", [board(store, "ann").notes[0].key])
    async with station(noted_db, size=size) as here:
        await opened(here)
        assert all(len(line) <= size[0] for line in here.lines)
        assert TEXTS[1][:20] in here.text
        await here.press("c")
        await here.until(lambda: here.screen == "SaturationScreen")
        await here.pilot.pause()
        assert "1 run coded" in here.text
        await here.press("escape", "tab", "down", "tab", "question_mark", "escape", "f", "f", "f")
        assert here.screen == "CodesScreen"


async def test_an_empty_database_says_what_is_missing(checkout_db: Path):
    async with station(checkout_db) as here:
        await opened(here)
        assert "There is no note yet." in here.text
        assert "no codes yet" in here.text
        for key in "adioUunSrmspcf":
            await here.press(key)
            if here.screen != "CodesScreen":
                await here.press("escape")
        await here.press("space", "enter", "tab", "enter", "tab", "slash", "escape")
        assert here.screen == "CodesScreen"


async def test_hostile_notes_and_names_are_shown_and_do_nothing(db: Path):
    fill(db, HOSTILE)
    note(db, ESCAPES, 0, quote=True)
    with Store.open(db) as store:
        Coder(store, "ann").assign("[red]code[/red]", [board(store, "ann").notes[0].key])
    async with station(db) as here:
        await opened(here)
        assert "evil [bold]x[/bold]" in here.text
        assert "[red]code[/red]" in here.text
        assert not any(char in here.text for char in "\x1b\u202e\x07")
        await here.press("i")
        await here.until(lambda: here.screen == "Reader")
        assert not any(char in here.text for char in "\x1b\u202e\x07")
        await here.press("escape", "a")
        await here.until(lambda: here.screen == "CodePrompt")
        assert not any(char in here.text for char in "\x1b\u202e\x07")
        await here.type("bad \x1b name")
        await here.pilot.pause()


async def test_others_notes_in_a_queue_come_after_ones_own_verdict(checkout_db: Path):
    note(checkout_db, "seen by bob only", 0, who="bob")
    with Store.open(checkout_db) as store:
        queues.create(store, "q", catalog.runs(store))
    async with station(checkout_db) as here:
        await opened(here)
        assert "seen by bob" not in here.text
        assert "1 note of others" in here.text
        note(checkout_db, "my own", 0)
        await here.until(lambda: "seen by bob only" in here.text, "what was decided elsewhere")
        assert "2 notes" in here.head


async def test_what_others_code_meanwhile_is_shown(noted_db: Path):
    async with station(noted_db) as here:
        await opened(here)
        with Store.open(noted_db) as store:
            Coder(store, "bob").assign("by bob", [board(store, "bob").notes[0].key])
        await here.until(lambda: "by bob" in here.text)


async def test_ten_thousand_notes_keep_up(checkout_db: Path):
    with Store.open(checkout_db) as store, store.write() as tx:
        (run,) = [row[0] for row in tx.execute("SELECT id FROM run")]
        anchor = (
            '{"scope":"chunk","policy":"every:5","number":1,"first":{"id":"x","index":0},"last":{"id":"x","index":0},'
            '"evidence":[]}'
        )
        rows = [
            (run, "ann", f"c{n}", "", "2026-01-01T00:00:00+00:00", f"note {n} of many", anchor) for n in range(10_000)
        ]
        tx.many("INSERT INTO note VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    async with station(checkout_db) as here:
        await opened(here)
        assert "10,000 notes" in here.head
        start = time.process_time()
        for _ in range(20):
            await here.press("down")
        assert (time.process_time() - start) / 20 < 0.25
        await here.press("end")
        assert isinstance(here.app.focused, RowList)
        assert screen(here).note is not None


async def test_the_codebook_says_how_it_is_left(noted_db: Path):
    async with station(noted_db, size=SMALL) as here:
        await here.press("B")
        await here.until(lambda: here.screen == "ModePicker")
        assert here.lines[-1].startswith(" Esc leaves")
        assert here.lines[-1].rstrip().endswith("PgDn reads")  # all of it is there at 80 columns
        await here.press("escape")
        await here.until(lambda: here.screen == "InboxScreen")
