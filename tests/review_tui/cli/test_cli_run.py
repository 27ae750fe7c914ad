"""`review-tui run`: a real agent process is held at gates, goes on, goes back, and is ended."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from agent_logs import ClaudeLog
from program import PROGRAM
from pty_tool import environment, terminal

from labels.operating import Said, decide
from sessions import catalog
from sessions.ingest import import_file
from sessions.live.gates import OPEN, GateInfo, gates_of, live_by_name, waiting
from sessions.live.process import process
from sessions.store import Store

AGENT = [sys.executable, str(Path(__file__).with_name("small_agent.py"))]
PATIENCE_S = 20.0


def until(condition: Callable[[], Any], seconds: float = PATIENCE_S) -> Any:
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"waited {seconds} s in vain"
        time.sleep(0.01)
    return found


class Running:
    """A `review-tui run` in a process of its own, and the reviewer's side of it."""

    def __init__(self, tmp_path: Path, *command: str, options: tuple[str, ...] = (), chunks: str = "every:3") -> None:
        self.folder = tmp_path
        self.workspace = tmp_path / "work"
        self.workspace.mkdir(exist_ok=True)
        self.db = tmp_path / "review.db"
        self.store = Store.open(self.db)
        self.env = {
            **environment(), "CLAUDE_CONFIG_DIR": str(tmp_path / "claude"), "CODEX_HOME": str(tmp_path / "codex"),
            "REVIEW_TUI_SNAPSHOTS": str(tmp_path / "snapshots"), "HOME": str(tmp_path / "home"),
            "REVIEW_TUI_POLICY": str(tmp_path / "policy.toml"),
        }  # fmt: skip
        (tmp_path / "policy.toml").write_text("")
        self.process = subprocess.Popen(
            [*PROGRAM, "run", "--db", str(self.db), "--run", "r", "--chunks", chunks, *options, "--", *command],
            cwd=self.workspace, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.decided: list[GateInfo] = []

    def gate(self) -> GateInfo:
        """The gate that waits; the command is frozen then."""

        def found() -> GateInfo | None:
            assert self.process.poll() is None, self.process.communicate()
            return next((gate for gate in waiting(self.store) if gate.state == OPEN), None)

        return until(found)

    def decide(self, verdict: str, message: str = "", to: str | None = None) -> GateInfo:
        gate = self.gate()
        decide(self.store, "ann", gate, Said(verdict, to, message))
        self.decided.append(gate)
        until(lambda: not [item for item in waiting(self.store) if item.id == gate.id])
        return gate

    def approve_all(self) -> None:
        while self.process.poll() is None:
            for gate in waiting(self.store):
                if gate.state == OPEN:
                    decide(self.store, "ann", gate, Said("approve"))
                    self.decided.append(gate)
            time.sleep(0.01)

    def end(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, out, err

    def texts(self) -> list[str]:
        run = self.run
        return [part.text for stored in catalog.steps(self.store, run.no) for part in stored.step.parts]

    @property
    def run(self) -> catalog.RunInfo:
        return catalog.find_run(self.store, "r")

    @property
    def sessions(self) -> list[Path]:
        return sorted((self.folder / "claude").glob("projects/*/*.jsonl"))

    def file(self, name: str) -> bytes | None:
        path = self.workspace / name
        return path.read_bytes() if path.exists() else None

    def alive(self) -> list[int]:
        """Processes of the command that are there."""
        return [pid for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))) if self._is_ours(pid)]

    def _is_ours(self, pid: int) -> bool:
        if process(pid) is None:
            return False
        try:
            entries = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return False
        return (
            f"CLAUDE_CONFIG_DIR={self.env['CLAUDE_CONFIG_DIR']}".encode() in entries
            and b"review" not in words.split(b"\0")[2]
        )

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdout, self.process.stderr):
            pipe.close()
        self.store.close()


