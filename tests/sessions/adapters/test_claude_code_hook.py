"""The hook of Claude Code as a real process: events on standard input, a real database, somebody who decides."""

import json
import os
import sqlite3
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from agent_logs import ClaudeLog
from program import PROGRAM

from labels.operating import Said, decide
from sessions import catalog
from sessions.adapters.claude_hook import Asked, call
from sessions.ingest import import_file
from sessions.live.gates import OPEN, gates_of, live_by_name, waiting
from sessions.run import Flag
from sessions.store import Store

SESSION = "5e551011-aaaa-4aaa-8aaa-777777777777"


class Answered:
    """What the hook answered."""

    def __init__(self, done: subprocess.CompletedProcess) -> None:
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr
        assert "Traceback" not in self.err
        self.json = json.loads(self.out) if self.out else None

    @property
    def decision(self) -> str | None:
        return self.json["hookSpecificOutput"]["permissionDecision"] if self.json else None

    @property
    def reason(self) -> str:
        return self.json["hookSpecificOutput"]["permissionDecisionReason"]

    @property
    def silent(self) -> bool:
        return (self.code, self.out) == (0, "")

    @property
    def blocks(self) -> bool:
        return self.code == 2 and not self.out and self.err.startswith("review-tui: ")


class Claude:
    """Claude Code as its hooks see it: a session file that grows, and events."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder, self.options = folder, options
        self.db = folder / "review.db"
        self.workspace = folder / "work"
        self.workspace.mkdir()
        self.log = ClaudeLog(folder / "claude" / f"{SESSION}.jsonl", SESSION, str(self.workspace))
        self.store = Store.open(self.db)
        (folder / "policy.toml").write_text("")
        self.env = {
            "PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8",
            "PYTHONPATH": str(Path(__file__).resolve().parents[3]), "REVIEW_TUI_SNAPSHOTS": str(folder / "snapshots"),
            "REVIEW_TUI_POLICY": str(folder / "policy.toml"), "CLAUDE_PROJECT_DIR": str(self.workspace),
            "CLAUDE_PID": "4000000",
        }  # fmt: skip
        self.calls = 0

    def event(self, name: str, **fields: Any) -> str:
        told = {
            "session_id": SESSION, "transcript_path": str(self.log.path), "cwd": str(self.workspace),
            "hook_event_name": name, **fields,
        }  # fmt: skip
        return json.dumps(told)

    def fire(self, event: str, **fields: Any) -> Answered:
        return self.ask(self.event(event, **fields))

    def ask(self, text: str) -> Answered:
        """The same as a process would answer, without starting one for each event."""
        known = dict(zip(self.options[::2], self.options[1::2], strict=True))
        timeout = known.get("--timeout")
        asked = Asked(
            text.encode(), str(self.db), known.get("--chunks", ""), float(timeout) if timeout else None,
            known.get("--on-rollback", "tell"), str(self.folder / "snapshots"),
        )  # fmt: skip
        with patch.dict(os.environ, {"REVIEW_TUI_POLICY": self.env["REVIEW_TUI_POLICY"]}):
            printed = call(asked, self.env)
        return Answered(subprocess.CompletedProcess([], printed.code, printed.out.decode(), printed.err))

    def raw(self, text: str | bytes, **env: str) -> Answered:
        data = text.encode() if isinstance(text, str) else text
        done = subprocess.run(
            [*PROGRAM, "hook", "claude-code", "--db", str(self.db), *self.options], input=data, capture_output=True,
            env={**self.env, **env}, cwd=self.workspace, timeout=60,
        )  # fmt: skip
        return Answered(
            subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())
        )

    def wants(self, command: str = "ls", name: str = "Bash", **given: Any) -> Answered:
        """The agent is about to make a call; the transcript tells of it already."""
        self.calls += 1
        arguments = given or {"command": command}
        self.log.calls(f"call-{self.calls}", name=name, **arguments)
        return self.fire("PreToolUse", tool_name=name, tool_input=arguments, tool_use_id=f"call-{self.calls}")

    def did(self, answer: str = "ok") -> None:
        """The call was made."""
        self.log.result(f"call-{self.calls}", answer)

    def step(self, command: str = "ls") -> Answered:
        answered = self.wants(command)
        if answered.silent or answered.decision == "allow":
            self.did()
        return answered

    def reviewed(self, *script: Said) -> "Reviewer":
        return Reviewer(self.db, script)

    @property
    def gates(self) -> list[Any]:
        live = live_by_name(self.store, SESSION)
        return gates_of(self.store, live.run) if live else []

    @property
    def texts(self) -> list[str]:
        run = catalog.find_run(self.store, SESSION)
        return [part.text for stored in catalog.steps(self.store, run.no) for part in stored.step.parts]


class Reviewer:
    """Decides on gates as they open, by the script; then approves. A context manager."""

    def __init__(self, db: Path, script: tuple[Said, ...]) -> None:
        self._db, self._script = db, list(script)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self.seen: list[Any] = []

    def __enter__(self) -> "Reviewer":
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._end.set()
        self._thread.join()

    def _work(self) -> None:
        with Store.open(self._db) as store:
            while not self._end.is_set():
                for gate in waiting(store):
                    if gate.state == OPEN:
                        self.seen.append(gate)
                        decide(store, "ann", gate, self._script.pop(0) if self._script else Said("approve"))
                time.sleep(0.005)


@pytest.fixture
def make(tmp_path: Path):
    made: list[Claude] = []

    def one(*options: str) -> Claude:
        made.append(Claude(tmp_path, *options))
        return made[-1]

    yield one
    for claude in made:
        claude.store.close()


@pytest.fixture
def claude(make) -> Claude:
    return make("--chunks", "every:3")


# -- when a gate is due -----------------------------------------------------------------------------------------------


def test_a_gate_is_opened_when_the_chunk_is_complete_and_not_before(claude):
    claude.log.user("Mend the build.")
    assert claude.step("echo 1").silent
    assert claude.step("echo 2").silent
    assert claude.gates == []
    with claude.reviewed() as reviewer:
        answered = claude.step("echo 3")
    assert answered.decision == "allow"
    assert answered.reason == "approved by ann at gate 1"
    (gate,) = reviewer.seen
    assert (gate.first, gate.last) == (0, 2)
    assert [call["arguments"] for call in gate.proposed] == [{"command": "echo 3"}]
    assert gate.snapshot is not None
    assert claude.texts == ["Mend the build.", "echo 1", "ok", "echo 2", "ok"]
    live = live_by_name(claude.store, SESSION)
    assert live.can == ("hold", "edit", "files")
    assert catalog.find_run(claude.store, SESSION).task == "Mend the build."
    assert claude.step("echo 4").silent, "the count begins anew"


def test_a_call_that_cannot_be_undone_is_held_whatever_the_count(claude):
    claude.log.user("Clean up.")
    with claude.reviewed(Said("reject", message="Not the data.")) as reviewer:
        answered = claude.wants("rm -rf ./data")
    assert answered.decision == "deny"
    assert "Not the data." in answered.reason
    (gate,) = reviewer.seen
    assert gate.risk > 0.5
    assert claude.step("ls").silent, "the run goes on"


def test_every_part_of_the_session_is_shown_once_and_an_import_is_the_same_run(claude):
    claude.fire("SessionStart", source="startup")
    claude.log.user("Mend it.")
    with claude.reviewed():
        for number in range(7):
            claude.step(f"echo {number}")
        claude.log.says("Done.")
        assert claude.fire("Stop", stop_hook_active=False).silent
        assert claude.fire("SessionEnd", reason="other").silent
    shown = [index for gate in claude.gates for index in range(gate.first, gate.last + 1)]
    assert shown == list(range(9))
    run = catalog.find_run(claude.store, SESSION)
    assert run.complete
    assert live_by_name(claude.store, SESSION).ended == "final"
    (imported,) = import_file(claude.store, claude.log.path).runs
    assert (imported.run, imported.outcome) == (run.id, "linked")


def test_a_subagents_steps_are_shown_too(claude):
    claude.log.user("Look around.")
    claude.wants(name="Task", prompt="Look.", subagent_type="scout")
    agent = ClaudeLog(claude.log.path.with_suffix("") / "subagents" / "agent-a1.jsonl", SESSION, agent="a1")
    agent.user("Look.")
    for number in range(3):
        agent.step(number)
    agent.calls("inner", "echo x")
    with claude.reviewed() as reviewer:
        fields = {"tool_name": "Bash", "tool_input": {"command": "echo x"}, "tool_use_id": "inner", "agent_id": "a1"}
        assert claude.fire("PreToolUse", **fields).decision == "allow"
    assert reviewer.seen[0].last >= 3
    assert any("ok 2" in text for text in claude.texts)
    run = catalog.find_run(claude.store, SESSION)
    assert {stored.step.depth for stored in catalog.steps(claude.store, run.no)} == {0, 1}


# -- what the reviewer says -------------------------------------------------------------------------------------------


def test_an_edited_call_is_made_as_the_reviewer_changed_it(claude):
    with claude.reviewed(Said("approve", "Only the cache.", None)) as reviewer:
        reviewer._script[0] = Said(
            "approve", message="Only the cache.",
            edited=[{"name": "Bash", "arguments": {"command": "rm -rf ./cache"}, "call_id": "call-1"}],
        )  # fmt: skip
        answered = claude.wants("rm -rf ./data")
    assert answered.decision == "allow"
    assert answered.json["hookSpecificOutput"]["updatedInput"] == {"command": "rm -rf ./cache"}
    assert "Only the cache." in answered.json["hookSpecificOutput"]["additionalContext"]


@pytest.mark.parametrize(
    "edited",
    [[], [{"name": "Read", "arguments": {"file_path": "x"}}],
     [{"name": "Bash", "arguments": {"command": "a"}}, {"name": "Bash", "arguments": {"command": "b"}}]],
)  # fmt: skip
def test_an_edit_that_is_not_of_this_call_denies_it_and_says_what_to_do(claude, edited):
    with claude.reviewed(Said("approve", edited=edited)):
        answered = claude.wants("rm -rf ./data")
    assert answered.decision == "deny"
    assert "instead of this one" in answered.reason


def test_a_rollback_takes_files_back_and_tells_the_agent(claude):
    claude.fire("SessionStart", source="startup")
    claude.log.user("Write it.")
    first = claude.workspace / "a.txt"
    with claude.reviewed(Said("approve"), Said("rollback", to="1", message="Wrong file.")):
        claude.step("echo 1")
        first.write_bytes(b"before\r\n")
        first.chmod(0o640)
        claude.step("echo 2")
        assert claude.step("echo 3").decision == "allow"
        first.write_text("after")
        (claude.workspace / "b.txt").touch()
        claude.step("echo 4")
        claude.step("echo 5")
        answered = claude.step("echo 6")
    assert answered.decision == "deny"
    assert "continue" not in answered.json
    for words in ("Wrong file.", "was taken back to snapshot", "Write it.", "do not build on it"):
        assert words in answered.reason
    assert first.read_bytes() == b"before\r\n"
    assert first.stat().st_mode & 0o777 == 0o640
    assert not (claude.workspace / "b.txt").exists()
    run = catalog.find_run(claude.store, SESSION)
    flags = [bool(stored.flags & Flag.ABANDONED) for stored in catalog.steps(claude.store, run.no)]
    assert flags == [False, False, False, True, True, True]
    assert claude.step("echo 7").silent, "the agent goes on"


def test_calls_of_the_attempt_that_was_given_up_are_not_made(claude):
    claude.log.user("Both at once.")
    claude.log.calls("one", "rm -rf ./data", message="m")
    claude.log.calls("two", "echo two", message="m")
    bash = {"tool_name": "Bash"}
    with claude.reviewed(Said("rollback", to="start", message="No.")):
        first = claude.fire("PreToolUse", **bash, tool_input={"command": "rm -rf ./data"}, tool_use_id="one")
        second = claude.fire("PreToolUse", **bash, tool_input={"command": "echo two"}, tool_use_id="two")
    assert first.decision == second.decision == "deny"
    assert "attempt that was given up" in second.reason
    third = claude.fire("PreToolUse", **bash, tool_input={"command": "echo three"}, tool_use_id="three")
    assert third.silent


def test_a_rollback_may_end_the_agent_with_a_brief_and_how_to_go_on(make):
    claude = make("--chunks", "every:2", "--on-rollback", "stop")
    claude.log.user("Write it.")
    with claude.reviewed(Said("approve"), Said("rollback", to="1")):
        claude.step("echo 1")
        claude.step("echo 2")
        claude.step("echo 3")
        answered = claude.step("echo 4")
    assert answered.json["continue"] is False
    assert answered.decision == "deny"
    assert f"claude --resume {SESSION} --resume-session-at u-2 --fork-session" in answered.json["stopReason"]
    assert "UNDONE" in answered.json["stopReason"]


def test_a_stop_ends_the_agent_and_nothing_is_allowed_afterwards(claude):
    with claude.reviewed(Said("stop", message="Enough.")):
        answered = claude.wants("rm -rf ./data")
    assert answered.json["continue"] is False
    assert answered.decision == "deny"
    assert "Enough." in answered.json["stopReason"]
    again = claude.wants("ls")
    assert again.decision == "deny"
    assert again.json["continue"] is False
    assert claude.fire("Stop", stop_hook_active=False).silent
    claude.fire("SessionStart", source="resume")  # a person has begun it again
    assert claude.wants("ls").silent


@pytest.mark.parametrize("verdict", ["reject", "rollback"])
def test_at_the_end_of_its_turn_the_agent_is_sent_back_to_work(claude, verdict):
    claude.log.user("Mend it.")
    claude.step("echo 1")
    claude.log.says("All done!")
    said = Said(verdict, "start" if verdict == "rollback" else None, "You have tested nothing.")
    with claude.reviewed(said) as reviewer:
        answered = claude.fire("Stop", stop_hook_active=False)
        assert answered.json["decision"] == "block"
        assert "You have tested nothing." in answered.json["reason"]
        assert reviewer.seen[0].last == 2  # the last words, too
        claude.step("make test")
        claude.log.says("Now it is.")
        assert claude.fire("Stop", stop_hook_active=True).silent
    assert claude.gates[-1].has_steps
    assert claude.fire("Stop", stop_hook_active=False).silent, "there is nothing new"
    assert len(claude.gates) == 2


# -- a transcript that is written late --------------------------------------------------------------------------------


def test_what_claude_code_has_not_written_yet_is_waited_for(claude):
    """Its hooks run beside its writing: seen with 2.1.330, where the last result and the last words came after Stop."""
    claude.log.user("Mend it.")
    claude.wants("make")

    def write() -> None:
        claude.did("all built")
        claude.log.says("Done.")

    with claude.reviewed() as reviewer:
        writing = threading.Timer(0.3, write)
        writing.start()
        assert claude.fire("Stop", stop_hook_active=False, last_assistant_message="Done.").silent
        writing.join()
    assert reviewer.seen[0].last == 2
    assert claude.texts == ["Mend it.", "make", "all built", "Done."]


def test_last_words_that_are_never_written_are_shown_all_the_same(claude, monkeypatch):
    monkeypatch.setattr("sessions.adapters.claude_code.WRITTEN_S", 0.05)
    claude.log.user("Mend it.")
    with claude.reviewed():
        assert claude.fire("Stop", stop_hook_active=False, last_assistant_message="I did it.").silent
    assert claude.texts == ["Mend it.", "I did it."]


# -- hooks that die, hooks at once ------------------------------------------------------------------------------------


def test_a_hook_that_was_killed_at_its_gate_leaves_it_to_the_next(claude):
    claude.log.user("Mend it.")
    claude.step("echo 1")
    claude.step("echo 2")
    claude.log.calls("call-3", "echo 3")
    fields = {"tool_name": "Bash", "tool_input": {"command": "echo 3"}, "tool_use_id": "call-3"}
    argv = [*PROGRAM, "hook", "claude-code", "--db", str(claude.db), *claude.options]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, env=claude.env, cwd=claude.workspace) as hook:
        hook.stdin.write(claude.event("PreToolUse", **fields).encode())
        hook.stdin.close()
        end = time.monotonic() + 20
        while not claude.gates:
            assert time.monotonic() < end
            time.sleep(0.01)
        hook.kill()
    claude.log.result("call-3", "not made", error=True)
    claude.calls = 3
    with claude.reviewed() as reviewer:
        assert claude.step("echo 4").silent  # the gate was decided on, and no other is due
        claude.step("echo 5")
        claude.step("echo 6")
    assert [gate.key for gate in claude.gates] == ["1", "2"]
    assert len(reviewer.seen) == 2
    shown = [index for gate in claude.gates for index in range(gate.first, gate.last + 1)]
    assert shown == list(range(catalog.find_run(claude.store, SESSION).steps))
    assert claude.texts.count("ok") == 4


def test_calls_made_at_once_are_looked_at_one_after_the_other(claude):
    claude.log.user("All at once.")
    for number in range(2):
        claude.step(f"echo {number}")
    names = [f"p{number}" for number in range(4)]
    for name in names:
        claude.log.calls(name, f"echo {name}", message="parallel")

    def fire(name: str) -> Answered:
        fields = {"tool_name": "Bash", "tool_input": {"command": f"echo {name}"}, "tool_use_id": name}
        return claude.raw(claude.event("PreToolUse", **fields))

    with claude.reviewed() as reviewer, ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(fire, names))
    assert [answer.code for answer in answers] == [0] * 4
    assert all(answer.silent or answer.decision == "allow" for answer in answers)
    assert len(reviewer.seen) == 1, "the chunk is shown at one gate"


# -- without a transcript ---------------------------------------------------------------------------------------------


def test_without_a_transcript_the_events_tell_what_was_done(claude):
    bash = {"tool_name": "Bash", "transcript_path": "/nowhere/x.jsonl"}
    with claude.reviewed() as reviewer:
        for number in range(4):
            fields = {**bash, "tool_input": {"command": f"echo {number}"}, "tool_use_id": f"c{number}"}
            answered = claude.fire("PreToolUse", **fields)
            assert claude.fire("PostToolUse", **fields, tool_response={"stdout": f"{number}"}).silent
    assert answered.decision == "allow"
    assert len(reviewer.seen) == 1
    assert claude.texts == [text for n in range(3) for text in (f"echo {n}", f'{{"stdout":"{n}"}}')]


def test_a_transcript_that_is_garbage_still_leads_to_gates(claude):
    claude.log.path.write_bytes(b"{" * 5000 + b"\n\xff\xfe\n[]\nnull\n" + b'{"type":"user","message":[[[]]]}\n')
    with claude.reviewed():
        assert claude.fire("Stop", stop_hook_active=False).silent
    with claude.reviewed(Said("reject", message="no")):
        assert claude.wants("rm -rf /data").decision == "deny"


# -- closed when anything is wrong ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [b"", b"not json", b"[]", b'"x"', b"{}", b'{"hook_event_name":"PreToolUse"}', b"\xff\xfe", b"[" * 100_000,
     b'{"hook_event_name":"PreToolUse","session_id":""}', b'{"hook_event_name":"PreToolUse","session_id":"s"}',
     b'{"hook_event_name":"PreToolUse","session_id":"s","tool_name":7,"transcript_path":{}}'],
)  # fmt: skip
def test_what_cannot_be_understood_blocks(claude, text):
    printed = call(Asked(text, str(claude.db)), claude.env)
    assert (printed.code, printed.out) == (2, b"")
    assert printed.err.startswith("review-tui: ")


def test_as_a_process_it_answers_and_blocks_in_the_same_way(claude):
    claude.log.user("Mend it.")
    for number in range(2):
        claude.step(f"echo {number}")
    claude.log.calls("call-3", "echo 3")
    fields = {"tool_name": "Bash", "tool_input": {"command": "echo 3"}, "tool_use_id": "call-3"}
    with claude.reviewed(Said("approve", message="\x1b[31m go on \u202e")) as reviewer:
        answered = claude.raw(claude.event("PreToolUse", **fields))
    assert answered.decision == "allow"
    assert len(reviewer.seen) == 1
    assert "\x1b" not in answered.out
    assert "\u202e" not in answered.out
    assert claude.raw("this is no event").blocks
    assert claude.raw(claude.event("PostToolUse", **fields)).silent


def test_no_database_a_damaged_one_and_one_that_cannot_be_written_block(claude):
    event = json.dumps(
        {"hook_event_name": "PreToolUse", "session_id": "s", "tool_name": "Bash", "tool_input": {}, "tool_use_id": "x"}
    )
    claude.store.close()
    claude.db.unlink()
    missing = claude.raw(event)
    assert missing.blocks
    assert "there is no database" in missing.err
    assert not claude.db.exists(), "a gate there would wait for ever"
    claude.db.write_bytes(b"not a database" * 500)
    assert claude.raw(event).blocks
    claude.db.unlink()
    claude.db.mkdir()
    assert claude.raw(event).blocks


def test_nobody_answers_in_time_blocks_and_says_that_it_is_no_refusal(make):
    claude = make("--timeout", "0.3")
    answered = claude.wants("rm -rf ./data")
    assert answered.blocks
    assert "This is no refusal" in answered.err
    claude.log.says("Then I end.")
    assert claude.fire("Stop", stop_hook_active=False).code == 2
    last = claude.fire("Stop", stop_hook_active=True)
    assert last.json["continue"] is False, "who cannot be asked for ever may rest"
    with claude.reviewed():
        assert claude.wants("ls").silent  # the answer is there now


def test_a_policy_file_that_cannot_be_read_holds_calls(claude):
    (claude.folder / "policy.toml").write_text("nonsense = [")
    with claude.reviewed(Said("reject", message="mend the policy")) as reviewer:
        assert claude.wants("ls").decision == "deny"
    assert "policy cannot be used" in reviewer.seen[0].reason


def test_notes_that_are_damaged_block(claude):
    claude.wants("ls")
    with sqlite3.connect(claude.db) as connection:
        connection.execute("UPDATE meta SET value = '{' WHERE name LIKE 'hook claude-code%'")
    assert claude.wants("ls").blocks


def test_a_workspace_that_is_refused_is_told_and_gates_open_all_the_same(claude):
    claude.env["CLAUDE_PROJECT_DIR"] = "/"
    told = claude.fire("SessionStart", source="startup")
    assert "files cannot go back" in told.json["systemMessage"]
    with claude.reviewed() as reviewer:
        assert claude.wants("rm -rf ./data").decision == "allow"
    assert reviewer.seen[0].snapshot_facts["failed"]


def test_a_wrong_option_blocks(claude):
    event = claude.event("PreToolUse", tool_name="Bash", tool_input={}, tool_use_id="x")
    claude.options = ("--chunks", "gates")
    assert claude.raw(event).blocks
    claude.options = ("--no-such-option",)
    assert claude.raw(event).code == 2


def test_under_run_the_hook_opens_the_gates_of_that_run(claude):
    from sessions.supervise.record import gated_by

    claude.env["REVIEW_TUI_RUN"] = "nightly"
    claude.fire("SessionStart", source="startup")
    assert gated_by(claude.store, "nightly") is not None
    with claude.reviewed():
        claude.wants("rm -rf ./data")
    assert live_by_name(claude.store, "nightly") is not None
    assert live_by_name(claude.store, SESSION) is None


def test_a_resumed_session_shows_what_is_new(claude):
    claude.log.user("Long ago.")
    for number in range(10):
        claude.log.step(number)
    claude.fire("SessionStart", source="resume")
    with claude.reviewed() as reviewer:
        for number in range(5):
            claude.step(f"echo new {number}")
    assert len(reviewer.seen) == 1
    assert "Long ago." not in claude.texts
    assert "echo new 0" in claude.texts
