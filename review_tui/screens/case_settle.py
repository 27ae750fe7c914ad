"""Settling: a key for what holds, a key for why people differed, and it is written; u takes it back."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from labels.disputes import span
from labels.docket import Turn, Wish
from labels.gold.roots import APART
from review_tui.desk import LONGEST_LOOK
from review_tui.sanitize import clean, short
from review_tui.screens.base import PATIENCE
from review_tui.screens.case_parts import CaseParts, Opened, guidelines, open_case
from review_tui.screens.prompt import Prompt
from review_tui.screens.reason import ReasonScreen
from review_tui.widgets.votes import REASON_WORD, Draft, mode_key, roots_of
from sessions.errors import UserError

if TYPE_CHECKING:
    from labels.codebook import Codebook, Mode

_STEPS = re.compile(r"\s*(\d{1,9})(?:\s*[-–]\s*(\d{1,9}))?\s*")
#: Reason -> what is asked for with it: (field, question, hint).
_ASKED = {
    "guideline-gap": ("guideline", "Guideline", "what the codebook should say; empty: nothing"),
    "other": ("note", "Note", "why they differed; empty: nothing"),
}


class SettleActions(CaseParts):
    """The actions that write."""

    # -- settling -----------------------------------------------------------------------------------------------------

    async def action_present(self) -> None:
        await self._settle("present")

    async def action_absent(self) -> None:
        await self._settle("absent")

    async def action_undecided(self) -> None:
        await self._settle("undecided")

    async def _settle(self, outcome: str) -> None:
        """Ask why people differed, for words where they are called for, and write it."""
        chosen = self.chosen_mode()
        if chosen is None:
            return
        key, (_, mode) = chosen
        if outcome == "present" and self._needs_steps(key):
            await self._ask_steps(key, lambda: self._settle(outcome))
            return

        async def because(reason: str | None) -> None:
            asked = _ASKED.get(reason or "")
            if reason is None:
                return
            if asked and not getattr(self.drafts.get(key, Draft()), asked[0]):
                await self._ask(asked, key, reason, outcome)
            else:
                await self._write(key, outcome, reason)

        await self.station.push_screen(ReasonScreen(f"{mode.label}: {outcome}"), because)

    async def _ask(self, asked: tuple[str, str, str], key: str, reason: str, outcome: str) -> None:
        """Ask for words that belong to a reason, then write it. Esc settles nothing."""
        field, ask, hint = asked

        async def typed(text: str | None) -> None:
            if text is None:
                self.say("Nothing was settled.")
                return
            setattr(self.drafts.setdefault(key, Draft()), field, text.strip())
            await self._write(key, outcome, reason)

        await self.station.push_screen(Prompt(ask, hint=hint), typed)

    async def _write(self, key: str, outcome: str, reason: str) -> None:
        book, _, slug = key.removeprefix("mode:").partition("/")
        draft = self.drafts.get(key, Draft())
        steps = draft.steps if outcome == "present" else None
        wish = Wish(book, slug, outcome, reason, draft.note, draft.guideline, steps)
        blind, seconds = self.key not in self.known, self._seconds()
        case, before = self.opened.case, list(self.cases.places)

        def write() -> Opened | None:
            self.docket.settle(case, wish, blind=blind, seconds=seconds)
            return open_case(self.docket, self.key)

        async def after(found: Opened | None) -> None:
            self.drafts.pop(key, None)
            self.extra.pop(key, None)
            self._since = time.monotonic()
            found_mode = self.docket.mode(book, slug)
            name = found_mode[1].code or slug if found_mode else slug
            await self._go_on(found, before, f"{name} {outcome} ({REASON_WORD[reason]})", was_open=bool(case.disputes))

        await self._do(write, after)

    def _seconds(self) -> float:
        return round(min(LONGEST_LOOK, time.monotonic() - self._since), 1)

    async def _do(self, call: Callable[[], Any], after: Callable[[Any], Awaitable[None]]) -> None:
        """Write something in a thread; if the database makes it wait, reading goes on meanwhile."""
        task = self._pending = asyncio.ensure_future(asyncio.to_thread(call))
        done, _ = await asyncio.wait({task}, timeout=PATIENCE)
        if done:
            await self._written(task, after)
        else:
            self.say("waiting for the database: another program has locked it. Reading goes on.", "warn")
            self.run_worker(self._written(task, after), exit_on_error=False)

    async def _written(self, task: asyncio.Future[Any], after: Callable[[Any], Awaitable[None]]) -> None:
        try:
            found = await task
        except UserError as error:
            if self.ready:
                self.say(str(error), "error")
            return
        finally:
            self._pending = None
        if self.ready:
            await after(found)

    async def _go_on(self, found: Opened | None, before: list[str], said: str, *, was_open: bool) -> None:
        """The next open mode, or the next case, in the order in which the cases were."""
        left = self.cases.places
        if found is not None and (found.case.disputes or not was_open):
            self.opened = found
            self.mode = self.current = self.first_open()
            self.show_votes()
            self.say(f"{said}.", "good")
            return
        place = before.index(self.key) if self.key in before else -1
        coming = next((key for key in [*before[place + 1 :], *before[: max(0, place)]] if key in left), None)
        if coming is None:
            await self._finish(found, said)
            return
        await self.turn_to(coming)
        many = f"{len(left):,} {'case' if len(left) == 1 else 'cases'} left"
        self.say(f"{said}. {many}; u takes it back.", "good")

    async def _finish(self, found: Opened | None, said: str) -> None:
        """Nothing is left: back to the list, which says so."""
        if found is None:
            await self.action_back()
            return
        self.opened = found
        self.mode = self.current = None
        self.show_votes()
        self.say(f"{said}. That was the last one: q goes back, u takes it back.", "good")

    # -- taking back --------------------------------------------------------------------------------------------------

    async def action_undo(self) -> None:
        await self._turn("undo")

    async def action_redo(self) -> None:
        await self._turn("redo")

    async def _turn(self, kind: str) -> None:
        async def after(turn: Turn | None) -> None:
            if turn is None:
                self.say(f"Nothing of yours is left to {kind}.")
                return
            ruling = turn.rulings[0]
            mode = mode_key(ruling["codebook"]["id"], ruling["mode"])
            if not await self.turn_to(turn.key, mode):
                return
            if kind == "undo":
                self._restore(turn)
            word = "Taken back" if kind == "undo" else "Settled again"
            self.say(f"{word}: {short(', '.join(turn.names), 60)}.", "good")

        await self._do(self.docket.undo if kind == "undo" else self.docket.redo, after)

    def _restore(self, turn: Turn) -> None:
        """What was written with a ruling is there again, to be settled otherwise."""
        open_keys = {mode_key(item.codebook, item.mode) for item in self.opened.case.disputes}
        for ruling in turn.rulings:
            key = mode_key(ruling["codebook"]["id"], ruling["mode"])
            spans = ruling["steps"]
            steps = (spans[0]["first"]["index"] + 1, spans[0]["last"]["index"] + 1) if spans else None
            self.drafts[key] = Draft(ruling["note"], ruling["guideline"], steps)
            if key not in open_keys:
                self.extra[key] = f"{ruling['code']} {ruling['name'] or ruling['mode']}"
        self.show_votes()

    # -- with it ------------------------------------------------------------------------------------------------------

    async def action_note(self) -> None:
        await self._edit("note", "Note", "kept with what you settle")

    async def action_guideline(self) -> None:
        await self._edit("guideline", "Guideline", "for everybody who uses this mode from now on")

    async def _edit(self, field: str, ask: str, hint: str) -> None:
        chosen = self.chosen_mode()
        if chosen is None:
            return
        draft = self.drafts.setdefault(chosen[0], Draft())

        def typed(text: str | None) -> None:
            if text is not None:
                setattr(draft, field, text.strip())
                self.show_votes()

        await self.station.push_screen(Prompt(ask, clean(getattr(draft, field)), hint), typed)

    async def action_steps(self) -> None:
        if (chosen := self.chosen_mode()) is not None:
            await self._ask_steps(chosen[0])

    def _needs_steps(self, key: str) -> bool:
        """Whether people differ on where, so that "present" alone settles nothing."""
        how = {mode_key(item.codebook, item.mode): item.how for item in self.opened.case.disputes}
        return how.get(key) == APART and not self.drafts.get(key, Draft()).steps

    async def _ask_steps(self, key: str, then: Callable[[], Awaitable[None]] | None = None) -> None:
        """Ask where a mode is. then: what to go on with once that is said."""

        async def typed(text: str | None) -> None:
            match = _STEPS.fullmatch(text or "")
            if text is None or (then is not None and not text.strip()):
                self.say("Nothing was settled: they differ on where it is." if then else "The steps stay as they were.")
                return
            if text.strip() and match is None:
                self.say("Steps are written 12 or 12-14.", "error")
                return
            steps = (int(match[1]), int(match[2] or match[1])) if match else None
            if steps and await self.work(span, self.station.store, self.opened.case.run, *steps) is None:
                return
            self.drafts.setdefault(key, Draft()).steps = steps
            self.show_votes()
            if then is not None:
                await then()

        draft, view = self.drafts.get(key, Draft()), self.view
        now = "-".join(map(str, dict.fromkeys(draft.steps))) if draft.steps else ""
        said = [f"{view.called(name)} {step:,}" for name, step in roots_of(view.votes).items()]
        hint = short(", ".join(said), 40) if then else "12 or 12-14; empty: where the votes have it"
        await self.station.push_screen(Prompt("At step" if then else "Steps", now, hint, select=True), typed)

    async def action_another(self) -> None:
        from review_tui.screens.picker import ModePicker

        async def picked(choice: tuple[Codebook, Mode] | None) -> None:
            if choice is None:
                return
            book, mode = choice
            key = mode_key(book.id, mode.slug)
            self.extra[key] = mode.label
            found = await self.work(guidelines, self.station.store, book.id, mode.slug)
            self.opened.guidelines[key] = found or []
            self.mode = self.current = key
            self.show_votes()

        await self.station.push_screen(ModePicker(self.docket.books(), "Settle which mode?"), picked)
