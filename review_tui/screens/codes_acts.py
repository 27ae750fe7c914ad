"""What is done with codes: giving and taking them, renaming, merging, splitting, undoing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from review_tui.sanitize import short
from review_tui.screens.base import StationScreen
from review_tui.screens.choice import Choice
from review_tui.screens.prompt import Prompt
from review_tui.widgets.rows import Pieces, RowList

if TYPE_CHECKING:
    from labels.coding.coder import Coder
    from labels.coding.fold import Code, NoteKey
    from labels.coding.notes import Board, Note
    from labels.coding.undoing import Step
    from review_tui.screens.code_prompt import Named
    from review_tui.widgets.code_rows import NoteRows

#: Pairs of near-duplicates that are listed.
MOST_PAIRS = 60


class CodeActs(StationScreen):
    """The acts. The screen reads the board anew after each, so that what is shown is what is in the log."""

    board: Board | None = None
    rows: NoteRows | None = None

    def __init__(self) -> None:
        super().__init__()
        self.marked: set[NoteKey] = set()

    async def load(self) -> None:
        raise NotImplementedError

    def show_all(self) -> None:
        raise NotImplementedError

    def show_head(self) -> None:
        raise NotImplementedError

    @property
    def notes(self) -> RowList:
        return self.query_one("#notes", RowList)

    @property
    def codes(self) -> RowList:
        return self.query_one("#codes", RowList)

    @property
    def note(self) -> Note | None:
        """The note under the cursor."""
        return self.rows.note(self.notes.selected) if self.rows is not None else None

    @property
    def code(self) -> Code | None:
        """The code under the cursor of the codes."""
        key = self.codes.selected
        return next((code for code in self.board.codes if code.id == key), None) if self.board and key else None

    def _coder(self) -> Coder:
        from labels.coding.coder import Coder

        return Coder(self.station.store, self.station.reviewer, "review-tui")

    def _wanted(self) -> list[NoteKey]:
        """The notes that are marked, else the one under the cursor."""
        if self.marked and self.board is not None:
            return [note.key for note in self.board.notes if note.key in self.marked]
        return [self.note.key] if self.note else []

    def _code_or_say(self) -> Code | None:
        if self.code is None:
            self.say("There is no code yet: a gives the note under the cursor one.", "warn")
        return self.code

    async def _act(self, call: Callable[..., Any], *args: Any, done: str) -> bool:
        """Write something, then show what is now. False if it could not be written (the footer says why)."""

        def write() -> bool:
            call(*args)
            return True

        if await self.work(write) is None or not self.ready:
            return False
        await self.load()
        self.say(done, "good")
        return True

    # -- notes --------------------------------------------------------------------------------------------------

    def action_mark(self) -> None:
        """Mark the note under the cursor, or no more; and go on to the next."""
        if (note := self.note) is not None:
            self.marked ^= {note.key}
            self.notes.move(1)
            self.notes.refresh()
            self.show_head()

    async def action_assign(self) -> None:
        notes, board = self._wanted(), self.board
        if board is None or not notes:
            self.say("There is no note to give a code to.", "warn")
            return
        guesser = await self.work(self._guesser, board)
        if guesser is None:
            return
        text = board.by_key[notes[0]].text
        title = f"Code for {len(notes):,} marked notes" if len(notes) > 1 else f"Code for: {text}"

        async def chosen(named: Named | None) -> None:
            if named is not None:
                await self._assign(named, notes)

        await self._prompt(title, board.codes, guesser.guesses(text), guesser.names, chosen)

    @staticmethod
    def _guesser(board: Board) -> Any:
        from labels.coding.similar import Guesser

        return Guesser(board)

    async def _prompt(
        self, title: str, codes: list[Code], guesses: Any, near: Any, chosen: Callable[..., Any], *, new: bool = True
    ) -> None:
        from review_tui.screens.code_prompt import CodePrompt

        await self.station.push_screen(CodePrompt(title, codes, guesses, near, new=new), chosen)

    async def _assign(self, named: Named, notes: list[NoteKey]) -> None:
        many = "" if len(notes) == 1 else f" to {len(notes):,} notes"
        fresh = "" if named.code else ", a new code"
        after, place = self._after(notes), self.rows.place.get(self.notes.selected or "", 0) if self.rows else 0
        if await self._act(
            self._coder().assign, named.name, notes, done=f"{short(named.name, 50)}{many}{fresh}. u undo"
        ):
            self.marked.clear()
            self.show_all()
            if after is None and self.rows is not None and self.rows.ids:
                after = self.rows.ids[min(place, len(self.rows.ids) - 1)]
            if after is not None:
                self.notes.select(after)

    def _after(self, notes: list[NoteKey]) -> str | None:
        """Id of the next uncoded note, else of the last one before: coding goes on there."""
        if self.rows is None or self.board is None:
            return None
        at = self.rows.place.get(self.notes.selected or "", 0)
        shown = [*self.rows.notes[at:], *reversed(self.rows.notes[:at])]
        found = (note for note in shown if note.key not in notes and not self.board.of.get(note.key))
        return next((self.board.ids[note.key] for note in found), None)

    async def action_take(self) -> None:
        notes, board = self._wanted(), self.board
        if board is None or not notes:
            return
        codes = list({code.id: code for key in notes for code in board.of.get(key, ())}.values())
        if not codes:
            self.say("There is no code to take away here.", "warn")
            return

        async def chosen(key: str | None) -> None:
            name = next((code.name for code in codes if code.id == key), "")
            if key is not None:
                await self._act(self._coder().unassign, key, notes, done=f"{short(name, 50)} taken away. u undo")

        if len(codes) == 1:
            await chosen(codes[0].id)
            return
        rows: list[tuple[str, Pieces]] = [(code.id, [(f" {short(code.name, 70)}", "text")]) for code in codes]
        await self.station.push_screen(Choice("Take away which code", rows), chosen)

    # -- codes --------------------------------------------------------------------------------------------------

    async def action_rename(self) -> None:
        if (code := self._code_or_say()) is None:
            return

        async def typed(text: str | None) -> None:
            if text is not None and text.strip() and text != code.name:
                await self._act(self._coder().rename, code.id, text, done=f"Called {short(text, 50)} now. u undo")

        await self.station.push_screen(Prompt("Rename the code to", code.name, "Enter keeps it"), typed)

    async def action_merge(self) -> None:
        code, board = self._code_or_say(), self.board
        if code is None or board is None:
            return
        others = [other for other in board.codes if other.id != code.id]
        if not others:
            self.say("There is no other code to merge it into.", "warn")
            return
        guesser = await self.work(self._guesser, board)
        if guesser is None:
            return

        async def chosen(named: Named | None) -> None:
            if named is not None and named.code is not None:
                await self._merge(code, named.code)

        near = [item for item in guesser.names(code.name) if item[0].id != code.id]
        title = f"Merge {short(code.name, 50)} into"
        await self._prompt(title, others, near, guesser.names, chosen, new=False)

    async def _merge(self, code: Code, into: Code) -> None:
        done = f"{short(code.name, 30)} is part of {short(into.name, 30)} now. u undo"
        if await self._act(self._coder().merge, [code.id], into.id, done=done):
            self.codes.select(into.id)

    async def action_split(self) -> None:
        code, board = self._code_or_say(), self.board
        if code is None or board is None:
            return
        mine = [key for key in code.notes if key in self.marked]
        if not mine:
            self.say("Enter on the code shows its notes; mark (Space) those that go, then s.", "warn")
            return

        async def typed(text: str | None) -> None:
            if text is None or not text.strip():
                return
            done = f"{short(text, 40)}: {len(mine):,} of its notes. u undo"
            if await self._act(self._coder().split, code.id, text, mine, done=done):
                self.marked.clear()
                self.show_all()

        many = "1 note" if len(mine) == 1 else f"{len(mine):,} notes"
        await self.station.push_screen(Prompt(f"New code for {many} of {short(code.name, 24)}", "", "a name"), typed)

    async def action_undo(self) -> None:
        await self._step("undo", "Taken back")

    async def action_redo(self) -> None:
        await self._step("redo", "Done again")

    async def _step(self, which: str, done: str) -> None:
        from labels.coding import undoing

        def step() -> tuple[Step | None]:
            return ((undoing.undo if which == "undo" else undoing.redo)(self._coder()),)

        found = await self.work(step)
        if found is None or not self.ready:
            return
        (made,) = found
        if made is None:
            self.say(f"Nothing to {which}.", "warn")
            return
        await self.load()
        self.say(f"{done}: {made.op}, {short(made.name, 40)}{_left(made, which)}.", "good")

    # -- near-duplicates ----------------------------------------------------------------------------------------

    async def action_similar(self) -> None:
        """Codes that may be one: choosing a pair merges the less frequent into the other."""
        from labels.coding.similar import near_codes

        if (board := self.board) is None:
            return
        pairs = await self.work(near_codes, board)
        if not pairs:
            self.say("No two codes are nearly the same.", "good")
            return
        shown = {str(place): pair for place, pair in enumerate(pairs[:MOST_PAIRS])}
        rows: list[tuple[str, Pieces]] = []
        for key, pair in shown.items():
            why = f"names {pair.names:.2f}" if pair.names >= pair.notes else f"notes {pair.notes:.2f}"
            names = f" {short(pair.second.name, 32)} → {short(pair.first.name, 32)}"
            rows.append((key, [(names, "text"), None, (f"{why} ", "faint")]))

        async def chosen(key: str | None) -> None:
            if key is not None:
                pair = shown[key]
                await self._merge(pair.second, pair.first)

        await self.station.push_screen(Choice("Nearly the same: Enter merges the first into the second", rows), chosen)

    async def action_curve(self) -> None:
        from labels.coding.saturation import saturation
        from review_tui.screens.saturation import SaturationScreen

        if self.board is None:
            return
        found = await self.work(saturation, self.board)
        if found is not None:
            await self.station.push_screen(SaturationScreen(found))


def _left(made: Step, which: str) -> str:
    """What stays as it was when a promotion is taken back, or done again."""
    if made.op != "promote":
        return ""
    if which == "redo":
        return " (its chunks stay out of queues)"
    gone = f"; queue {short(', '.join(made.gone), 40)} is gone" if made.gone else ""
    stay = f"; queue {short(', '.join(made.stay), 40)} stays: somebody works in it" if made.stay else ""
    return f"{gone}{stay} (the codebook file stays as it is)"
