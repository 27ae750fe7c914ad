"""What changes in a run while it is on the screen: steps that come, decisions made elsewhere, gates that open."""

from __future__ import annotations

from textual.timer import Timer

from review_tui.gates import AGE_S
from review_tui.screens.review_gate import RENEW_S, GateActions
from sessions.catalog import RunInfo
from sessions.live.gates import OPEN

#: How often a growing run is looked at; cut by another policy than every:N, the whole of it is walked each time.
GROWTH_S, SLOW_GROWTH_S = 0.25, 2.0
#: How often another station's decisions are looked for, and an agent's gates in a live run, in seconds.
ELSEWHERE_S, LIVE_S = 1.0, 0.05


class NewsActions(GateActions):
    """Looks for what is new, and shows it."""

    opened: RunInfo
    _growing: Timer | None = None
    _seen_version = -1

    def listen(self) -> None:
        """Begin to look, as often as the run's state asks for."""
        live = self.opened.state == "live"
        self.set_interval(LIVE_S if live else ELSEWHERE_S, self._look_elsewhere)
        if live:
            self.set_interval(RENEW_S, self.hold_gate)
            self.set_interval(AGE_S, self.tick)
            self.call_after_refresh(self.hold_gate)
        elif not self.desk.run.complete:
            seconds = GROWTH_S if self.desk.policy.kind == "every" else SLOW_GROWTH_S
            self._growing = self.set_interval(seconds, self._look_for_growth)

    async def _look_for_growth(self) -> None:
        """A run that is still being read gets more steps; one that turned out to be known already is swapped."""
        if not await self.on_desk(self.desk.refresh_run) or not self.ready:
            return
        self.document.grown(self.desk.run, self.desk.chunks)
        self.transcript.grown()
        if self.desk.run.complete and self._growing is not None:
            self._growing.stop()
            self._growing = None
            self.desk.reload()
            self.transcript.changed()
            self.refresh_all()
        else:
            self.show_head()

    async def _look_elsewhere(self) -> None:
        """The same reviewer may have a second station open, or a script: show what it has decided."""
        version = self.station.store.data_version()
        if version == self._seen_version or not self.is_current:
            return
        self._seen_version = version
        if self.opened.state == "live":
            await self._take_steps()
        await self.look_again()

    async def _take_steps(self) -> None:
        """The steps that a live run's agent has brought since, and whether the run is over."""
        was_last = self.desk.chunk == len(self.desk.chunks) - 1
        if not await self.on_desk(self.desk.refresh_run) or not self.ready:
            return
        self.document.grown(self.desk.run, self.desk.chunks)
        self.transcript.grown()
        self.show_head()
        # Who has decided on the newest chunk waits for the next one, and is taken to it.
        if was_last and self.open_gate is None and self.desk.chunk < len(self.desk.chunks) - 1:
            self.go_chunk(len(self.desk.chunks) - 1)

    async def look_again(self) -> None:
        """Read what is said and suggested anew, and show it if it has changed."""
        change = await self.on_desk(self.desk.changed_elsewhere)
        if not self.ready:
            return
        if change is None:
            self.refresh_side()  # the detectors may be through, without having found anything
            return
        self.refresh_all()
        if change.what == "gates":
            await self.hold_gate()
            self._say_gate()
        elif change.what == "decisions":
            self.say("Changed from elsewhere: what is shown is what is said now.", "warn")
        elif change.new and self.open_gate is None:
            many = "1 suggestion" if change.new == 1 else f"{change.new:,} suggestions"
            self.say(f"◇ {many} by detectors: 's jumps to them.")

    def _say_gate(self) -> None:
        """What has become of the run's gates."""
        waits = [gate for gate in self.desk.gates if gate.state == OPEN]
        if self.said_taken():
            return
        if not waits:
            self.mention("The agent goes on." if not self.desk.run.complete else "The run is over.")
        elif self.open_gate is None:
            self.mention(f"Gate {waits[-1].key} waits: w goes there.", "warn")
        else:
            self.mention(f"Gate {waits[-1].key}: a approve · M with words · X reject · r roll back · s stop", "warn")
