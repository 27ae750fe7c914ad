"""What a reviewer does at a live gate: approve, send back, reject, stop, edit, and go on to the next gate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual import events, on

from review_tui import gates
from review_tui.gates import GateView, Operator, WayBack
from review_tui.sanitize import clean, short
from review_tui.screens.choice import Choice
from review_tui.screens.prompt import Prompt
from review_tui.screens.review_decide import DecideActions
from review_tui.widgets.bar import Bar
from review_tui.widgets.gate_panel import KEY as GATE_KEY
from review_tui.widgets.rows import Pieces, RowList
from sessions.errors import UserError
from sessions.live.claims import Taken
from sessions.live.gates import CONSUMED, DECIDED, OPEN, START, GateInfo

if TYPE_CHECKING:
    from labels.operating import Operated

#: A reviewer's lease on the gate on the screen is renewed so often, in seconds.
RENEW_S = 30.0
#: Every so many ticks it is looked whether the agent is still alive.
LOOK_TICKS = 5
DONE = {"approve": "approved", "rollback": "rolled back", "reject": "rejected", "stop": "stopped"}


class GateActions(DecideActions):
    """The actions of the group Live gate; the verdict keys come here where the chunk is one that a gate shows."""

    _taken: GateInfo | None = None
    #: What was decided last, until the agent has it: the gate's id, what was said, and what to say then.
    _decided: tuple[str, str, str] | None = None
    _ticks = 0
    side: RowList

    @property
    def operator(self) -> Operator:
        return Operator(self.station.store, self.station.reviewer)

    @property
    def open_gate(self) -> GateInfo | None:
        """The gate of the current chunk, if it waits for a person."""
        gate = self.desk.gate
        return gate if gate is not None and gate.state == OPEN else None

    def gate_view(self) -> GateView | None:
        gate = self.desk.gate
        return gates.view_of(self.station.store, gate) if gate is not None else None

    def _footer(self) -> Pieces:
        """At a gate that waits, the keys that answer it."""
        if not self.ready or self.open_gate is None:
            return super()._footer()
        words = (("?", "keys"), ("a", "approve"), ("M", "with words"), ("X", "reject"), ("r", "roll back"),
                 ("s", "stop"), ("E", "edit"), ("P", "files"), ("l", "label"), ("u", "undo"), ("w", "next gate"),
                 ("q", "back"))  # fmt: skip
        return [piece for key, word in words for piece in ((key, "key"), (f" {word}  ", "faint"))]

    # -- the gate's rows in the panel ---------------------------------------------------------------------------

    def gate_first(self) -> bool:
        """Whether the panel shows its first rows, whatever is the current item: at a gate that waits, until the
        reviewer goes into the panel or chooses something there."""
        first = self.desk.open_suggestions()
        default = self.current is None or (bool(first) and self.current == f"suggestion:{first[0].id}")
        return self.open_gate is not None and not self.side.has_focus and default

    @on(events.DescendantFocus)
    def _panel_entered(self, event: events.DescendantFocus) -> None:
        """Where the gate's rows fill the panel, reading begins at their top."""
        if event.widget is self.side and self.ready:
            if self.open_gate is not None and len(self.side.source) > self.side.size.height:
                self.current = f"{GATE_KEY}0"
            self.refresh_side()

    @on(events.DescendantBlur)
    def _panel_left(self, event: events.DescendantBlur) -> None:
        if event.widget is self.side and self.ready:
            if (self.current or "").startswith(GATE_KEY):
                self.current = None
            self.refresh_side()

    def tick(self) -> None:
        """The gate's age is told anew, and now and then whether its agent is alive: nothing else tells of that."""
        if self.open_gate is None or not self.is_attached:
            return
        self._ticks += 1
        if self._ticks % LOOK_TICKS:
            self.side.renew()
        else:
            self.refresh_side()

    # -- the verdict keys ---------------------------------------------------------------------------------------

    async def action_approve(self) -> None:
        if self.desk.gate is None:
            await super().action_approve()
        elif gate := self._gate_or_say():
            await self._at_gate(gate, "approve")

    async def action_stop(self) -> None:
        if self.desk.gate is None:
            await super().action_stop()
        elif gate := self._gate_or_say():
            await self._with_words(gate, "stop", "Stop the run, because", "Enter stops it · Esc lets it wait")

    async def action_abstain(self) -> None:
        if self.desk.gate is None:
            await super().action_abstain()
        else:
            self.say("An agent waits here: abstaining would leave it waiting. w goes to the next gate.", "warn")

    async def action_rollback(self) -> None:
        if self.desk.gate is None:
            await super().action_rollback()
            return
        gate = self._gate_or_say()
        if gate is None:
            return
        if gate.state == CONSUMED:
            await self._with_words(gate, "rollback", "It should have gone back, because", "Enter")
            return
        found = await self.work(gates.ways_back, self.station.store, gate)
        if found is None:
            return

        async def chosen(target: str | None) -> None:
            if target is not None:
                goal = next((way.target for way in found if way.target and way.target.id == target), None)
                await self._roll_back(gate, goal)

        rows = [_way_row(way, Choice.room(self.size.width)) for way in found]
        await self.station.push_screen(Choice(f"Roll {short(self.desk.run.title, 40)} back to", rows), chosen)

    async def _roll_back(self, gate: GateInfo, target: GateInfo | None) -> None:
        """Show what will happen to the files, ask for guidance, and do it."""
        where = f"gate {target.key}" if target else "the beginning"

        async def agreed(yes: bool | None) -> None:
            if yes:
                to = target.id if target else START
                await self._with_words(gate, "rollback", f"Back to {short(where, 24)}. To the agent", "Enter", to=to)

        from review_tui.screens.rollback import RollbackScreen

        await self.station.push_screen(RollbackScreen(gate, target), agreed)

    # -- keys of their own --------------------------------------------------------------------------------------

    async def action_reject_gate(self) -> None:
        if gate := self._gate_or_say():
            await self._with_words(gate, "reject", "Reject, and tell the agent", "it goes on without · Esc")

    async def action_message(self) -> None:
        if gate := self._gate_or_say():
            await self._with_words(gate, "approve", "Approve, and tell the agent", "Enter approves · Esc")

    async def action_edit_gate(self) -> None:
        """Change the proposed calls and approve them so."""
        gate = self._gate_or_say()
        if gate is None:
            return
        if not gate.proposed:
            self.say("Nothing is proposed here that could be edited.", "warn")
            return
        from review_tui.screens.edit import CallEditor

        async def edited(calls: list[Any] | None) -> None:
            if calls is not None:
                await self._at_gate(gate, "approve", edited=calls)

        await self.station.push_screen(CallEditor(gate), edited)

    async def action_plan(self) -> None:
        """What the snapshot of this gate covers, and what going back to it would do now."""
        gate = self.desk.gate
        if gate is None or gate.snapshot is None:
            self.say("There is no snapshot of the workspace here.", "warn")
            return
        from review_tui.screens.rollback import RollbackScreen

        await self.station.push_screen(RollbackScreen(gate, gate, look=True))

    async def action_next_gate(self) -> None:
        found = await self.work(gates.waiting, self.station.store)
        here = self.open_gate
        others = [view for view in found or [] if here is None or view.gate.id != here.id]
        if not others:
            self.say("No other gate waits." if here else "No gate waits.", "good")
            return
        await self.station.open_gate(others[0].gate)

    # -- deciding -----------------------------------------------------------------------------------------------

    def _gate_or_say(self) -> GateInfo | None:
        gate = self.desk.gate
        if gate is None:
            self.say("There is no live gate here.", "warn")
        elif gate.state == CONSUMED and not self._by_policy(gate):
            self.say("The agent has acted on this gate: roll back at its next one instead.", "warn")
            return None
        elif gate.state == "void":
            self.say("Nobody waits at this gate any more.", "warn")
            return None
        return gate

    def _by_policy(self, gate: GateInfo) -> bool:
        """Whether a rule decided: a person may still say what they think of it."""
        made = gates.decision(self.station.store, gate)
        return made is not None and made.how == "policy"

    async def _audit(self, gate: GateInfo, verdict: str, message: str) -> None:
        done = f"Kept: you say {DONE[verdict]} where a policy decided. The agent has gone on."
        if await self.decide(self.operator.audit, gate, verdict, message, done=done):
            self.desk.reload()
            self.refresh_all()

    async def _with_words(self, gate: GateInfo, verdict: str, ask: str, hint: str, to: str | None = None) -> None:
        async def written(text: str | None) -> None:
            if text is not None:
                await self._at_gate(gate, verdict, message=text.strip(), to=to)

        await self.station.push_screen(Prompt(short(ask, 44), "", hint), written)

    async def _at_gate(
        self, gate: GateInfo, verdict: str, *, message: str = "", to: str | None = None, edited: list[Any] | None = None
    ) -> None:
        if gate.state == CONSUMED:
            await self._audit(gate, verdict, message)
            return
        seconds = self.desk.seconds_here

        def decide() -> Operated:
            made = self.operator.decide(gate, verdict, to=to, message=message, edited=edited, seconds=seconds)
            self.desk.reload()
            return made

        made = await self.write(decide)
        if made is None:
            self.desk.reload()
            self.refresh_all()
            return
        self.refresh_all()
        if made.missing:
            more = "one more person" if made.missing == 1 else f"{made.missing} more people"
            self.say(f"Your approval is kept; the gate needs {more}.", "good")
            return
        done = f"Gate {gate.key} {DONE[verdict]}"
        said = f"{done}. u takes it back until the agent has it."
        self.say(said, "good")
        self._decided = (gate.id, said, f"{done}: the agent has it.")
        self.said_taken()

    def said_taken(self) -> bool:
        """Say that the agent has what was decided last, when that is so: from then on it cannot be undone. Nothing if
        something else has been said since."""
        if self._decided is None:
            return False
        decided, said, words = self._decided
        gate = next((item for item in self.desk.gates if item.id == decided), None)
        if gate is None or gate.state != DECIDED:
            self._decided = None
        standing = self.query_one("#footer", Bar).lines == [[(clean(said), "good")]]
        if gate is None or gate.state != CONSUMED or not standing:
            return False
        self.say(words, "good")
        return True

    # -- leases -------------------------------------------------------------------------------------------------

    async def hold_gate(self) -> None:
        """Say that this reviewer is at the gate on the screen, and not at the one before."""
        gate = self.open_gate
        if self._taken is not None and (gate is None or gate.id != self._taken.id):
            left, self._taken = self._taken, None
            await self.on_desk(self._quietly, self.operator.give_back, left)
        if gate is not None and not self.station.store.read_only:
            self.station.seen_gates.add(gate.id)
            if self._taken is None:
                await self.on_desk(self._quietly, self.operator.keep_suggestions, gate)
                await self.look_again()
            taken = await self.on_desk(self._quietly, self.operator.take, gate)
            if taken is not None and self.ready:
                self.say(str(taken), "warn")
            else:
                self._taken = gate
                if not self._said_at:
                    self.show_keys()

    @staticmethod
    def _quietly(call: Any, gate: GateInfo) -> Taken | None:
        """A lease is a courtesy: that somebody else has it is told, anything else that hinders it is not."""
        try:
            call(gate)
        except Taken as taken:
            return taken
        except UserError:
            return None
        return None


def _way_row(way: WayBack, room: int) -> tuple[str, list[tuple[str, str] | None]]:
    """Where a rollback can go, and at the right what goes back: that is never cut off."""
    gate = way.target
    last = gate.last if gate else -1
    right = f"{f'after step {last + 1:,}' if last >= 0 else 'before step 1'} "
    name = gate.key if gate else "the beginning"
    stage = f"  {short(gate.stage, 16)}" if gate and gate.stage else ""
    left = max(8, room - len(way.words) - len(right) - 3)
    title = short(name, left)
    return gate.id if gate else START, [
        (title, "strong"), (stage if len(title) + len(stage) <= left else "", "faint"), None, (right, "faint"),
        (f"{way.words} ", "good" if way.files else "warn"),
    ]  # fmt: skip