@pytest.fixture
def start(tmp_path: Path):
    begun: list[Running] = []

    def make(*command: str, **options: Any) -> Running:
        begun.append(Running(tmp_path, *command, **options))
        return begun[-1]

    yield make
    for running in begun:
        running.close()


# -- approving ----------------------------------------------------------------------------------------------------


def test_approved_to_the_end_the_command_runs_as_if_alone(start):
    running = start(*AGENT, "7", "exit=3")
    running.approve_all()
    code, out, err = running.end()
    assert code == 3, err
    assert out == "the agent's own output\n"
    assert "waits at gate 1" in err
    assert running.file("journal.txt") == b"".join(b"step %d\n" % n for n in range(1, 8))
    gates = gates_of(running.store, running.run.id)
    assert all(gate.last - gate.first + 1 >= 3 for gate in gates[:-1])
    assert gates[-1].final
    assert running.run.complete
    assert running.run.task == "Keep the journal."
    assert [text for text in running.texts() if text.startswith("wrote")] == [f"wrote {n}" for n in range(1, 8)]


def test_every_step_is_shown_once_and_the_session_is_the_same_run(start):
    running = start(*AGENT, "8")
    running.approve_all()
    assert running.end()[0] == 0
    gates = gates_of(running.store, running.run.id)
    shown = [index for gate in gates for index in range(gate.first, gate.last + 1)]
    assert shown == list(range(running.run.steps)) == list(range(10))
    (imported,) = import_file(running.store, running.sessions[0]).runs
    assert imported.outcome == "linked"
    assert imported.run == running.run.id


def test_at_a_gate_everything_stands_still(start):
    """The agent, a process that it has started in a session of its own, and an orphan without our mark."""
    running = start(*AGENT, "6", "child", "orphan")
    gate = running.gate()
    names = ("ticks.txt", "orphan.txt", "journal.txt")
    before = [running.file(name) for name in names]
    assert all(before)
    time.sleep(0.15)
    assert [running.file(name) for name in names] == before
    facts = gate.snapshot_facts
    assert facts["process_count"] >= 3
    assert any("ticks.txt" in item["command"] for item in facts["processes"])
    assert {item["state"] for item in facts["processes"]} == {"T"}
    assert "not_held" not in facts
    assert gate.snapshot is not None
    running.decide("approve")
    until(lambda: running.file("orphan.txt") != before[1])
    running.approve_all()
    running.end()
    assert running.alive() == []
    ticks = running.file("orphan.txt")
    time.sleep(0.1)
    assert running.file("orphan.txt") == ticks


def test_a_message_with_an_approval_is_told_to_who_started_it(start):
    running = start(*AGENT, "3")
    running.decide("approve", "careful with \x1b[31m the log")
    running.approve_all()
    _, _, err = running.end()
    assert "careful with" in err
    assert "\x1b" not in err


def test_chunks_are_cut_as_asked(start):
    running = start(*AGENT, "4", chunks="effects")
    running.approve_all()
    assert running.end()[0] == 0
    # Every call writes; the gate behind it may have caught the next one, too.
    assert len(gates_of(running.store, running.run.id)) >= 3


# -- going back, stopping -------------------------------------------------------------------------------------------


def test_a_rollback_takes_the_files_back_ends_the_agent_and_briefs_its_restart(start, tmp_path):
    brief = tmp_path / "brief.txt"
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "precious.bin").write_bytes(bytes(range(256)))
    running = start(*AGENT, "30", "child", options=("--brief", str(brief), "--rule", "Never touch the lock."))
    first = running.gate()
    at_first = {name: running.file(name) for name in ("journal.txt", "ticks.txt", "precious.bin")}
    running.decide("approve")
    running.gate()
    (running.workspace / "new.txt").touch()
    running.decide("rollback", "You write too much.", to=first.key)
    code, _, err = running.end()
    assert code == 10
    assert {name: running.file(name) for name in at_first} == at_first
    assert running.alive() == []
    text = brief.read_text()
    assert brief.stat().st_mode & 0o777 == 0o600
    for words in ("You write too much.", "Keep the journal.", "Never touch the lock.", "was taken back to snapshot"):
        assert words in text
        assert words in err
    assert not running.run.complete
    assert live_by_name(running.store, "r").segment == 1


