"""`review-tui gate`: grammar, exit codes and documents, in this process and with real ones."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from conftest import FORBIDDEN, HOSTILE

from labels import events
from review_tui.cli.group import cli
from sessions.live import checking
from sessions.live.process import MARKER
from sessions.store import Store

#: The program, in a process of its own, without the installed checks.
PROGRAM = """
from review_tui.cli.group import cli
from sessions.live import checking
checking.points = dict
cli(prog_name="review-tui")
"""
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def _gates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "points", dict)
    monkeypatch.delenv(MARKER, raising=False)


def asked(gate: str = "g1", text: str = "I look.", **more: Any) -> dict[str, Any]:
    steps = [{"actor": "planner", "parts": [{"kind": "text", "text": text}]}]
    return {"run": "r1", "gate": gate, "agent": "bot", "task": "Mend it.", "steps": steps, **more}


@pytest.fixture
def ask(call, tmp_path: Path):
    """Call `gate open` with a request."""

    def run(gate: str = "g1", text: str = "I look.", *options: str, **more: Any):
        path = tmp_path / "request.json"
        path.write_text(json.dumps(asked(gate, text, **more)))
        return call("gate", "open", "--json", path, *options)

    return run


class Process:
    """The program running beside the test."""

    def __init__(self, *args: str, stdin: str | None = None, **environment: str) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *args], text=True, cwd=ROOT, env={**os.environ, **environment},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert self.popen.stdin is not None
        if stdin is not None:
            self.popen.stdin.write(stdin)
        self.popen.stdin.close()
        self.popen.stdin = None

    def end(self) -> tuple[int, Any, str]:
        """Exit code, JSON document, messages."""
        out, err = self.popen.communicate(timeout=60)
        assert "Traceback" not in err, err
        return self.popen.returncode, json.loads(out) if out.startswith("{") else out, err


def wait_for_gate(db: Path, key: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if db.exists():
            with Store.open(db) as store:
                if store.one("SELECT 1 FROM gate WHERE gate_key = ?", [key]):
                    return
        time.sleep(0.02)
    raise AssertionError("no gate was opened")


# -- open ---------------------------------------------------------------------------------------------------------


def test_nobody_has_answered_yet_is_75(ask) -> None:
    called = ask()
    assert called.code == 75
    assert called.json["schema"] == "review-tui/gate/1"
    assert (called.json["verdict"], called.json["gate"], called.json["run"]) == (None, "g1", "r1")
    begun = time.monotonic()
    assert ask("g1", "I look.", "--wait", timeout_s=0.2).code == 75
    assert time.monotonic() - begun >= 0.2


@pytest.mark.parametrize(
    "args",
    [
        [], ["-"], ["FILE"], ["--json", "FILE"], ["--json=FILE"], ["--json", "-"], ["--json"],
        ["--json", "--wait", "FILE"], ["--wait", "FILE", "--json"], ["--wait", "--json", "FILE"],
        ["FILE", "--wait"], ["--json", "FILE", "--wait"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_the_request_is_in_a_file_or_on_standard_input_with_and_without_json(
    db: Path, tmp_path: Path, args: list[str]
) -> None:
    text = json.dumps(asked(timeout_s=0.05))
    (tmp_path / "request.json").write_text(text)
    given = [arg.replace("FILE", str(tmp_path / "request.json")) for arg in args]
    stdin = None if any("FILE" in arg for arg in args) else text
    called = CliRunner().invoke(cli, ["gate", "open", *given], input=stdin, prog_name="review-tui")
    assert called.exit_code == 75, called.output
    assert json.loads(called.stdout)["gate"] == "g1"


def test_two_different_requests_are_refused(call, tmp_path: Path) -> None:
    called = call("gate", "open", tmp_path / "a.json", "--json", tmp_path / "b.json")
    assert called.code == 2
    assert "two requests" in called.err


@pytest.mark.parametrize(
    ("verdict", "code"), [("approve", 0), ("rollback", 10), ("stop", 11), ("reject", 12)]
)  # fmt: skip
def test_the_answer_and_its_exit_code(ask, call, verdict: str, code: int) -> None:
    ask()
    assert call("gate", "decide", "r1/g1", "--verdict", verdict, "--note", "because", "--reviewer", "bob").code == 0
    called = ask()
    assert called.code == code
    answer = called.json
    assert answer["verdict"] == verdict
    assert (answer["by"], answer["how"], answer["message"]) == ("bob", "person", "because")
    assert "Mend it." in answer["brief"]
    assert ("to_gate" in answer) == (verdict == "rollback")
    assert answer["consumed_at"]
    assert len(answer["payload_sha256"]) == 64
    again = ask()
    assert (again.code, again.json) == (code, answer)


def test_another_content_under_the_same_name_is_an_error(ask) -> None:
    ask()
    called = ask(text="I do something else.")
    assert (called.code, called.out) == (2, "")
    assert "opened with another content" in called.err


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', "{}", '{"run": "r1"}', "\0", "[" * 100_000])
def test_what_is_no_request_is_a_usage_error_of_one_line(call, tmp_path: Path, text: str) -> None:
    path = tmp_path / "request.json"
    path.write_text(text)
    called = call("gate", "open", "--json", path)
    assert (called.code, called.out) == (2, "")
    assert len(called.err.splitlines()) == 1


def test_without_the_request_nothing_is_opened(call, db: Path, tmp_path: Path) -> None:
    assert call("gate", "open").code == 2
    assert call("gate", "open", "--json", tmp_path / "missing").code == 1
    assert not db.exists()


# -- list, show, claim --------------------------------------------------------------------------------------------


def test_the_list_is_one_document(ask, call) -> None:
    ask(proposed=[{"name": "bash", "arguments": {"command": "ls"}}])
    (gate,) = call("gate", "list", "--json").json["gates"]
    assert (gate["run"], gate["gate"], gate["state"], gate["agent"]) == ("r1", "g1", "open", "bot")
    assert gate["opened_at"]
    assert (gate["steps"], gate["proposed"], gate["needs"]) == ({"first": 1, "last": 1}, 1, 1)
    assert "top_suggestion" not in gate
    assert "r1/g1" in call("gate", "list").out
    shown = call("gate", "show", gate["id"], "--json").json
    assert shown["step_list"][0]["parts"] == [{"kind": "text", "text": "I look."}]
    assert shown["proposed_calls"][0]["arguments"] == {"command": "ls"}
    assert (shown["rollback_to"], shown["decision"]) == (["start"], None)
    assert "I look." in call("gate", "show", "r1/g1").out


def test_the_riskiest_comes_first_and_what_is_done_with_is_left_out(ask, call, db: Path) -> None:
    for name in ("a", "b", "c"):
        ask(name, name)
    with Store.open(db) as store, store.write() as tx:
        tx.execute("UPDATE gate SET risk = 0.9, suggestion = '{\"mode\": \"x\"}' WHERE gate_key = 'b'")
    found = call("gate", "list", "--json").json["gates"]
    assert [gate["gate"] for gate in found] == ["b", "c", "a"]
    assert found[0]["top_suggestion"] == {"mode": "x"}
    call("gate", "decide", "r1/b", "--verdict", "approve")
    assert ask("b", "b").code == 0
    assert [gate["gate"] for gate in call("gate", "list", "--json").json["gates"]] == ["c", "a"]
    assert len(call("gate", "list", "--all", "--json").json["gates"]) == 3


def test_an_empty_list_says_so(ask, call) -> None:
    assert call("gate", "list").code == 1, "no database yet"
    ask()
    call("gate", "end", "r1", "--yes")
    called = call("gate", "list")
    assert (called.code, called.out, called.err) == (0, "", "no gate waits.\n")
    assert call("gate", "list", "--json").json["gates"] == []


def test_nothing_of_a_hostile_run_reaches_the_terminal(ask, call) -> None:
    ask(text=HOSTILE, proposed=[{"name": HOSTILE, "arguments": {HOSTILE: HOSTILE}}], task=HOSTILE)
    for arguments in (("show", "r1/g1"), ("list",), ("show", "r1/g1", "--json")):
        called = call("gate", *arguments)
        assert called.code == 0
        assert not [sign for sign in FORBIDDEN if sign in called.out + called.err]


def test_claims(ask, call) -> None:
    ask()
    assert call("gate", "claim", "r1/g1", "--reviewer", "ann").code == 0
    called = call("gate", "claim", "r1/g1", "--reviewer", "bob")
    assert called.code == 1
    assert "ann is at this gate" in called.err
    (gate,) = call("gate", "list", "--json").json["gates"]
    assert gate["claimed_by"]["who"] == "ann"
    assert call("gate", "claim", "r1/g1", "--give-back", "--reviewer", "ann").code == 0
    assert call("gate", "claim", "r1/g1", "--reviewer", "bob", "--json").json["claimed_by"]["who"] == "bob"


# -- decide -------------------------------------------------------------------------------------------------------


def test_a_decision_with_labels_is_in_the_history(ask, call) -> None:
    ask(text="I restart everything.")
    labels = ("--label", "2.6@mast", "--evidence", "2.6@mast:1:restart")
    called = call("gate", "decide", "r1/g1", "--verdict", "reject", *labels, "--json")
    assert called.code == 0, called
    assert called.json["decision"]["findings"][0].endswith('step 1: "restart"')
    assert (called.json["gate"]["state"], called.json["missing"]) == ("decided", 0)
    assert "2.6" in call("history", "r1").out
    assert call("undo", "r1").code == 0
    assert call("gate", "list", "--json").json["gates"][0]["state"] == "open"


def test_a_rollback_to_an_earlier_gate(ask, call) -> None:
    ask("a", "1")
    call("gate", "decide", "r1/a", "--verdict", "approve")
    assert ask("a", "1").code == 0
    ask("b", "2")
    wrong = call("gate", "decide", "r1/b", "--verdict", "rollback", "--to", "nowhere")
    assert (wrong.code, "Back to: a, start" in wrong.err) == (2, True)
    assert call("gate", "decide", "r1/b", "--verdict", "approve", "--to", "a").code == 2
    assert call("gate", "decide", "r1/b", "--verdict", "rollback", "--to", "a").code == 0
    answer = ask("b", "2").json
    assert (answer["verdict"], answer["to_gate"], answer["segment"]) == ("rollback", "a", 1)


def test_proposed_calls_can_be_edited(ask, call) -> None:
    ask(proposed=[{"name": "bash", "arguments": {"command": "rm -rf /"}}])
    edit = [{"name": "bash", "arguments": {"command": "ls"}}]
    for wrong in ("{", "{}", '["ls"]'):
        assert call("gate", "decide", "r1/g1", "--verdict", "approve", "--edit", wrong).code == 2
    assert call("gate", "decide", "r1/g1", "--verdict", "approve", "--edit", json.dumps(edit)).code == 0
    assert ask(proposed=[{"name": "bash", "arguments": {"command": "rm -rf /"}}]).json["edited"] == edit


def test_the_loser_is_told_and_undo_comes_too_late(ask, call) -> None:
    ask()
    sha256 = call("gate", "list", "--json").json["gates"][0]["payload_sha256"]
    assert call("gate", "decide", "r1/g1", "--verdict", "approve", "--sha256", "0" * 64).code == 1
    assert call("gate", "decide", "r1/g1", "--verdict", "approve", "--sha256", sha256, "--reviewer", "ann").code == 0
    called = call("gate", "decide", "r1/g1", "--verdict", "stop", "--reviewer", "bob")
    assert called.code == 1
    assert "ann has decided" in called.err
    assert ask().code == 0
    called = call("undo", "r1", "--reviewer", "ann")
    assert called.code == 1
    assert "already acted on this decision" in called.err
    assert len(called.err.splitlines()) == 1


def test_two_people_at_one_gate(ask, call, db: Path) -> None:
    ask()
    with Store.open(db) as store, store.write() as tx:
        tx.execute("UPDATE gate SET needs = 2")
    called = call("gate", "decide", "r1/g1", "--verdict", "approve", "--reviewer", "ann")
    assert "1 more person must approve" in called.out
    assert ask().code == 75
    assert call("gate", "decide", "r1/g1", "--verdict", "approve", "--reviewer", "ann").code == 1
    assert call("gate", "list", "--json").json["gates"][0]["approved_by"] == ["ann"]
    assert call("gate", "decide", "r1/g1", "--verdict", "approve", "--reviewer", "bob", "--json").json["missing"] == 0
    assert ask().code == 0


@pytest.mark.parametrize(
    "arguments", [(), ("r1/g1",), ("r1/g1", "--verdict", "abstain"), ("r1/g1", "--verdict", "perhaps")]
)  # fmt: skip
def test_bad_grammar_is_2(ask, call, arguments: tuple[str, ...]) -> None:
    ask()
    assert call("gate", "decide", *arguments).code == 2


def test_a_gate_that_is_not_there(ask, call) -> None:
    ask()
    called = call("gate", "decide", "nowhere", "--verdict", "approve")
    assert (called.code, "there is no gate 'nowhere'" in called.err) == (1, True)


# -- stop, release, end -------------------------------------------------------------------------------------------


def test_stop_and_release(ask, call) -> None:
    assert call("gate", "stop", "--all", "--reason", "incident").code == 0
    ask()
    assert call("gate", "list", "--json").json["gates"][0]["held"]["reason"] == "incident"
    assert call("gate", "stop", "r1").code == 0
    called = call("gate", "release", "r1")
    assert (called.out, "every run is still held" in called.err) == ("1 hold released.\n", True)
    assert call("gate", "release", "--all", "--json").json["released"][0]["scope"] == "*"
    assert call("gate", "list", "--json").json["gates"][0].get("held") is None
    for wrong in (("stop",), ("stop", "--all", "r1"), ("release",)):
        assert call("gate", *wrong).code == 2
    assert call("gate", "stop", "no-such-run").code == 1


def test_a_run_can_be_ended_when_its_agent_is_gone(ask, call) -> None:
    ask()
    assert call("gate", "end", "r1").code == 1
    assert call("gate", "end", "r1", "--yes").code == 0
    (run,) = call("runs", "--json").json["runs"]
    assert run["steps"] == 1
    called = ask()
    assert called.code == 1
    assert "nobody decides on gate" in called.err
    assert call("gate", "end", run["id"]).code == 0


# -- real processes -----------------------------------------------------------------------------------------------


def test_a_round_trip_of_three_processes(db: Path) -> None:
    agent = Process("gate", "open", "--json", "-", "--wait", stdin=json.dumps(asked(final=True)))
    wait_for_gate(db, "g1")
    code, decided, _ = Process("gate", "decide", "r1/g1", "--verdict", "approve", "--json", "--reviewer", "bob").end()
    assert (code, decided["decision"]["by"]) == (0, "bob")
    code, answer, messages = agent.end()
    assert (code, answer["verdict"], answer["by"]) == (0, "approve", "bob")
    assert "waiting at gate g1" in messages
    with Store.open(db) as store:
        assert store.query("SELECT state FROM run") == [("complete",)]
        assert events.verify(store) == []


def test_an_agent_killed_while_it_waits_asks_again(db: Path) -> None:
    agent = Process("gate", "open", "--json", "-", "--wait", stdin=json.dumps(asked()))
    wait_for_gate(db, "g1")
    agent.popen.kill()
    agent.popen.communicate()
    assert Process("gate", "decide", "r1/g1", "--verdict", "stop").end()[0] == 0
    code, answer, _ = Process("gate", "open", "--json", "-", "--wait", stdin=json.dumps(asked())).end()
    assert (code, answer["verdict"]) == (11, "stop")


AGENT = """
import subprocess, sys
from sessions.gate import Gate
with Gate(agent="sly", task="t", run="sly", db=sys.argv[1], timeout_s=0) as gate:
    gate.add("sly", text="I approve myself.")
    gate.open()
    decide = [sys.executable, "-c", sys.argv[2], "gate", "decide", "sly/1", "--verdict", "approve"]
    shell = ["sh", "-c", '"$@"; exit $?', "sh"]
    for prefix in ([], ["env", "-u", "REVIEW_TUI_GATED_RUN"], ["setsid", "--wait"], shell):
        done = subprocess.run([*prefix, *decide], capture_output=True, text=True)
        print(done.returncode, done.stderr.strip())
