"""Looking at a case: from label to label in the transcript, what the codebook says, letters or names; and moving."""

from __future__ import annotations

from textual import on

from review_tui.screens.case_parts import CaseParts, guidelines
from review_tui.screens.reader import Reader
from review_tui.screens.reading_keys import ReadingKeys
from review_tui.widgets.rows import RowList
from review_tui.widgets.votes import vote_blocks


class LookActions(CaseParts, ReadingKeys):
    """The actions that write nothing."""

    # -- looking ------------------------------------------------------------------------------------------------------

    @on(RowList.Highlighted, "#votes")
    def _by_hand(self, event: RowList.Highlighted) -> None:
        event.stop()
        self.moved_on()
        self._point_at(event.key)

    def _point_at(self, key: str) -> None:
        self.current = key
        if key.startswith("mode:"):
            self.mode = key
        self.show_votes()

    @on(RowList.Chosen, "#votes")
    async def _look_up(self, event: RowList.Chosen) -> None:
        event.stop()
        kind, _, rest = event.key.partition(":")
        if kind == "label":
            self._show_label(rest)
        elif kind == "mode":
            await self.action_codebook()
        else:
            vote = self.view.votes[int(rest)]
            title = f"The vote of {self.view.called(vote.reviewer)}"
            await self.station.push_screen(Reader(title, vote_blocks(vote)))

    def action_evidence(self) -> None:
        """From label to label of the current mode (of any, where nobody labelled it); the transcript shows each."""
        every = [(key, self.concerns(label)) for key, label in self.labels()]
        mine = [key for key, mine in every if mine] or [key for key, _ in every]
        if not mine:
            self.say("Nobody labelled anything here.")
            return
        at = mine.index(self.current) + 1 if self.current in mine else 0
        key = mine[at % len(mine)]
        self._point_at(key)
        self._show_label(key.partition(":")[2])

    def _show_label(self, place: str) -> None:
        """Show what a label quotes, or the first of its steps."""
        number, _, which = place.partition("/")
        label = self.view.votes[int(number)].decision["labels"][int(which)]
        run, document = self.opened.case.run, self.transcript.document
        for item in label["evidence"][:1]:
            index, part = item["step"]["index"], item["part"]
            if document is not None and index < run.steps and part < len(document.step(index).step.parts):
                self.transcript.go_to(index, part, item["start"])
                return
        if label["first"]["index"] < run.steps:
            self.transcript.go_to(label["first"]["index"], at_top=True)

    def action_who(self) -> None:
        self.cases.action_who()
        self.show_votes()

    async def action_codebook(self) -> None:
        from review_tui.screens.picker import mode_help

        chosen = self.chosen_mode()
        if chosen is None:
            return
        key, (book, mode) = chosen
        notes = self.opened.guidelines.get(key)
        if notes is None:
            notes = await self.work(guidelines, self.station.store, book.id, mode.slug) or []
        await self.station.push_screen(Reader(mode.label, mode_help(book, mode, notes)))

    async def action_about(self) -> None:
        await self.station.show_about(self.opened.case.run)

    # -- moving -------------------------------------------------------------------------------------------------------

    async def action_next_case(self) -> None:
        await self._step(1)

    async def action_previous_case(self) -> None:
        await self._step(-1)

    async def _step(self, by: int) -> None:
        places = self.cases.places
        keys = list(places)
        if not keys:
            self.say("No case is open.", "good")
            return
        at = places[self.key] + by if self.key in places else 0
        if 0 <= at < len(keys):
            await self.turn_to(keys[at])
        else:
            self.say("This is the last case." if by > 0 else "This is the first case.")

    def action_home(self) -> None:
        self.transcript.go_to(0, at_top=True)

    def action_chunk(self) -> None:
        self.transcript.go_to(min(self.opened.case.target["first"]["index"], self._last_step()), at_top=True)

    def _last_step(self) -> int:
        return max(0, self.opened.case.run.steps - 1)

    def action_next_step(self) -> None:
        self.transcript.go_to(min(self.transcript.cursor.step + 1, self._last_step()))

    def action_previous_step(self) -> None:
        self.transcript.go_to(max(0, self.transcript.cursor.step - 1))

    def action_fold(self) -> None:
        if not self.transcript.toggle_fold():
            self.action_fold_step()

    def action_fold_step(self) -> None:
        if self.transcript.document is not None:
            self.transcript.document.toggle_step(self.transcript.cursor.step)
            self.transcript.changed()

    def action_fold_all(self) -> None:
        if self.transcript.document is not None:
            self.say(self.transcript.document.toggle_all())
            self.transcript.changed()

    def action_panel(self) -> None:
        self.remove_class("-no-votes")
        (self.transcript if self.votes.has_focus else self.votes).focus()

    def action_wide(self) -> None:
        self.toggle_class("-no-votes")
        self.transcript.focus()