def test_after_a_rollback_the_same_run_goes_on(start, tmp_path):
    running = start(*AGENT, "30")
    running.decide("rollback", "From the start, please.", to="start")
    assert running.end()[0] == 10
    assert running.file("journal.txt") is None
    again = start(*AGENT, "2")
    again.approve_all()
    assert again.end()[0] == 0
    assert again.run.complete
    assert again.file("journal.txt") == b"step 1\nstep 2\n"
    segments = [gate.segment for gate in gates_of(again.store, again.run.id)]
    assert segments[0] == 0
    assert set(segments[1:]) == {1}


def test_a_stop_ends_the_whole_group_even_one_that_will_not(start, monkeypatch):
    running = start(*AGENT, "30", "child", "stubborn")
    running.decide("stop", "Enough.")
    code, _, err = running.end()
    assert code == 11
    assert "Enough." in err
    assert running.alive() == []
    assert running.run.complete
    assert running.file("journal.txt") is not None  # files stay as they are


def test_a_rejection_ends_the_agent_which_cannot_be_told_and_leaves_files(start):
    running = start(*AGENT, "30")
    running.gate()
    files = running.file("journal.txt")
    running.decide("reject", "Ask before you write.")
    code, _, err = running.end()
    assert code == 12
    assert running.file("journal.txt") == files
    assert "Ask before you write." in err
    assert "--run r" in err


# -- endings that nobody planned -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
@pytest.mark.parametrize("frozen", [True, False])
def test_who_is_asked_to_end_ends_the_agent_and_approves_nothing(start, number, code, frozen):
    running = start(*AGENT, "3" if frozen else "1", "child", "stay")
    if frozen:
        running.gate()
    else:
        until(lambda: running.file("ticks.txt"))
    running.process.send_signal(number)
    assert running.end()[0] == code
    assert running.alive() == []
    live = live_by_name(running.store, "r")
    assert live.ended == "closed"
    assert [gate.state for gate in gates_of(running.store, live.run)] == (["void"] if frozen else [])


@pytest.mark.parametrize("frozen", [True, False])
def test_a_supervisor_that_is_killed_takes_the_agent_with_it(start, frozen):
    running = start(*AGENT, "3" if frozen else "1", "child", "stay", "stubborn")
    if frozen:
        running.gate()
    else:
        until(lambda: running.file("ticks.txt"))
    running.process.kill()
    running.process.wait()
    until(lambda: not running.alive())
    ticks = running.file("ticks.txt")
    time.sleep(0.1)
    assert running.file("ticks.txt") == ticks


@pytest.mark.parametrize("verdict", ["approve", "rollback"])
def test_a_run_that_is_taken_up_again_waits_for_the_gate_that_was_left(start, verdict):
    running = start(*AGENT, "3", "stay")
    gate = running.gate()
    running.process.kill()
    running.process.wait()
    until(lambda: not running.alive())
    files = running.file("journal.txt")
    again = start("sh", "-c", "echo again > again.txt")
    assert again.gate().id == gate.id
    assert again.file("again.txt") is None, "nothing is started before it is answered"
    again.decide(verdict, to="start" if verdict == "rollback" else None)
    if verdict == "approve":
        again.approve_all()
    code, _, err = again.end()
    assert "waits first" in err
    assert code == (0 if verdict == "approve" else 10)
    assert again.file("again.txt") == (b"again\n" if verdict == "approve" else None)
    assert again.file("journal.txt") == (files if verdict == "approve" else None)


