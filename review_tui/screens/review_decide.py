"""Deciding in the review screen: verdicts, labels, answers, notes, undo. Each is on disk before it is shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from labels.views import LabelView
from review_tui.desk import Spot, Undone
from review_tui.drafts import EvidenceWish
from review_tui.sanitize import short
from review_tui.screens.base import PATIENCE
from review_tui.screens.prompt import Prompt
from review_tui.screens.review_parts import ReviewParts
from review_tui.words import steps_text
from sessions.errors import UserError

if TYPE_CHECKING:
    from labels.codebook import Codebook, Codebooks, Mode

Result = TypeVar("Result")
LAST_CHANCE_S = 5.0
GO_ON = "} goes on, u takes it back."


class DecideActions(ReviewParts):
    """The actions of the groups Decide, Label and Suggestions."""

    _pending: asyncio.Future[Any] | None = None

    async def write(
        self, call: Callable[[], Result], done: str = "", then: Callable[[Result], None] | None = None
    ) -> Result | None:
        """Let the desk write something, and give its result; None if it is not written (yet): the footer says why.

        Keys wait for it, so that they act on what is on disk. If the database is locked they do not wait longer than
        PATIENCE: reading goes on, and further decisions are refused until this one is through. Where it comes through
        that late, `then` shows it; by default what is said now, and `done`.
        """
        if self._pending is not None:
            self.say("The last decision still waits for the database; nothing else can be decided before it.", "warn")
            return None
        task = self.on_desk(call)
        finished, _ = await asyncio.wait({task}, timeout=PATIENCE)
        if finished:
            return self._written(task)
        self._pending = task
        self.say("waiting for the database: another program has locked it. Reading goes on.", "warn")
        self.run_worker(self._write_later(task, done, then), exit_on_error=False)
        return None

    async def _write_later(
        self, task: asyncio.Future[Result], done: str, then: Callable[[Result], None] | None
    ) -> None:
        await asyncio.wait({task})
        self._pending = None
        result = self._written(task)
        if result is None or not self.ready:
            return
        if then is not None:
            then(result)
        else:
            self.refresh_all()
            self.say(done or "Written after all.", "good")

    async def finish(self) -> None:
        """Before the station ends: give a decision that still waits a last chance to be written."""
        await asyncio.wait({self.on_desk(lambda: None)}, timeout=LAST_CHANCE_S)

    def _written(self, task: asyncio.Future[Result]) -> Result | None:
        try:
            return task.result()
        except UserError as error:
            if self.ready:
                self.say(str(error), "error")
            return None

    async def decide(
        self, call: Callable[..., Any], *args: Any, done: str = "", later: str = "", **kwargs: Any
    ) -> bool:
        """Let the desk write something, then show it. False if it could not be written (the footer says why).

        done: what to say then. later: what to say where the database let it through only after a while.
        """

        def write() -> bool:
            call(*args, **kwargs)
            return True

        if await self.write(write, later or done) is None:
            return False
        self.refresh_all()
        if done:
            self.say(done, "good")
        return True

    def _ready(self) -> bool:
        """Whether the current chunk can be decided on."""
        if not self.desk.run.steps:
            self.say("This run has no steps: there is nothing to decide on.", "warn")
            return False
        if self.desk.whole_run and not self.desk.run.complete:
            self.say("This run is still being read: decide on the whole run when it is all here.", "warn")
            return False
        if self.desk.chunk_open:
            self.say("This chunk is still being read: its last step is not here yet.", "warn")
            return False
        return True

    # -- verdicts -----------------------------------------------------------------------------------------------

    async def give_verdict(self, verdict: str, done: str, to: int | None = None, at: Spot | None = None) -> None:
        """Write a verdict. After an approval or an abstention it goes on; what is wrong elsewhere wants labels. to: as
        `Desk.verdict`."""
        stays = verdict not in ("approve", "abstain")
        said = f"{done} {GO_ON}" if stays else done
        if await self.decide(self.desk.verdict, verdict, to, at, done=said if stays else "", later=said) and not stays:
            self._go_on(done)

    async def action_approve(self) -> None:
        if self._ready():
            await self.give_verdict("approve", f"{self._what()} approved.")

    async def action_stop(self) -> None:
        if self._ready():
            await self.give_verdict("stop", f"{self._what()}: the run should stop here.")

    async def action_abstain(self) -> None:
        if self._ready():
            await self.give_verdict("abstain", f"{self._what()}: abstained.")

    async def action_rollback(self) -> None:
        if not self._ready():
            return
        _, last = self.desk.bounds
        here, spot = min(max(self.transcript.cursor.step, 0), last), self.desk.spot

        async def chosen(answer: str | None) -> None:
            if answer is None:
                return
            if not answer.strip().isdecimal() or len(answer) > 12 or not 1 <= int(answer) <= last + 1:
                self.say(
                    f"{short(answer, 20)!r} is no step of this run up to here: give a number from 1 to {last + 1}.",
                    "error",
                )
                return
            step = int(answer) - 1
            await self.give_verdict("rollback", f"Rolled back: step {step + 1} is the first undone.", step, spot)

        hint = f"the first step undone, 1 to {last + 1}; Enter says so"
        await self.station.push_screen(Prompt("Roll back to before step", str(here + 1), hint, select=True), chosen)

    def _what(self) -> str:
        return "The whole run" if self.desk.whole_run else f"Chunk {self.desk.chunk + 1}"

    def _go_on(self, done: str) -> None:
        """After a verdict, to the next chunk that needs one."""
        following = None if self.desk.whole_run else self.desk.next_undecided()
        if following is None:
            self.say(f"{done} Every chunk has a verdict now." if not self.desk.whole_run else done, "good")
        else:
            self.go_chunk(following)
            self.say(f"{done} Now chunk {following + 1}.", "good")

    def judged_by(self) -> Codebooks:
        """The codebooks of which "none" is said. Raises UserError if one of the user's cannot be read."""
        return self.station.codebooks()

    async def action_none(self) -> None:
        if not self._ready():
            return
        books = await self.work(self.judged_by)
        if books is None:
            return
        labelled = {label.codebook for label in self.desk.decision.labels} if self.desk.decision else set()
        free = [book for book in books if book.id not in labelled]
        if not free:
            self.say("There are labels here: remove them (d) before saying that there is nothing to label.", "warn")
            return
        names, spot = ", ".join(book.id for book in free), self.desk.spot
        said = self.desk.says_none(free)
        done = "Taken back." if said else f"{self._what()}: no failure mode occurs ({names}). a approves it."
        await self.decide(self.desk.none, free, spot, done=done)

    def action_whole_run(self) -> None:
        self.desk.whole_run = not self.desk.whole_run
        self.current = None
        self.refresh_all()
        self.say("Decisions are now on the whole run." if self.desk.whole_run else "Decisions are on the chunk again.")

    async def action_undo(self) -> None:
        await self._step_through_history("undo", "Undone", "Nothing to undo.")

    async def action_redo(self) -> None:
        await self._step_through_history("redo", "Done again", "Nothing to redo.")

    async def _step_through_history(self, which: str, done: str, nothing: str) -> None:
        """Undo or redo, and turn to what it was about, so that the change is seen."""

        def step() -> tuple[Undone | None]:
            return (getattr(self.desk, which)(),)

        found = await self.write(step)
        if found is None:
            return
        (act,) = found
        if act is None:
            self.say(nothing, "warn")
            return
        if not act.whole_run:
            self.go_chunk(self.desk.chunks.of_step(act.first))
        self.refresh_all()
        self.say(f"{done}: {'the whole run' if act.whole_run else steps_text(act.first, act.last)}.", "good")

    # -- labels -------------------------------------------------------------------------------------------------

    async def action_label(self) -> None:
        if not self._ready():
            return
        if await self.work(self.station.codebooks) is None:
            return
        wish, first, last = self._wanted_steps()
        spot = self.desk.spot
        title = f"Label {steps_text(first, last)}" + (" with the selected evidence" if wish else "")

        async def chosen(choice: tuple[Codebook, Mode] | None) -> None:
            if choice is None:
                return
            before = {label.id for label in self.desk.labels()}
            if not await self.decide(self.desk.add_label, *choice, first, last, wish, spot):
                return
            self.transcript.clear_selection()
            new = next(label for label in self.desk.labels() if label.id not in before)
            self.current = f"label:{new.id}"
            self.refresh_all()
            self.say(
                f"◆ {choice[1].label} on {steps_text(first, last)}.  c cause · m maybe · t note · + stretch · u undo",
                "good",
            )

        await self.station.pick_mode(title, chosen)

    def _wanted_steps(self) -> tuple[list[EvidenceWish], int, int]:
        """What a new label is about: the selection, else the cursor's step (or, for the whole run, all of it)."""
        selection = self.transcript.selection
        if selection is not None and not selection.empty:
            wish = EvidenceWish(selection.step, selection.part, selection.start, selection.end)
            return [wish], selection.step, selection.step
        if self.desk.whole_run:
            return [], *self.desk.bounds
        return [], self.transcript.cursor.step, self.transcript.cursor.step

    async def action_select(self) -> None:
        """Start selecting; with a selection there, quote it for the current label."""
        if self.transcript.selection is not None:
            await self._quote_for_label()
        elif self.transcript.start_selection():
            self.say("↑ ↓ rows · > < end · ) ( start · l label · v add to label · Esc", "text")
        else:
            self.say("There is no text in this row: go to a line of text (j, k).", "warn")

    async def _quote_for_label(self) -> None:
        label, selection = self.current_label(), self.transcript.selection
        if label is None or selection is None or selection.empty:
            self.say("There is no current label to add this evidence to: l makes one.", "warn")
            return
        wish = [EvidenceWish(selection.step, selection.part, selection.start, selection.end)]
        if await self.decide(self.desk.add_evidence, label, wish, done="Evidence added to the current label."):
            self.transcript.clear_selection()

    def action_end_forward(self) -> None:
        self.transcript.adjust_selection("end", "+word")

    def action_end_back(self) -> None:
        self.transcript.adjust_selection("end", "-word")

    def action_start_forward(self) -> None:
        self.transcript.adjust_selection("start", "+word")

    def action_start_back(self) -> None:
        self.transcript.adjust_selection("start", "-word")

    def _label_or_say(self) -> LabelView | None:
        label = self.current_label()
        if label is None:
            self.say("There is no current label: l makes one, Tab chooses among those there are.", "warn")
        return label

    async def action_unlabel(self) -> None:
        if label := self._label_or_say():
            await self.decide(
                self.desk.remove_label, label, done=f"Label {label.code or label.name} removed. u brings it back."
            )

    async def action_unsure(self) -> None:
        if label := self._label_or_say():
            done = "Sure." if not label.sure else "Marked as maybe."
            await self.decide(self.desk.change_label, label, sure=not label.sure, done=done)

    async def action_stretch(self) -> None:
        if label := self._label_or_say():
            await self.decide(self.desk.stretch_label, label, self.transcript.cursor.step)

    async def action_cause(self) -> None:
        """Go through: nothing said, root cause, follows from each other label of the run."""
        label = self._label_or_say()
        if label is None:
            return
        others = [other for other in self.desk.labels() if not self._follows(other, label.id)]
        states: list[tuple[bool, str | None]] = [(False, None), (True, None), *((False, other.id) for other in others)]
        now = states.index((label.root_cause, label.caused_by)) if (label.root_cause, label.caused_by) in states else 0
        root, cause = states[(now + 1) % len(states)]
        source = next((other for other in others if other.id == cause), None)
        said = "root cause" if root else f"follows from {source.code or source.name}" if source else "no cause said"
        await self.decide(
            self.desk.change_label, label, root_cause=root, caused_by=cause, done=f"{label.code}: {said}."
        )

    def _follows(self, label: LabelView, id: str) -> bool:
        """Whether a label is the one with this id, or follows from it over any number of others."""
        by_id = {item.id: item for item in self.desk.labels()}
        seen: set[str] = set()
        at: LabelView | None = label
        while at is not None and at.id not in seen:
            if at.id == id:
                return True
            seen.add(at.id)
            at = by_id.get(at.caused_by or "")
        return False

    def action_next_label(self) -> None:
        decision = self.desk.decision
        keys = [f"label:{label.id}" for label in decision.labels] if decision else []
        if not keys:
            self.say("There are no labels here yet.", "warn")
            return
        at = keys.index(self.current) if self.current in keys else -1
        self.current = keys[(at + 1) % len(keys)]
        self.refresh_all()

    async def action_note(self) -> None:
        if not self._ready():
            return
        label, spot = self.current_label(), self.desk.spot
        decision = self.desk.decision
        value = label.note if label else (decision.note if decision else "")
        ask = f"Note on {label.code or label.name}" if label else f"Note on {self._what().lower()}"

        async def written(text: str | None) -> None:
            if text is None:
                return
            if label is not None:
                await self.decide(self.desk.change_label, label, note=text, done="Noted on the label.")
            else:
                await self.decide(self.desk.note, text, spot, done="Noted.")

        await self.station.push_screen(Prompt(short(ask, 40), value, "Enter keeps it"), written)

    # -- suggestions --------------------------------------------------------------------------------------------

    async def action_accept(self) -> None:
        await self._answer("accept")

    async def action_reject(self) -> None:
        await self._answer("reject")

    async def action_relabel(self) -> None:
        suggestion = self.current_suggestion()
        if suggestion is None:
            self.say("There is no suggestion here.", "warn")
            return
        if await self.work(self.station.codebooks) is None:
            return

        async def chosen(choice: tuple[Codebook, Mode] | None) -> None:
            if choice is not None:
                await self._answer("relabel", choice)

        title = f"Relabel the suggestion {suggestion.code or suggestion.name}"
        await self.station.pick_mode(title, chosen)

    async def _answer(self, answer: str, mode: tuple[Codebook, Mode] | None = None) -> None:
        suggestion = self.current_suggestion()
        if suggestion is None:
            self.say("There is no suggestion here.", "warn")
            return
        if not self._ready():
            return
        word = {"accept": "Accepted", "reject": "Rejected", "relabel": "Relabelled"}[answer]
        self.current, spot = None, self.desk.spot
        await self.decide(
            self.desk.answer, suggestion, answer, mode, spot, done=f"{word}: {suggestion.code} {suggestion.name}."
        )