"""


def test_an_agent_cannot_approve_itself(db: Path) -> None:
    """Neither directly, nor through a shell, nor in a session of its own."""
    agent = subprocess.run([sys.executable, "-c", AGENT, str(db), PROGRAM], capture_output=True, text=True, cwd=ROOT)
    lines = agent.stdout.splitlines()
    assert len(lines) == 4, agent.stderr
    for line in lines:
        assert line.startswith("1 review-tui: this was called from inside the gated run 'sly'")
    code, _, _ = Process("gate", "decide", "sly/1", "--verdict", "reject").end()
    assert code == 0, "a person in another process tree can"


@pytest.mark.parametrize(
    "arguments", [("decide", "r1/g1", "--verdict", "approve"), ("release", "--all"), ("end", "r1")]
)
def test_what_runs_below_a_gated_run_may_not_decide(ask, db: Path, arguments: tuple[str, ...]) -> None:
    ask()
    code, _, err = Process("gate", *arguments, **{MARKER: "other"}).end()
    assert (code, "inside the gated run 'other'" in err) == (1, True)
    with Store.open(db) as store:
        assert store.query("SELECT state FROM gate") == [("open",)]


def test_the_agent_of_a_request_may_be_another_process(ask, call) -> None:
    ask(pid=os.getpid())
    called = call("gate", "decide", "r1/g1", "--verdict", "approve")
    assert (called.code, "inside the gated run 'r1'" in called.err) == (1, True)


LIST_MODULES = """
import atexit, sys
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
"""


def test_opening_a_gate_needs_nothing_of_screens_and_models(db: Path) -> None:
    def modules() -> set[str]:
        done = subprocess.run(
            [sys.executable, "-c", LIST_MODULES + PROGRAM, "gate", "open", "--json", "-"], input=json.dumps(asked()),
            text=True, capture_output=True, cwd=ROOT,
        )  # fmt: skip
        assert done.returncode == 75, done.stderr
        return set(done.stderr.split())

    assert "sqlite_utils" in modules(), "the first call sets the database up"
    loaded = modules()
    assert "sessions.live.asking" in loaded
    assert not {"textual", "rich", "pydantic", "labels", "sqlite_utils", "asyncio"} & loaded