def test_a_keeper_that_is_killed_ends_the_agent_too(start):
    running = start(*AGENT, "1", "child", "stay")
    until(lambda: running.file("ticks.txt"))
    (keeper,) = [pid for pid in running.alive() if b"supervise.keeper" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    os.kill(keeper, signal.SIGKILL)
    code, _, err = running.end()
    assert code == 1
    assert "was killed" in err
    assert running.alive() == []


def test_what_the_command_leaves_behind_is_shown_and_ended(start):
    running = start(*AGENT, "1", "child")
    gate = running.gate()
    assert gate.final
    assert any("ticks.txt" in item["command"] for item in gate.snapshot_facts["processes"])
    running.decide("approve")
    assert running.end()[0] == 0
    assert running.alive() == []


def test_the_last_gate_of_a_command_that_fails_can_still_take_files_back(start):
    running = start(*AGENT, "1", "exit=9")
    gate = running.gate()
    assert gate.final
    running.decide("rollback", to="start")
    assert running.end()[0] == 10
    assert running.file("journal.txt") is None


# -- what can be followed, and what cannot --------------------------------------------------------------------------


def test_a_command_that_shows_nothing_is_held_until_somebody_agrees(start):
    running = start(*AGENT, "4", "quiet", "pace=0.2", options=("--grace", "0.3"))
    running.gate()
    assert "cannot be followed" in running.texts()[0]
    running.decide("approve")
    running.approve_all()
    assert running.end()[0] == 0
    assert len(running.decided) >= 1


def test_a_short_command_without_a_session_has_one_gate_at_its_end(start):
    running = start("sh", "-c", "echo hello; echo hi > made.txt; exit 4")
    gate = running.gate()
    assert gate.final
    assert "ended with exit code 4" in running.texts()[0]
    running.decide("approve")
    code, out, _ = running.end()
    assert (code, out) == (4, "hello\n")


def test_a_named_session_file_of_another_format_is_followed(start, tmp_path):
    document = tmp_path / "trajectory.json"
    script = tmp_path / "atif.py"
    script.write_text(
        "import json,os,sys,time\n"
        "steps=[{'step_id':1,'source':'user','message':'Mend it.'}]\n"
        "for n in range(2,9):\n"
        "    steps.append({'step_id':n,'source':'agent','message':f'did {n}'})\n"
        "    root={'schema_version':'ATIF-v1.5','session_id':'s','agent':{'name':'a','version':'1'},'steps':steps}\n"
        f"    open({str(document)!r}+'.tmp','w').write(json.dumps(root))\n"
        f"    os.replace({str(document)!r}+'.tmp',{str(document)!r})\n"
        "    time.sleep(0.1)\n"
    )
    running = start(sys.executable, str(script), options=("--session", str(document)), chunks="every:4")
    running.approve_all()
    assert running.end()[0] == 0
    assert running.texts() == ["Mend it.", *(f"did {n}" for n in range(2, 9))]
    assert len(gates_of(running.store, running.run.id)) >= 2


def test_steps_of_an_earlier_session_are_not_shown_again(start, tmp_path):
    session = ClaudeLog(tmp_path / "claude" / "old.jsonl")
    session.user("Long ago.")
    for number in range(20):
        session.step(number)
    script = tmp_path / "resumes.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(Path(__file__).resolve().parents[2])!r})\n"
        "from agent_logs import ClaudeLog\nfrom pathlib import Path\nimport time\n"
        f"log = ClaudeLog(Path({str(session.path)!r}))\nlog.count = 1000\n"
        "for n in range(100, 104):\n    log.step(n)\n    time.sleep(0.06)\n"
    )
    running = start(sys.executable, str(script), options=("--session", str(session.path)))
    gate = running.gate()
    assert gate.snapshot_facts["earlier_steps"] == 21
    running.approve_all()
    assert running.end()[0] == 0
    assert [text for text in running.texts() if text.startswith("ok")] == [f"ok {n}" for n in range(100, 104)]


