"""Claude Code under review, through its hooks: `review-tui hook claude-code` is called with an event on standard input.

    SessionStart    the run begins; the workspace as it is now can be gone back to
    PreToolUse      a gate, if the steps since the last one make a chunk, or a check would not let the call pass
    PostToolUse     where the transcript cannot be read: what the call did is kept for the next gate
    Stop            a gate for what is left; sent back or rejected, the agent goes on, and is told why
    SubagentStop    a gate, if a chunk is complete
    SessionEnd      the run is over

The steps are those of the transcript that the event names, from the last gate on. A call that a person approved is
allowed; one that no gate was due for is left to Claude Code's own permissions. Whatever goes wrong blocks the call.

It can hold, run edited calls, and take files back. It cannot take the conversation back: after a rollback the agent
still remembers what it did, so it is told what was undone, or with `on_rollback="stop"` ended with a brief and the
command that continues the conversation from before.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sessions.adapters import rules
from sessions.adapters.again import wait_again
from sessions.adapters.claude_replies import SILENT, Reply, allow, deny, end, words
from sessions.adapters.claude_state import State, lock
from sessions.adapters.claude_transcript import Transcript
from sessions.adapters.trail import Call
from sessions.chunks import Policy
from sessions.errors import UsageError, UserError
from sessions.live import ending, runs
from sessions.live.answer import Answer, Pending
from sessions.live.asking import ask
from sessions.live.files import take_beginning, workspace_hooks
from sessions.live.gates import START, LiveRun, gate_by_id, gates_of, live_by_name
from sessions.live.hooks import Hooks
from sessions.live.request import GateRequest, parse
from sessions.pacing import is_due
from sessions.run import Part, Step, arguments_text
from sessions.store import Store
from sessions.supervise import record
from sessions.supervise.feed import Feed
from sessions.supervise.plan import RUN_VARIABLE

AGENT = "claude-code"
CAN = ("hold", "edit", "files")
#: A call to this tool is a probe of `review-tui hooks check`: it is looked at like every other, and never allowed.
PROBE_TOOL = "review_tui_probe"
#: How long the transcript is waited for, in seconds.
WRITTEN_S = 2.0
#: Characters of a tool's answer that are kept where there is no transcript.
_ANSWER_CHARS = 20_000


@dataclass(frozen=True, slots=True)
class Options:
    """chunks: when a gate is due. timeout_s: seconds to wait at a gate, None for ever. on_rollback: `tell` or `stop`.
    snapshots: folder of the snapshot store, the user's own if None. gone: whether who asked is there no more."""

    chunks: Policy
    timeout_s: float | None = None
    on_rollback: str = "tell"
    snapshots: Path | None = None
    gone: Callable[[], bool] = lambda: False


def respond(store: Store, event: Any, options: Options, env: Mapping[str, str]) -> Reply:
    """The answer to one event. Raises UserError or UsageError for what cannot be answered: the caller blocks then."""
    if not isinstance(event, dict):
        raise UsageError(f"an event of Claude Code is a JSON object, not {type(event).__name__}.")
    name, session = event.get("hook_event_name"), event.get("session_id")
    if not isinstance(name, str) or not isinstance(session, str) or not session:
        raise UsageError("the event names no session.", "This command is called by Claude Code's hooks.")
    with lock(store.path, session):
        if options.gone():
            raise UserError("the hook that asked is gone.")
        hook = _Hook(store, event, session, options, env)
        match name:
            case "SessionStart":
                return hook.session_start()
            case "PreToolUse":
                return hook.before_call()
            case "PostToolUse":
                return hook.after_call()
            case "Stop":
                return hook.stop()
            case "SubagentStop":
                return hook.subagent_stop()
            case "SessionEnd":
                return hook.session_end()
        return SILENT


