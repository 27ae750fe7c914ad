"""What adapters share: one run under review, when a gate is due in it, and what follows from an answer.

    review = Review(agent="fixer", task="Repair the build.", workspace=".", chunks="every:5")

The adapter calls `start`, reports what happens (`replied`, and to `trail`), asks `due()` before each model request and
`asks_for(calls)` before calls run, and opens gates with `gate` or `gate_async`. What comes back is an approval, a
rejection or a rollback. Everything else is raised, and the adapter lets it through, so that the agent does nothing
more: `Stopped`, `Unanswered`, or whatever went wrong at the gate. From then on every question raises it again, because
some frameworks catch errors and go on.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

from sessions.adapters.rules import Before, chunk_rule, paired
from sessions.adapters.trail import REVIEW, Call, Trail, calls_of
from sessions.errors import UsageError, UserError
from sessions.gate import Answer, Gate, Pending
from sessions.live.hooks import NO_HOOKS, Hooks, Rollback

if TYPE_CHECKING:
    from sessions.live.gates import GateInfo, LiveRun
    from sessions.store import Store

__all__ = ["START", "Answer", "Call", "Review", "Stopped", "Trail", "Unanswered", "calls_of", "paired"]

#: Where a rollback to before the first step goes, as `Answer.to_gate` says it.
START = "start"
#: What `review-tui run` tells the command that it runs (`sessions.supervise.plan`).
_RUN_VARIABLE, _WORKSPACE_VARIABLE = "REVIEW_TUI_RUN", "REVIEW_TUI_WORKSPACE"


class Stopped(Exception):
    """The agent must do nothing more. answer: the decision; brief: what to hand to whoever starts it again."""

    def __init__(self, answer: Answer, why: str) -> None:
        super().__init__(why)
        self.answer = answer
        self.brief = answer.brief


class Unanswered(Exception):
    """Nobody has answered in time: nothing was approved and nothing was refused. The gate stays open."""

    def __init__(self, pending: Pending) -> None:
        super().__init__(f"gate {pending.gate!r} of run {pending.run!r}: {pending.reason}")
        self.pending = pending


class Review:
    """One run of an agent under review. To be used by one thread, or one task, at a time; a context manager."""

    def __init__(
        self,
        *,
        agent: str,
        task: str | None = None,
        run: str | None = None,
        workspace: Path | str | None = None,
        rules: Sequence[str] = (),
        chunks: str = "every:5",
        before: Before = "risky",
        briefs: bool = False,
        timeout_s: float | None = None,
        db: Path | str | None = None,
        snapshots: Path | str | None = None,
    ) -> None:
        """task: None where the framework is told it. run: its name; below `review-tui run` that run, if None (and its
        workspace, if that is None too), else made up. workspace: its files are snapshotted at every gate, and go back
        with a rollback; None leaves files alone. chunks: a gate after so many replies of models (`every:N`), or as in
        `rules.POLICIES`. before: which calls are asked for before they run, see `rules.Before`. briefs: hand the agent
        the brief at every approval, not only where a reviewer said something. timeout_s: seconds to wait at a gate,
        None for ever. snapshots: folder of the snapshot store.

        Raises UsageError for a chunk policy that is none.
        """
        self.task, self.agent = task, agent
        self.workspace = workspace or (None if run else os.environ.get(_WORKSPACE_VARIABLE))
        self.timeout_s = timeout_s
        self.trail = Trail()
        self._complete = chunk_rule(chunks)
        self._before, self._briefs = before, briefs
        self._rules, self._run = tuple(rules), run or os.environ.get(_RUN_VARIABLE)
        self._db = Path(db) if db is not None else None
        self._snapshots = Path(snapshots) if snapshots is not None else None
        self._gate: Gate | None = None
        self._store: Store | None = None
        self._states: dict[str, Any] = {}
        self._opened: set[str] = set()
        self._hooks, self._unrestored = NO_HOOKS, False
        self._broken: Exception | None = None
        self._count = 0

    # -- the run ------------------------------------------------------------------------------------------------------

    def start(self, can: Sequence[str], task: str | None = None) -> None:
        """Begin, or take up a run of that name. can: what the adapter can do besides holding: `edit`, `state`. task: if
        the user gave none. Nothing if it has begun.

        Raises UserError if the database or the workspace cannot be used, or a run of that name is over.
        """
        if self._gate is not None:
            return
        try:
            self._start(can, task)
        except BaseException:
            self.close()  # so that a second try does not find it begun
            raise

    def _start(self, can: Sequence[str], task: str | None) -> None:
        self.task = self.task or task or ""
        abilities = ["hold", *can, *(["files"] if self.workspace is not None else [])]
        if self.workspace is not None:
            from sessions.live.files import workspace_hooks

            self._hooks = self._watched(workspace_hooks(self._db, self._snapshots))
        self._gate = Gate(
            agent=self.agent, task=self.task, run=self._run, workspace=self.workspace, rules=self._rules, can=abilities,
            db=self._db, hooks=self._hooks,
        )  # fmt: skip
        if self.ended:
            raise UserError(f"the run {self.run!r} is over.", "A new run needs a new name.")
        if self.workspace is not None and self.live is None:
            self._take_beginning(Path(self.workspace), abilities)

    def _take_beginning(self, workspace: Path, can: Sequence[str]) -> None:
        """The workspace before the first step, for a rollback to the beginning. A run that is taken up has one."""
        from sessions.live import runs
        from sessions.live.files import BEGINNING, take_beginning
        from sessions.live.request import parse

        asked = {"run": self.run, "gate": BEGINNING, "agent": self.agent, "task": self.task, "can": list(can)}
        live = runs.begin(self.store, parse({**asked, "workspace": str(workspace.absolute())}))
        take_beginning(self.store.path, workspace, live.run, self._snapshots)

    def _watched(self, hooks: Hooks) -> Hooks:
        """The hooks, and a note if files could not be taken back."""

        def restore(rollback: Rollback) -> str:
            self._unrestored = True
            told = hooks.restore(rollback)
            self._unrestored = not told  # nothing is told where there is no snapshot to go back to
            return told

        return Hooks(hooks.snapshot, restore)

    @property
    def run(self) -> str:
        """The name of the run."""
        return self._started().run

    @property
    def store(self) -> Store:
        """The database, on a connection of our own."""
        if self._store is None:
            from sessions.live.asking import open_database

            self._store = open_database(self._db)
        return self._store

    @property
    def live(self) -> LiveRun | None:
        """The run's row; None before it has begun."""
        from sessions.live.gates import live_by_name

        return live_by_name(self.store, self.run)

    @property
    def ended(self) -> bool:
        """Whether the run is over."""
        live = self.live
        return live is not None and live.ended is not None

    def end(self) -> None:
        """The agent is gone: nothing more comes of the run, and its open gates are void. Nothing if it is over."""
        from sessions.live import ending

        if (live := self.live) is not None and live.ended is None:
            ending.end(self.store, live.run)

    def close(self) -> None:
        """Close the database. The run stays as it is."""
        for item in (self._gate, self._store):
            if item is not None:
                item.close()
        self._gate, self._store = None, None

    def __enter__(self) -> Review:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _started(self) -> Gate:
        if self._gate is None:
            raise UsageError("this review has not been started.", "The adapter starts it with the agent.")
        return self._gate

    # -- when ---------------------------------------------------------------------------------------------------------

    def replied(self, actor: str, text: str = "", reasoning: str = "", **more: Any) -> None:
        """A model has replied: one more for the chunk policy, and a step (more: as in `Trail.reply`)."""
        self.counted()
        self.trail.reply(actor, text, reasoning, **more)

    def counted(self) -> None:
        """One more of what `every:N` counts."""
        self._count += 1

    def due(self) -> bool:
        """Whether the chunk is complete, so that a gate opens before anything else happens."""
        self.unbroken()
        return self._count > 0 and self._complete(self._count, self.trail.steps)

    def asks_for(self, calls: Sequence[Call]) -> bool:
        """Whether a gate must open before these calls run."""
        self.unbroken()
        if not calls or self._before == "none":
            return False
        if self._before == "all":
            return True
        if callable(self._before):
            return any(self._before(call.name, call.arguments) for call in calls)
        from sessions.adapters.rules import checks_object

        return checks_object(
            self.store, self.live, self.run, self.agent, self.task or "", self._rules, self.workspace, calls
        )  # fmt: skip

    # -- gates --------------------------------------------------------------------------------------------------------

    def gate(
        self, *, proposed: Sequence[Call] = (), final: bool = False, state: Any = None, name: str | None = None
    ) -> Answer:
        """Open a gate with what the trail holds, and wait. state: to be found by `state_at` after a rollback to it.
        name: of the gate, made up if None.

        An approval, a rejection or a rollback; raises Stopped, Unanswered, or what went wrong.
        """
        self.unbroken()
        try:
            if earlier := self.earlier(name):
                from sessions.adapters.again import wait_again

                return self._took(wait_again(self.store, earlier, self._hooks, self.timeout_s), state)
            gate, parts = self._prepared(), [call.part for call in proposed]
            return self._took(gate.open(name, proposed=parts, final=final, timeout_s=self.timeout_s), state)
        except BaseException as error:
            self._break(error)
            raise

    async def gate_async(
        self, *, proposed: Sequence[Call] = (), final: bool = False, state: Any = None, name: str | None = None
    ) -> Answer:
        """As `gate`, without blocking the event loop."""
        self.unbroken()
        try:
            if earlier := self.earlier(name):
                from sessions.adapters.again import wait_again_async

                return self._took(await wait_again_async(self.store, earlier, self._hooks, self.timeout_s), state)
            gate, parts = self._prepared(), [call.part for call in proposed]
            opened = await gate.open_async(name, proposed=parts, final=final, timeout_s=self.timeout_s)
            return self._took(opened, state)
        except BaseException as error:
            self._break(error)
            raise

    def _prepared(self) -> Gate:
        gate = self._started()
        for step in self.trail.take():
            gate.add(step)
        return gate

    def _took(self, answer: Answer | Pending, state: Any) -> Answer:
        self._opened.add(answer.gate)
        if isinstance(answer, Pending):
            raise Unanswered(answer)
        self._started().segment = answer.segment
        self._count = 0
        if answer.verdict == "stop":
            raise Stopped(answer, f"stopped at gate {answer.gate!r} by {answer.by}: {answer.message}".rstrip(": "))
        if answer.verdict != "rollback":
            self.keep(answer.gate, state)
        elif self._unrestored:
            self.restart(answer, "its files could not be taken back")
        return answer

    def _break(self, error: BaseException) -> None:
        interrupted = UserError("waiting at a gate was interrupted: nothing was approved.", "Start the run again.")
        self._broken = error if isinstance(error, Exception) else interrupted

    @property
    def is_broken(self) -> bool:
        """Whether a gate has raised, so that nothing more may happen."""
        return self._broken is not None

    def unbroken(self) -> None:
        """Raises again what a gate has raised: whatever caught it must not go on."""
        if self._broken is not None:
            raise self._broken

    # -- taking a run up ----------------------------------------------------------------------------------------------

    def ask_again(self) -> None:
        """Take the run up after `Unanswered`: the next gate is the one that has no answer yet."""
        if isinstance(self._broken, Unanswered):
            self._broken = None

    def earlier(self, name: str | None) -> GateInfo | None:
        """The gate of that name, if an earlier process opened it. For adapters whose gates are named after states that
        outlive a process: standing at such a state again means standing at that gate."""
        from sessions.live.gates import gates_of

        if name is None or name in self._opened or (live := self.live) is None:
            return None
        found = gates_of(self.store, live.run, name)
        return found[-1] if found else None

    def passed(self, *, undone: bool = False) -> list[str]:
        """The names of the gates that the run has passed, first to last; without those that a rollback undid."""
        from sessions.live.gates import CONSUMED, gates_of

        live = self.live
        found = gates_of(self.store, live.run) if live is not None else []
        return [gate.key for gate in found if gate.state == CONSUMED and (undone or gate.undone_by is None)]

    # -- what follows -------------------------------------------------------------------------------------------------

    def words(self, answer: Answer) -> str | None:
        """What the agent is to be told: the brief; None for an approval without a word."""
        if answer.approved and not (self._briefs or answer.message or answer.edited is not None or self._found(answer)):
            return None
        if answer.edited is None:
            return answer.brief
        made = "\n\n".join(f"{call.name}: {call.part.text}" for call in calls_of(answer.edited)) or "None is left."
        return f"{answer.brief}\n## THE CALLS AS CHANGED (those that you had proposed were made so, for you)\n{made}\n"

    def _found(self, answer: Answer) -> bool:
        """Whether the reviewer has labelled anything at the gate: the brief tells of it."""
        from sessions.live.gates import decision_of

        decision = decision_of(self.store, answer.id)
        return decision is not None and bool(decision.findings)

    def tell(self, text: str) -> None:
        """Note that the agent was told this."""
        self.trail.say("environment", text, actor=REVIEW)

    def keep(self, gate: str, state: Any) -> None:
        """Remember the state at a gate, or at START."""
        self._states[gate] = state

    def has_state(self, gate: str | None) -> bool:
        """Whether the state at a gate is known: not if another process was the agent then."""
        return gate in self._states

    def state_at(self, answer: Answer) -> Any:
        """The state at the gate that a rollback goes back to. Raises Stopped, with the brief on standard error, if it
        is not known: the files went back, and the agent must be started anew."""
        if answer.to_gate is None or answer.to_gate not in self._states:
            self.restart(answer, "its state there is not known here")
        return self._states[answer.to_gate]

    def restart(self, answer: Answer, why: str) -> NoReturn:
        """The agent cannot go back by itself: print the brief for its restart, and stop it. Raises Stopped."""
        sys.stderr.write(f"{answer.brief}\nStart the agent anew, as the run {self.run!r}, with the text above.\n")
        sys.stderr.flush()
        what = f"rolled back to {answer.to_gate!r}" if answer.verdict == "rollback" else f"refused at {answer.gate!r}"
        self._broken = Stopped(answer, f"{what}, but {why}: start the agent anew")
        raise self._broken