def test_a_hostile_session_file_does_not_let_the_agent_loose(start, tmp_path):
    session = tmp_path / "evil.jsonl"
    lines = tmp_path / "lines.bin"
    lines.write_bytes(
        b'{"type":"user","uuid":"1","parentUuid":null,"sessionId":"s","message":{"role":"user","content":"x"}}\n'
        + b"{" * 100_000
        + b"\n"
        + b'\xff\xfe"\n'
        + b'{"type":"assistant","message":[]}\n'
        + b'{"type":"user","uuid":["a"],"parentUuid":{},"sessionId":7,"message":{"content":[{"type":"tool_result"}]}}\n'
        + b'{"type":"assistant","uuid":"3","sessionId":"s","message":{"id":"m","content":[{"type":"text","text":"'
        + b"\\u202e\\u001b[2J" * 1000
        + b'"}]}}\n'
    )
    running = start(
        "sh", "-c", f"cat {lines} > {session}; sleep 0.3", options=("--session", str(session)), chunks="every:2"
    )
    gate = running.gate()
    assert gate.has_steps
    running.approve_all()
    code, _, err = running.end()
    assert code == 0
    assert "\x1b" not in err
    assert "Traceback" not in err


def test_a_session_in_no_known_format_is_an_error_and_ends_the_command(start, tmp_path):
    session = tmp_path / "x.bin"
    running = start(
        "sh", "-c", f"head -c 3000 /dev/zero > {session}; touch -d '1 hour ago' {session}; sleep 30",
        options=("--session", str(session)),
    )  # fmt: skip
    code, _, err = running.end()
    assert code == 1
    assert "cannot be followed" in err
    assert running.alive() == []


# -- commands that open their gates themselves ------------------------------------------------------------------------


def test_a_command_may_open_its_gates_itself(start, tmp_path):
    script = tmp_path / "own.py"
    script.write_text(
        "import os\nfrom sessions.gate import Gate\n"
        "with Gate(agent='own', task='Do it.', run=os.environ['REVIEW_TUI_RUN'], db=os.environ['REVIEW_TUI_DB'],\n"
        "          workspace=os.environ['REVIEW_TUI_WORKSPACE']) as gate:\n"
        "    gate.add('own', text='I did one thing.')\n"
        "    assert gate.open()\n"
        "    gate.add('own', text='And the last.')\n"
        "    assert gate.open(final=True)\n"
    )
    running = start(sys.executable, str(script), options=("--own-gates",))
    gate = running.gate()
    until(lambda: next(item for item in gates_of(running.store, gate.run) if item.id == gate.id).snapshot)
    running.approve_all()
    assert running.end()[0] == 0
    assert running.run.complete
    assert running.texts() == ["I did one thing.", "And the last."]


def test_a_command_cannot_decide_on_its_own_gate(start, tmp_path):
    script = tmp_path / "cheat.py"
    asked = json.dumps({"run": "r", "gate": "1", "agent": "cheat", "task": "x", "steps": [{"actor": "a", "parts": []}]})
    script.write_text(
        "import subprocess, sys\n"
        f"program = {PROGRAM!r}\n"
        f"opened = subprocess.run([*program, 'gate', 'open', '--json', '-'], input={asked!r}, text=True)\n"
        "done = subprocess.run([*program, 'gate', 'decide', '1', '--verdict', 'approve'], text=True)\n"
        "sys.exit(done.returncode)\n"
    )
    running = start(sys.executable, str(script), options=("--own-gates",))
    code, _, err = running.end()
    assert code == 1
    assert "an agent must not decide" in err
    assert [gate.state for gate in waiting(running.store)] == [OPEN]


# -- what is refused ---------------------------------------------------------------------------------------------------


def test_what_cannot_be_started_says_so_with_a_shells_codes(start, tmp_path):
    running = start("no-such-program-anywhere")
    code, _, err = running.end()
    assert code == 127
    assert "cannot start 'no-such-program-anywhere'" in err
    (tmp_path / "notes.txt").write_text("x")
    assert start(str(tmp_path / "notes.txt"), options=("--run", "r2")).end()[0] == 126


