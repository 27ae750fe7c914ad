"""Runs a command under review: it works until a chunk of its session is complete, is frozen with all that it has
started, and goes on only when a person (or a policy of theirs) has said so.

The chunk's end is seen when it stands in the session file, so the next call may have begun by then. What the freeze has
caught is told on the gate as proposed: it has not run, or not to its end. What a gate shows, and its snapshot, is how
things stand when everything stands still.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sessions import pacing
from sessions.adapters.again import wait_again
from sessions.errors import UserError
from sessions.live import ending, runs
from sessions.live.answer import Answer
from sessions.live.asking import ask
from sessions.live.files import take_beginning, workspace_hooks
from sessions.live.gates import START, LiveRun, live_by_name
from sessions.live.hooks import NO_HOOKS, Hooks, Opening, Rollback, Snapshot
from sessions.live.process import MARKER, process
from sessions.live.request import GateRequest, parse
from sessions.run import Part, Step
from sessions.store import DB_VARIABLE, Store
from sessions.supervise import record
from sessions.supervise.feed import Feed
from sessions.supervise.keeping import Held, KeeperGone, Keeping
from sessions.supervise.plan import (
    CAN,
    CODES,
    PATIENCE_S,
    RUN_VARIABLE,
    STOPPED,
    UNANSWERED,
    WORKSPACE_VARIABLE,
    Outcome,
    Plan,
)
from sessions.supervise.reading import SessionReader
from sessions.supervise.session_files import SessionFiles
from sessions.supervise.signals import Signals
from sessions.supervise.sleeping import Sleep
from sessions.supervise.terminal import Terminal


class Supervisor:
    """One command under review. say: a line for the person who started it."""

    def __init__(self, store: Store, plan: Plan, say: Callable[[str], None]) -> None:
        """Raises UsageError for a chunk policy that is none."""
        self.store, self.plan, self.say = store, plan, say
        self._policy = pacing.policy_for_gates(plan.chunks)
        self._terminal = Terminal()
        self._reader, self._feed = SessionReader(), Feed()
        self._signals = Signals()
        self._inner = workspace_hooks(store.path, plan.store) if plan.snapshots else NO_HOOKS
        self._hooks = Hooks(self._snapshot, self._restore, self._inner.resume, self._inner.end)
        self._held: Held | None = None
        self._live: LiveRun
        self._keeping: Keeping
        self._files: SessionFiles
        self._unfollowed_agreed = self._described = self._started = False
        self._began = time.monotonic()
        self._stopped_at: float | None = None

    # -- the whole ----------------------------------------------------------------------------------------------------

    def run(self) -> Outcome:
        """Run the command to its end. Raises UserError if it cannot be put under review, CannotStart if it cannot be
        started; nothing has run then."""
        plan = self.plan
        self._live, again = record.begin(self.store, self._request(START))
        if plan.snapshots and not again:
            take_beginning(self.store.path, plan.workspace, self._live.run, plan.store)
        if again and (outcome := self._answer_earlier()) is not None:
            self._signals.close()
            return outcome
        env = {
            **(plan.env or os.environ), MARKER: plan.run, RUN_VARIABLE: plan.run,
            DB_VARIABLE: str(self.store.path.absolute()), WORKSPACE_VARIABLE: str(plan.workspace.absolute()),
        }  # fmt: skip
        self._files = SessionFiles([Path.cwd(), plan.workspace], plan.session, env)
        if not plan.own_gates:
            self._reader.start()
        try:
            self._keeping = Keeping(plan.command, env, Path.cwd(), foreground=self._terminal.present)
        except UserError:
            if not again:
                ending.end(self.store, self._live.run)
            raise
        self._started = True
        try:
            with self.store.write("NORMAL") as tx:
                for known in (process(self._keeping.pid), process(os.getpid())):
                    if known is not None:
                        runs.register(tx, self._live.run, known)
            return self._supervise()
        except KeeperGone:
            ending.end(self.store, self._live.run)
            raise
        finally:
            self._leave()

    def _answer_earlier(self) -> Outcome | None:
        """A gate of the run still waits, because its supervisor was killed: nothing goes on before it is answered."""
        earlier = record.waiting(self.store, self._live.run)
        if earlier is None:
            return None
        self.say(f"gate {earlier.key} of run {self.plan.run} waits first. To decide: review-tui gate list")
        answer = wait_again(self.store, earlier, self._hooks, None, lambda: self._signals.number is not None)
        if not isinstance(answer, Answer):
            return Outcome(128 + (self._signals.number or 0))
        return None if answer.approved else Outcome(CODES[answer.verdict], answer.brief, answer.verdict)

    def _leave(self) -> None:
        """Whatever happens: nothing goes on unreviewed, and nothing stays frozen."""
        self._keeping.close()
        self._terminal.take()
        self._reader.close()
        self._signals.close()

    def _supervise(self) -> Outcome:
        with Sleep([self._keeping, self._signals], self._files.folders) as sleep:
            woken = True
            while True:
                self._keeping.hear()
                if self._signals.number is not None:
                    return self._interrupted(self._signals.number)
                if self._keeping.code is not None:
                    return self._ended(self._keeping.code)
                if self._keeping.take_stopped() is not None:
                    self._suspend()
                outcome = self._look(woken)
                if outcome is not None:
                    return outcome
                woken = sleep.wait()

    # -- between gates ------------------------------------------------------------------------------------------------

    def _look(self, woken: bool) -> Outcome | None:
        """Read what the command has told of itself, and hold it if that makes a chunk."""
        if self._gates_itself():
            return self._watch_own_gates()
        self._files.search(at_once=woken and not self._files.found)
        self._read()
        if pacing.is_due(self._policy, self._feed.complete()):
            return self._gate(self._hold())
        idle = not self._files.found and not self._unfollowed_agreed
        if idle and time.monotonic() - self._began > self.plan.grace:
            self._hold()
            return self._unfollowed()
        return None

    def _read(self, *, now: bool = False) -> None:
        for path, base in self._files.found.items():
            view = self._reader.read(path, now=now)
            if view is not None:
                self._feed.take(path, base, view)
        if self._feed.task and not self._described:
            self._described = True
            if not self.plan.task:
                record.describe(self.store, self._live.run, self._feed.task)

    def _gates_itself(self) -> bool:
        return self.plan.own_gates or record.gated_by(self.store, self.plan.run) is not None

    def _watch_own_gates(self) -> Outcome | None:
        """The command opens its gates itself: take the snapshots that it did not take, and see that a stop is one."""
        for gate in record.gates_without_snapshot(self.store, self._live.run):
            self._held = self._keeping.list()
            facts = self._snapshot(Opening(self._live.run, gate.id, gate.key, str(self.plan.workspace)))
            record.attach(self.store, gate.id, facts)
        live = live_by_name(self.store, self.plan.run)
        if live is None or live.ended != "stop":
            return None
        self._stopped_at = self._stopped_at or time.monotonic()
        if time.monotonic() - self._stopped_at < PATIENCE_S:
            return None  # it has been told, and may still clean up
        self._keeping.end(PATIENCE_S)
        return Outcome(STOPPED, verdict="stop")

    # -- gates --------------------------------------------------------------------------------------------------------

    def _hold(self) -> list[Step]:
        """Freeze everything, and read what was written until then."""
        self._held = self._keeping.freeze()
        self._terminal.take()
        self._files.search(at_once=True)
        self._read(now=True)
        return self._feed.steps()

    def _gate(self, steps: list[Step], *, final: bool = False) -> Outcome | None:
        """Show steps at a gate, and do as decided. None: the command goes on."""
        flying = [] if final else self._feed.flying()
        request = self._request(record.next_gate(self.store, self._live.run), steps, flying, final=final)
        self.say(f"{request.agent} waits at gate {request.gate} of run {request.run}. To decide: review-tui gate list")
        answer = ask(self.store, request, hooks=self._hooks, stopped=lambda: self._signals.number is not None)
        if not isinstance(answer, Answer):
            assert self._signals.number is not None
            return self._interrupted(self._signals.number)
        self._feed.shown(everything=final)
        if answer.message:
            self.say(f"{answer.by} at gate {request.gate}: {answer.message}")
        return self._act(answer)

    def _act(self, answer: Answer) -> Outcome | None:
        if answer.verdict == "approve":
            self.say(f"gate {answer.gate} is approved.")
            if self._keeping.code is None:
                self._keeping.thaw()
                self._terminal.give(self._keeping.pid)
            return None
        if answer.verdict != "rollback":  # then it is ended already: see `_restore`
            self._keeping.end(PATIENCE_S)
        return Outcome(CODES[answer.verdict], answer.brief, answer.verdict)

    def _request(
        self, gate: str, steps: Sequence[Step] = (), proposed: Sequence[Part] = (), *, final: bool = False
    ) -> GateRequest:
        plan = self.plan
        can = [name for name in CAN if name != "files" or plan.snapshots]
        live = live_by_name(self.store, plan.run)
        return parse({
            "run": plan.run, "gate": gate, "agent": plan.agent, "task": self._task(), "rules": list(plan.rules),
            "workspace": str(plan.workspace.absolute()), "steps": list(steps), "proposed": list(proposed),
            "final": final, "can": can, "segment": live.segment if live else 0,
        })  # fmt: skip

    def _task(self) -> str:
        return self.plan.task or self._feed.task or " ".join(self.plan.command)

    def _snapshot(self, opening: Opening) -> Snapshot:
        """The workspace, and who stands still in it."""
        try:
            taken = self._inner.snapshot(opening)
        except Exception as error:  # the gate opens all the same; nobody can roll back to it
            reason = error.message if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
            taken = Snapshot(None, {"failed": reason[:500]})
        return Snapshot(taken.id, {**(taken.facts or {}), **self._facts()})

    def _facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = {"command": list(self.plan.command)[:50]}
        if self._held is not None:
            facts |= {"processes": self._held.processes, "process_count": self._held.total}
            facts |= {"not_held": self._held.moving} if self._held.moving else {}
        if self._feed.earlier:
            facts["earlier_steps"] = self._feed.earlier
        if self._feed.problems:
            facts["unread_records"] = self._feed.problems
        return facts

    def _restore(self, rollback: Rollback) -> str:
        """A rollback: the agent's own state cannot go back, so it ends, before its files do, without running again."""
        if self._started:
            self._keeping.kill()
        return self._inner.restore(rollback)

    # -- special gates ------------------------------------------------------------------------------------------------

    def _unfollowed(self) -> Outcome | None:
        """Nothing tells what the command does: a person must know, and agree."""
        steps = self._feed.steps()
        if self._files.found:  # a session file has just come
            return self._gate(steps)
        text = (
            f"No session file was found after {self.plan.grace:g} s, and the command has opened no gate. What it does"
            " cannot be followed: if it goes on, there is no gate until it ends."
        )
        outcome = self._gate([Step("review-tui", "system", [Part("text", text)])])
        self._unfollowed_agreed = True
        return outcome

    def _ended(self, code: int) -> Outcome:
        """The command has ended: what was not shown yet is shown now, and what it has left behind is held."""
        self._held = self._keeping.freeze()
        self._terminal.take()
        self._files.search(at_once=True)
        self._read(now=True)
        exit_code = code if code >= 0 else 128 - code
        if self._gates_itself():
            return self._ended_itself(exit_code)
        steps = self._feed.steps(everything=True)
        if not record.gates(self.store, self._live.run) and not steps:
            text = f"{' '.join(self.plan.command)}\n\nended with exit code {exit_code}. Nothing tells what it did."
            steps = [Step("review-tui", "system", [Part("text", text)])]
        if not steps and not self._changed_since():
            record.close(self.store, self._live.run, "final")
            self._hooks.end(Opening(self._live.run, "", "", str(self.plan.workspace)))
            return Outcome(exit_code)
        outcome = self._gate(steps, final=True)
        if self._held.total:  # what it has left behind
            self._keeping.end(PATIENCE_S)
        return outcome if outcome is not None else Outcome(exit_code, verdict="approve")

    def _ended_itself(self, exit_code: int) -> Outcome:
        """The command opened its gates itself. One that nobody has decided on stays, to be decided on."""
        if record.waits(self.store, self._live.run):
            self.say("a gate that the command opened still waits; it can be decided on.")
            return Outcome(exit_code or UNANSWERED)
        live = live_by_name(self.store, self.plan.run)
        if live is not None and live.ended is None:
            ending.end(self.store, live.run)
        return Outcome(exit_code)

    def _changed_since(self) -> bool:
        """Whether the workspace is not as it was at the last gate."""
        if not self.plan.snapshots:
            return False
        return record.workspace_changed(self.store.path, self.plan.workspace, self._live.run, self.plan.store)

    # -- signals ------------------------------------------------------------------------------------------------------

    def _interrupted(self, number: int) -> Outcome:
        """Somebody ends us: the command ends too, nothing is approved, and the run is over."""
        self.say("ending the command.")
        self._keeping.end(PATIENCE_S)
        ending.end(self.store, self._live.run)
        return Outcome(128 + number)

    def _suspend(self) -> None:
        """Ctrl+Z has stopped the command: stop as well, so that the shell has its terminal; go on when it says so."""
        self._terminal.take()
        self._signals.suspend()
        self._terminal.give(self._keeping.pid)
        with suppress(ProcessLookupError):
            os.killpg(self._keeping.pid, signal.SIGCONT)
