"""Open coding: notes at the left, uncoded ones first; codes at the right; the note under the cursor in full below.

What is shown is read in a thread and never holds more than this reviewer may see. Acts on codes are in `codes_acts`
and `codes_promote`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal

from review_tui.actions import CODES, Action
from review_tui.sanitize import clean, short
from review_tui.screens.codes_promote import Promoting
from review_tui.screens.prompt import Prompt
from review_tui.screens.reader import Reader
from review_tui.screens.review import ReviewScreen
from review_tui.transcript.scroller import Place
from review_tui.widgets.bar import Bar
from review_tui.widgets.rows import FixedRows, RowList
from sessions import catalog
from sessions.errors import UserError

if TYPE_CHECKING:
    from labels.coding.notes import Board, Note

#: From these widths on the codes have more room; from this height on the details.
WIDE, ROOMY, TALL = 100, 160, 34
#: How often what others write is looked for, in seconds.
ELSEWHERE_S = 1.0
ALL, UNCODED, CODE = "all", "without a code", "with the code"
#: By whom a note is: oneself, other people here, annotators of corpora.
BY: dict[str, Callable[[Note, str], bool]] = {
    "yours": lambda note, me: note.key.reviewer == me,
    "of colleagues": lambda note, me: note.key.reviewer != me and not note.is_imported,
    "imported": lambda note, me: note.is_imported,
}


class CodesScreen(Promoting):
    """Notes and codes."""

    ACTIONS: ClassVar[list[Action]] = CODES
    DEFAULT_CSS = """
    CodesScreen #body { height: 1fr; }
    CodesScreen #notes { width: 1fr; }
    CodesScreen #codes { width: 31; border-left: solid $panel; background: $background; }
    CodesScreen.-wide #codes { width: 42; }
    CodesScreen.-roomy #codes { width: 64; }
    CodesScreen #details { height: 6; border-top: solid $panel; background: $background; padding: 0 1; }
    CodesScreen.-tall #details { height: 10; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.filter = ALL
        self.words = ""
        self._version = -1

    def compose(self) -> ComposeResult:
        yield Bar(2, id="head")
        with Horizontal(id="body"):
            yield RowList(id="notes")
            yield RowList(id="codes")
        yield RowList(id="details")
        yield Bar(1, id="footer")

    def on_mount(self) -> None:
        self.ready = True
        self.show_keys()
        self.query_one("#details", RowList).can_focus = False
        self.notes.focus()
        self.show_head()
        self.run_worker(self.load(), exit_on_error=False)
        self.set_interval(ELSEWHERE_S, self._look_elsewhere)

    def on_key(self) -> None:
        """Every key moves on from what was said before it, not only the lists'."""
        self.moved_on()

    def on_unmount(self) -> None:
        self.ready = False

    def on_resize(self) -> None:
        self.set_class(self.size.width >= WIDE, "-wide")
        self.set_class(self.size.width >= ROOMY, "-roomy")
        self.set_class(self.size.height >= TALL, "-tall")
        self.call_after_refresh(self.show_all)

    # -- reading ------------------------------------------------------------------------------------------------

    def _read(self) -> Board:
        """In a thread."""
        from labels.coding.notes import board

        self._version = self.station.store.data_version()
        return board(self.station.store, self.station.reviewer)

    async def load(self) -> None:
        """Read everything anew."""
        try:
            found = await asyncio.to_thread(self._read)
        except UserError as error:
            if self.ready:
                self.say(str(error), "error")
            return
        if self.ready:
            self.board = found
            self.marked &= found.by_key.keys()
            self.show_all()

    async def _look_elsewhere(self) -> None:
        """Others write notes and give codes, too."""
        if self.is_current and self.board is not None and self.station.store.data_version() != self._version:
            await self.load()

    async def on_screen_resume(self) -> None:
        if self.ready and self.board is not None:
            await self._look_elsewhere()

    # -- showing ------------------------------------------------------------------------------------------------

    def show_all(self) -> None:
        if not self.ready or not self.notes.size.width:
            return
        self._show_codes()
        self._show_notes()
        self.show_head()
        self.show_details()

    def _shown(self) -> list[Note]:
        """The notes that fit the filters."""
        board = self.board
        assert board is not None
        found = board.notes
        if self.filter in BY:
            found = [note for note in found if BY[self.filter](note, self.station.reviewer)]
        elif self.filter == UNCODED:
            found = [note for note in found if not board.of.get(note.key)]
        elif self.filter == CODE and (code := self.code):
            mine = set(code.notes)
            found = [note for note in found if note.key in mine]
        words = self.words.casefold().split()
        return [note for note in found if self._has(note, words)] if words else found

    def _has(self, note: Note, words: list[str]) -> bool:
        assert self.board is not None
        names = " ".join(code.name for code in self.board.of.get(note.key, ()))
        text = f"{note.text[:5000]} {note.title} {note.key.reviewer} {names}".casefold()
        return all(word in text for word in words)

    def _show_notes(self) -> None:
        from review_tui.widgets.code_rows import NoteRows

        if self.board is None:
            self.notes.show(FixedRows([(None, []), (None, [(" reading notes …", "faint")])]))
            return
        shown = self._shown()
        self.rows = NoteRows(self.board, shown, self.marked)
        if shown:
            self.notes.show(self.rows)
        else:
            self.notes.show(FixedRows([(None, [(f" {text}", look)]) for text, look in self._nothing()]))

    def _nothing(self) -> list[tuple[str, str]]:
        assert self.board is not None
        blank = ("", "text")
        if self.board.notes and (self.words or self.filter != ALL):
            return [blank, ("No note is so.", "text"), ("f and / change what is shown.", "faint")]
        if self.board.hidden:
            many = "1 note" if self.board.hidden == 1 else f"{self.board.hidden:,} notes"
            return [blank, (f"{many} of others, on chunks", "text"), ("that you have not decided on yet.", "text")]
        return [
            blank,
            ("There is no note yet.", "text"),
            ("While reviewing, t writes one on the current", "faint"),
            ("label, or on the chunk: what went wrong first,", "faint"),
            ("in your own words. Here notes get codes.", "faint"),
        ]

    def _show_codes(self) -> None:
        from review_tui.widgets.code_rows import code_rows

        if self.board is None:
            return
        if self.board.codes:
            self.codes.show(code_rows(self.board.codes, self.codes.size.width))
        else:
            lines = [("", "text"), ("no codes yet:", "text"), ("a gives the note one", "faint")]
            self.codes.show(FixedRows([(None, [(f" {text}", look)]) for text, look in lines]))

    def show_head(self) -> None:
        first: list[tuple[str, str] | None] = [("codes  ", "accent")]
        second: list[tuple[str, str] | None] = []
        if (board := self.board) is not None:
            notes = "1 note" if len(board.notes) == 1 else f"{len(board.notes):,} notes"
            codes = "1 code" if len(board.codes) == 1 else f"{len(board.codes):,} codes"
            first += [(notes, "strong"), (f", {board.uncoded:,} uncoded", "warn" if board.uncoded else "faint")]
            first += [(f" · {codes}", "strong")]
            if self.size.width >= WIDE and board.hidden:
                first.append((f" · {board.hidden:,} of others hidden until you have decided", "faint"))
            code = self.code
            shown = f"{self.filter} {short(code.name, 24)}" if self.filter == CODE and code else self.filter
            second = [(f"notes: {shown}", "text" if self.filter == ALL else "warn")]
            second.append((f" · with {short(self.words, 20)}" if self.words else "", "warn"))
            second.append((f" · {len(self.marked):,} marked" if self.marked else "", "accent"))
            second += [None, ("notes  runs " if board.codes else "", "faint")]
        first += [None, (f"reviewer {short(self.station.reviewer, 20)}" if self.size.width >= WIDE else "", "faint")]
        self.query_one("#head", Bar).show(first, second)

    def show_details(self) -> None:
        from review_tui.widgets.code_rows import details

        pane = self.query_one("#details", RowList)
        note = self.note
        if self.board is None or note is None:
            pane.show(FixedRows())
        else:
            pane.show(details(self.board, note, max(20, pane.size.width), pane.size.height))

    @on(RowList.Highlighted, "#notes")
    def _another_note(self, event: RowList.Highlighted) -> None:
        event.stop()
        self.moved_on()
        self.show_details()

    @on(RowList.Highlighted, "#codes")
    def _another_code(self, event: RowList.Highlighted) -> None:
        event.stop()
        self.moved_on()
        if self.filter == CODE:
            self._show_notes()
            self.show_head()
            self.show_details()

    # -- keys of looking ----------------------------------------------------------------------------------------

    @on(RowList.Chosen)
    async def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        await self.action_open()

    async def action_open(self) -> None:
        """Of a note, its place in the run; of a code, its notes."""
        if self.codes.has_focus:
            self.set_filter(ALL if self.filter == CODE else CODE)
            return
        note = self.note
        if note is None:
            return
        run = await self.work(catalog.run_by_id, self.station.store, note.key.run)
        if run is None or not run.steps:
            self.say("The run of this note is not in the database any more.", "warn")
            return
        await self.station.push_screen(NotedReview(run, place=Place(min(note.first, run.steps - 1), 0)))

    def set_filter(self, name: str) -> None:
        self.filter = name
        self.notes.top, self.notes.cursor = 0, -1
        self.show_all()

    def action_filter(self) -> None:
        notes = self.board.notes if self.board is not None else []
        by = [name for name, fits in BY.items() if any(fits(note, self.station.reviewer) for note in notes)]
        choices = [ALL, UNCODED, *(by if len(by) > 1 else ()), *([CODE] if self.code is not None else ())]
        at = choices.index(self.filter) if self.filter in choices else -1
        self.set_filter(choices[(at + 1) % len(choices)])

    async def action_search(self) -> None:
        def typed(text: str | None) -> None:
            if text is not None:
                self.words = text
                self.set_filter(self.filter)

        hint = "words of note, run, reviewer or code; empty: all"
        await self.station.push_screen(Prompt("Notes with", clean(self.words), hint, select=True), typed)

    def action_panel(self) -> None:
        self.set_focus(self.notes if self.codes.has_focus else self.codes)

    def action_next_uncoded(self) -> None:
        """The next one of those shown, and then from the start."""
        if self.rows is None or self.board is None:
            return
        notes, at = self.rows.notes, self.rows.place.get(self.notes.selected or "", -1)
        order = [*range(at + 1, len(notes)), *range(at + 1)]
        found = next((place for place in order if not self.board.of.get(notes[place].key)), None)
        if found is None:
            self.say("Every note that is shown has a code.", "good")
        else:
            self.notes.select(self.rows.ids[found])

    async def action_read(self) -> None:
        from review_tui.widgets.code_rows import code_in_full, in_full

        if self.board is not None and self.codes.has_focus and (code := self.code) is not None:
            blocks = await self.work(code_in_full, self.board, code)
            await self.station.push_screen(Reader("Code", blocks or []))
        elif self.board is not None and (note := self.note) is not None:
            await self.station.push_screen(Reader("Note", in_full(self.board, note)))

    async def action_help(self) -> None:
        await self.station.show_help(self.ACTIONS, "Keys of open coding")

    async def action_back(self) -> None:
        if self.marked:
            self.marked.clear()
            self.show_all()
        elif self.filter != ALL or self.words:
            self.words = ""
            self.set_filter(ALL)
        else:
            await self.station.pop_screen()


class NotedReview(ReviewScreen):
    """The review screen of a run that was come to from a note: back leads to the notes."""

    def came_from(self) -> tuple[str, str]:
        return "codes / ", "faint"

    async def action_back(self) -> None:
        self.leave()
        await self.station.pop_screen()