def test_a_workspace_that_is_home_is_refused_before_anything_runs(start, tmp_path):
    running = start("touch", "made.txt", options=("--workspace", "/"))
    code, _, err = running.end()
    assert code == 1
    assert "never a workspace" in err
    assert running.file("made.txt") is None
    again = start("touch", "made.txt", options=("--workspace", "/", "--no-snapshots", "--run", "r3"))
    again.approve_all()
    assert again.end()[0] == 0
    assert again.file("made.txt") == b""


def test_a_policy_that_is_none_is_a_usage_error(start):
    running = start("true", chunks="gates")
    code, _, err = running.end()
    assert code == 2
    assert "gates cannot be opened by it" in err


def test_a_run_that_is_worked_on_or_over_is_not_taken_up(start):
    running = start(*AGENT, "3")
    running.gate()
    second = start("true")
    code, _, err = second.end()
    assert code == 1
    assert "is being worked on" in err
    running.approve_all()
    running.end()
    third = start("true")
    code, _, err = third.end()
    assert code == 1
    assert "is over" in err


# -- at a terminal -----------------------------------------------------------------------------------------------------


@pytest.mark.pty
def test_at_a_terminal_keys_go_to_the_command_and_ctrl_c_ends_it(tmp_path, monkeypatch):
    monkeypatch.setattr("pty_tool.COMMAND", PROGRAM)
    (tmp_path / "work").mkdir()
    script = tmp_path / "asks.py"
    script.write_text("name = input('who? ')\nprint('hello', name, flush=True)\ninput('again? ')\n")
    options = ("--db", tmp_path / "r.db", "--workspace", tmp_path / "work")
    env = {"REVIEW_TUI_SNAPSHOTS": str(tmp_path / "s"), "HOME": str(tmp_path), "CLAUDE_CONFIG_DIR": str(tmp_path)}
    with terminal("run", *options, "--", sys.executable, script, env=env) as screen:
        screen.until("who?")
        screen.send("bob\r")
        screen.until("hello bob")
        screen.until("again?")
        screen.send("\x03")
        screen.until("waits at gate 1")  # it has ended: what it did is to be looked at
        screen.send("\x03")  # now the terminal is ours
        assert screen.wait() == 130
        assert screen.restored()


@pytest.mark.pty
def test_under_a_shell_it_is_a_job_like_others(tmp_path, monkeypatch):
    """Ctrl+Z gives the terminal back to the shell, `fg` goes on where it was."""
    monkeypatch.setattr("pty_tool.COMMAND", ["/bin/bash"])
    (tmp_path / "work").mkdir()
    script = tmp_path / "asks.py"
    script.write_text("name = input('who? ')\nprint('hello', name, flush=True)\n")
    env = {
        "REVIEW_TUI_SNAPSHOTS": str(tmp_path / "s"), "HOME": str(tmp_path), "CLAUDE_CONFIG_DIR": str(tmp_path),
        "PS1": "shell> ",
    }  # fmt: skip
    options = ["--db", str(tmp_path / "r.db"), "--workspace", str(tmp_path / "work")]
    (tmp_path / "line.sh").write_text(shlex.join([*PROGRAM, "run", *options, "--", sys.executable, str(script)]) + "\n")
    with terminal("--norc", "-i", env=env) as screen:
        screen.until("shell>")
        screen.send(f"set -m; . {tmp_path}/line.sh\r")
        screen.until("who?")
        screen.send("\x1a")
        screen.until("Stopped")
        screen.send("fg\r")
        time.sleep(0.1)
        screen.send("bob\r")
        screen.until("hello bob")
        screen.until("waits at gate 1")
        screen.send("\x03")
        screen.until("ending the command")
        screen.send("exit\r")
        screen.wait()