class _Hook:
    """One event of one session. The session's lock is held."""

    def __init__(
        self, store: Store, event: dict[str, Any], session: str, options: Options, env: Mapping[str, str]
    ) -> None:
        self.store, self.event, self.session, self.options, self.env = store, event, session, options, env
        self.state = State.load(store, session)
        self.supervised = bool(env.get(RUN_VARIABLE))
        self.name = env.get(RUN_VARIABLE) or self.state.name or session
        self.hooks: Hooks = workspace_hooks(store.path, options.snapshots)
        self.transcript: Transcript | None = None
        self._has_read = False
        self._unwritten = ""
        path = _transcript_path(event)
        if os.access(path, os.R_OK):
            self.transcript = Transcript(Path(path), self.state.transcript)

    # -- the events ---------------------------------------------------------------------------------------------------

    def session_start(self) -> Reply:
        """Begin the run, or another if that one is over: the session is resumed."""
        live = live_by_name(self.store, self.name)
        if live is not None and live.ended is not None and not self.supervised:
            self.state.number += 1
            self.name = self.state.name = f"{self.session}#{self.state.number + 1}"
            self.state.refused = []
        if self.transcript is not None and not self.state.begun:
            self.transcript.begin_here()
            self.state.transcript = self.transcript.memory()
        problem = self._begin()
        self.state.save()
        return Reply({"systemMessage": f"review-tui: {problem}"}) if problem else SILENT

    def before_call(self) -> Reply:
        call = self._call()
        if call.name == PROBE_TOOL:
            return self._probe(call)
        if reason := self.state.refusal(call.id):
            return deny(reason)
        live = self._running()
        if live is not None and live.ended == "stop":
            return end("a reviewer has stopped this session.", refuse=True)
        self._begin()
        if waiting := self._finish_earlier():
            return self._after(waiting, call)
        steps = self._steps()
        if not (is_due(self.options.chunks, self._counted()) or self._risky(call)):
            return SILENT
        answer = self._open(steps, [call.part])
        return self._after(answer, call)

    def after_call(self) -> Reply:
        """There is no transcript: the call and its answer are a step of the next gate."""
        self.state.calls.append(
            {
                "id": self.event.get("tool_use_id"), "name": str(self.event.get("tool_name")),
                "input": self.event.get("tool_input"), "answer": _text(self.event.get("tool_response"))[:_ANSWER_CHARS],
            }
        )  # fmt: skip
        self.state.save()
        return SILENT

    def stop(self) -> Reply:
        """The agent has nothing more to do: what no gate has shown is looked at before it rests."""
        live = self._running()
        if live is not None and live.ended == "stop":
            return SILENT
        self._begin()
        answer = self._finish_earlier()
        if answer is None:
            steps = self._steps(everything=True)
            if not steps:
                return SILENT
            answer = self._open(steps, [], everything=True)
        return self._after_stop(answer)

    def subagent_stop(self) -> Reply:
        live = self._running()
        if live is not None and live.ended == "stop":
            return SILENT
        self._begin()
        steps = self._steps()
        if not is_due(self.options.chunks, self._counted()):
            return SILENT
        return self._after_stop(self._open(steps, []))

    def session_end(self) -> Reply:
        """The run is over. What nobody has looked at stays so: it was not approved."""
        live = self._running()
        if live is not None and live.ended is None and not self.supervised:
            waits = record.waits(self.store, live.run) or bool(self._steps(everything=True))
            if waits:
                ending.end(self.store, live.run)
            else:
                record.close(self.store, live.run, "final")
        self.state.save()
        return SILENT

    # -- the run ------------------------------------------------------------------------------------------------------

    def _running(self) -> LiveRun | None:
        return live_by_name(self.store, self.name)

    def _begin(self) -> str:
        """Make the run and the snapshot of its beginning, if they are not there; what went wrong with the latter."""
        live = self._running()
        if live is not None and self.state.begun:
            return ""
        if self.supervised:
            record.declare(self.store, self.name, "Claude Code's hooks")
        self.state.begun, self.state.workspace = True, self._workspace()
        self.state.save()
        if live is not None:
            return ""
        live = runs.begin(self.store, self._request(START, [], []))
        try:
            take_beginning(self.store.path, Path(self.state.workspace), live.run, self.options.snapshots)
        except UserError as error:
            return f"no snapshot can be taken, so files cannot go back: {error}"
        return ""

    def _workspace(self) -> str:
        """The folder of the project, where Claude Code says it; else where it works now."""
        said = self.env.get("CLAUDE_PROJECT_DIR") or self.event.get("cwd")
        return os.path.abspath(said if isinstance(said, str) and said else ".")

    # -- what is shown ------------------------------------------------------------------------------------------------

    def _steps(self, *, everything: bool = False) -> list[Step]:
        if self.transcript is None:
            return _kept(self.state.calls)
        if not self._has_read:
            self._read()
            self._has_read = True
            if self.transcript is not None and self.transcript.feed.task and not self.state.task:
                self._describe(self.transcript.feed.task)
        steps = self.transcript.feed.steps(everything=everything)
        return [*steps, Step("agent", "agent", [Part("text", self._unwritten)])] if self._unwritten else steps

    def _read(self) -> None:
        """Read the transcript. Claude Code writes it behind its own back, and may not have got to what this event is
        about: wait for that a little. Last words that are not there by then are taken from the event."""
        assert self.transcript is not None
        end = time.monotonic() + WRITTEN_S
        while True:
            self.transcript.read()
            if self._is_written(self.transcript.feed) or time.monotonic() > end:
                break
            time.sleep(0.02)
            self.transcript = Transcript(self.transcript.path, self.state.transcript)
        last = self.event.get("last_assistant_message")
        if self.event["hook_event_name"] == "Stop" and isinstance(last, str) and last.strip():
            self._unwritten = "" if self.transcript.feed.says(last) else last

    def _is_written(self, feed: Feed) -> bool:
        """Whether the transcript has what this event is about: everything before that is there then, too."""
        called, last = self.event.get("tool_use_id"), self.event.get("last_assistant_message")
        if self.event["hook_event_name"] == "PreToolUse":
            return not isinstance(called, str) or feed.tells_of(called)
        if self.event["hook_event_name"] == "Stop":
            said = not isinstance(last, str) or not last.strip() or feed.says(last)
            return said and not feed.flying()
        return True

    def _counted(self) -> list[Step]:
        """The steps that a chunk is counted by."""
        return self.transcript.feed.complete() if self.transcript is not None else _kept(self.state.calls)

    def _describe(self, task: str) -> None:
        self.state.task = task
        live = self._running()
        if live is not None and not self.supervised:
            record.describe(self.store, live.run, task)

    def _call(self) -> Call:
        """The call that is about to be made. Raises UsageError if the event has none."""
        name, given = self.event.get("tool_name"), self.event.get("tool_input")
        if not isinstance(name, str):
            raise UsageError("the event names no tool.", "This command is called by Claude Code's hooks.")
        called = self.event.get("tool_use_id")
        return Call(name, given if isinstance(given, dict) else {}, called if isinstance(called, str) else None)

    def _risky(self, call: Call) -> bool:
        return rules.checks_object(
            self.store, self._running(), self.name, AGENT, self.state.task or "", (), self.state.workspace, [call]
        )

    # -- the gate -----------------------------------------------------------------------------------------------------

    def _request(
        self, gate: str, steps: Sequence[Step], proposed: Sequence[Part], timeout_s: float | None = None
    ) -> GateRequest:
        live = self._running()
        return parse({
            "run": self.name, "gate": gate, "agent": AGENT, "task": self.state.task or "Claude Code session",
            "workspace": self.state.workspace, "steps": list(steps), "proposed": list(proposed), "can": list(CAN),
            "segment": live.segment if live else 0, "pid": _claude_pid(self.env), "timeout_s": timeout_s,
        })  # fmt: skip

    def _open(self, steps: Sequence[Step], proposed: Sequence[Part], *, everything: bool = False) -> Answer | Pending:
        """Open a gate and wait. That it was opened is noted before, so that a hook that is killed meanwhile leaves
        nothing to be shown twice: the next one finds the gate, and its answer."""
        live = self._running()
        assert live is not None
        request = self._request(str(len(gates_of(self.store, live.run)) + 1), steps, proposed, self.options.timeout_s)
        transcript, flying = self.state.transcript, []
        if self.transcript is not None:
            flying = [part.call_id for part in self.transcript.feed.flying() if part.call_id]
            self.transcript.feed.shown(everything=everything)
            transcript = self.transcript.memory()
        self.state.intend(request.gate, request.sha256, transcript, flying)
        answer = ask(self.store, request, hooks=self.hooks, stopped=self.options.gone)
        if isinstance(answer, Answer):
            self.state.settle(True)
        return answer

    def _finish_earlier(self) -> Answer | Pending | None:
        """A hook before this one opened a gate and was killed: wait for its answer first. None if there is none."""
        wanted = self.state.intent
        live = self._running()
        if wanted is None or live is None:
            return None
        named = gates_of(self.store, live.run, wanted["gate"])
        gate = next((item for item in named if item.payload_sha256 == wanted["sha256"]), None)
        if gate is None:  # it was killed before the gate was there: nothing was shown
            self.state.settle(False)
            return None
        gate = gate_by_id(self.store, gate.id)
        assert gate is not None
        answer = wait_again(self.store, gate, self.hooks, self.options.timeout_s, self.options.gone)
        if isinstance(answer, Answer):
            self.state.settle(True)
            if self.transcript is not None:
                self.transcript, self._has_read = Transcript(self.transcript.path, self.state.transcript), False
        return None if isinstance(answer, Answer) and answer.approved else answer

    # -- what follows -------------------------------------------------------------------------------------------------

    def _after(self, answer: Answer | Pending, call: Call) -> Reply:
        """What becomes of the call."""
        if isinstance(answer, Pending):
            return Reply(code=2, reason=f"gate {answer.gate}: {answer.reason} The call was not made.")
        if answer.verdict == "approve":
            return allow(answer, call)
        if answer.verdict == "reject":
            return deny(words(answer))
        self.state.refuse(words(answer))
        if answer.verdict == "rollback" and self.options.on_rollback == "tell":
            return deny(words(answer))
        return end(self._farewell(answer), refuse=True)

    def _after_stop(self, answer: Answer | Pending) -> Reply:
        """Whether the agent may rest."""
        if isinstance(answer, Pending):
            return self._unanswered(answer)
        if answer.verdict == "approve":
            return SILENT
        if answer.verdict == "stop" or (answer.verdict == "rollback" and self.options.on_rollback == "stop"):
            return end(self._farewell(answer), refuse=False)
        return Reply({"decision": "block", "reason": words(answer)})

    def _unanswered(self, pending: Pending) -> Reply:
        """Nobody has answered in time. Asked a second time, the agent is let rest: it does nothing then."""
        reason = f"gate {pending.gate}: {pending.reason}"
        if self.event.get("stop_hook_active") is True:
            return end(reason, refuse=False)
        return Reply(code=2, reason=f"{reason} Wait for the reviewer: do nothing more, and end your turn.")

    def _farewell(self, answer: Answer) -> str:
        """The brief, and how the conversation can be continued from before what was undone."""
        text = answer.brief
        if answer.verdict == "rollback" and (last := self._last_kept(answer)):
            text += f"\nTo go on from there: claude --resume {self.session} --resume-session-at {last} --fork-session\n"
        return text

    def _last_kept(self, answer: Answer) -> str | None:
        """The session's own id of the last message that a rollback has kept."""
        from sessions import catalog

        live = self._running()
        row = self.store.one("SELECT no FROM run WHERE id = ?", [live.run]) if live else None
        targets = gates_of(self.store, live.run, answer.to_gate) if live and answer.to_gate != START else []
        kept = [gate for gate in targets if gate.undone_by is None and gate.last >= 0]
        if row is None or not kept:
            return None
        return catalog.step(self.store, row[0], kept[-1].last).step.native_id

    def _probe(self, call: Call) -> Reply:
        """Do all that comes before a gate, and refuse."""
        risky = self._risky(Call("Bash", {"command": "rm -rf /"}, call.id))
        held = "a call that cannot be undone would be held" if risky else "no check would hold a call"
        return deny(f"review-tui answers: the database {self.store.path} is there, and {held}.")


# -- events ---------------------------------------------------------------------------------------------------------


def _transcript_path(event: dict[str, Any]) -> str:
    path = event.get("transcript_path")
    return path if isinstance(path, str) and "\0" not in path else ""


def _kept(calls: Sequence[dict[str, Any]]) -> list[Step]:
    """Steps from what events told of calls."""
    steps = []
    for call in calls:
        made = Part("tool_call", arguments_text(call["input"]), call["name"], call["id"], call["input"] or {})
        got = Part("tool_result", call["answer"], call["name"], call["id"])
        steps.append(Step("agent", "agent", [made, got], native_id=call["id"]))
    return steps


def _text(value: Any) -> str:
    from sessions.jsontext import dumps

    return value if isinstance(value, str) else dumps(value)


def _claude_pid(env: Mapping[str, str]) -> int | None:
    """The process of Claude Code: its children may not decide on gates."""
    said = env.get("CLAUDE_PID", "")
    if said.isdecimal() and len(said) < 10 and int(said) > 0:
        return int(said)
    from sessions.supervise.tree import look

    pid = os.getppid()
    while (member := look(pid)) is not None and member.name in ("sh", "bash", "dash", "zsh", "env"):
        pid = member.parent
    return pid if pid > 1 else None
