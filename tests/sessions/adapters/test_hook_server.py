"""The small program that hooks call, and the server that it asks: the same answers, and closed where one is missing."""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from program import server_of, stop_servers

from labels.operating import Said, decide
from sessions.adapters import hook_client
from sessions.live.gates import OPEN, GateInfo, waiting
from sessions.store import Store

CLIENT = [sys.executable, "-I", "-S", hook_client.__file__, "hook", "claude-code"]
#: Answers where there is no server: never well, so that it shows who has answered.
NOBODY = ["--", "/bin/false"]


def until(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
    return found


class Hooks:
    """Hooks of one session, with a runtime folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.db, self.runtime = folder / "review.db", folder / "run"
        self.runtime.mkdir(0o700)
        Store.open(self.db).close()
        (folder / "policy.toml").write_text("")
        (folder / "work").mkdir()
        self.env = {
            "PATH": os.environ["PATH"], "HOME": str(folder), "XDG_RUNTIME_DIR": str(self.runtime),
            "PYTHONPATH": str(Path(__file__).resolve().parents[3]), "REVIEW_TUI_POLICY": str(folder / "policy.toml"),
            "REVIEW_TUI_SNAPSHOTS": str(folder / "snapshots"), "CLAUDE_PROJECT_DIR": str(folder / "work"),
            "CLAUDE_PID": "4000000",
        }  # fmt: skip

    def start(
        self, command: str = "ls", *options: str, program: list[str] = NOBODY, text: str = ""
    ) -> subprocess.Popen:
        event = text or json.dumps(
            {
                "hook_event_name": "PreToolUse", "session_id": "s", "transcript_path": "", "cwd": "/",
                "tool_name": "Bash", "tool_input": {"command": command}, "tool_use_id": command,
            }
        )  # fmt: skip
        process = subprocess.Popen(
            [*CLIENT, "--db", str(self.db), *options, *program], env=self.env, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.folder,
        )  # fmt: skip
        process.stdin.write(event)
        process.stdin.close()
        process.stdin = None
        return process

    def call(self, *args: str, **more: Any) -> tuple[int, str, str]:
        process = self.start(*args, **more)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    @property
    def sockets(self) -> list[Path]:
        return list(self.runtime.glob("review-tui/*.sock"))

    def serving(self) -> int:
        """Have a server that answers; its process."""
        self.call()
        until(lambda: self.sockets)
        until(lambda: self.call()[0] == 0)
        pid = server_of(self.sockets[0])
        assert pid is not None
        return pid

    def gate(self, store: Store) -> GateInfo:
        return until(lambda: next((gate for gate in waiting(store) if gate.state == OPEN), None))


@pytest.fixture
def hooks(tmp_path_factory: pytest.TempPathFactory):
    made = Hooks(tmp_path_factory.mktemp("h"))  # a short path: a socket's name has no room for more
    yield made
    stop_servers(made.runtime)


def test_a_server_is_started_and_answers_from_then_on(hooks):
    code, out, _ = hooks.call()
    assert (code, out) == (2, ""), "nobody has answered: that blocks"
    until(lambda: hooks.sockets)
    until(lambda: hooks.call()[0] == 0)
    begun = time.perf_counter()
    assert hooks.call() == (0, "", "")
    assert time.perf_counter() - begun < 5
    assert hooks.sockets[0].stat().st_mode & 0o777 == 0o600
    assert hooks.sockets[0].parent.stat().st_mode & 0o777 == 0o700


def test_the_server_waits_at_a_gate_and_passes_the_answer_on(hooks):
    hooks.serving()
    with Store.open(hooks.db) as store:
        process = hooks.start("rm -rf ./data")
        gate = hooks.gate(store)
        assert gate.snapshot is not None
        decide(store, "ann", gate, Said("reject", message="Keep \x1b[31m the data ü."))
        out, err = process.communicate(timeout=20)
    said = json.loads(out)["hookSpecificOutput"]
    assert said["permissionDecision"] == "deny"
    assert "Keep \x1b[31m the data ü." in said["permissionDecisionReason"]
    assert (process.returncode, err) == (0, "")
    assert out.isascii()
    assert "\x1b" not in out


def test_what_cannot_be_understood_blocks_through_the_server_too(hooks):
    hooks.serving()
    for text in ("no event", "[]", "\ud7ff", '{"hook_event_name":"PreToolUse","session_id":"s"}'):
        code, out, err = hooks.call(text=text)
        assert (code, out) == (2, "")
        assert err.startswith("review-tui: ")
    code, _, err = hooks.call("ls", "--chunks", "gates")
    assert code == 2
    assert "gates cannot be opened by it" in err


def test_a_hook_that_is_killed_while_it_waits_lets_the_next_one_in(hooks):
    hooks.serving()
    with Store.open(hooks.db) as store:
        process = hooks.start("rm -rf ./data")
        gate = hooks.gate(store)
        process.kill()
        process.communicate()
        decide(store, "ann", gate, Said("approve"))
        assert hooks.call("ls")[0] == 0


def test_a_server_that_dies_while_a_hook_waits_blocks_the_call(hooks):
    pid = hooks.serving()
    with Store.open(hooks.db) as store:
        process = hooks.start("rm -rf ./data")
        hooks.gate(store)
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for child in map(int, children):
            os.kill(child, signal.SIGKILL)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (2, "")
    assert "has died" in err


def test_a_server_whose_code_has_changed_answers_no_more(hooks, tmp_path):
    path = tmp_path / "x.sock"
    script = (
        "import itertools, sys\nfrom sessions.adapters import hook_server as server\n"
        "count = itertools.count()\nserver._times = lambda files: [next(count)]\n"
        f"server.Server({str(path)!r}).serve()\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], env=hooks.env) as stale:
        until(path.exists)
        assert hook_client.ask_server(str(path), {"event": "", "env": {}, "cwd": "/"}) is None
        assert stale.wait(10) == 0
    assert not path.exists()


def test_a_folder_that_others_can_enter_is_not_trusted(hooks):
    folder = hooks.runtime / "review-tui"
    folder.mkdir()
    folder.chmod(0o777)
    assert hooks.call()[0] == 2
    assert hooks.call(program=["--", "/bin/true"])[0] == 0, "who answers then is the program itself"
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("answer", [b"", b"\x00" * 8, struct.pack("!Q", 4) + b"null", struct.pack("!Q", 2) + b"{}"])
def test_something_else_at_the_socket_is_no_answer(hooks, answer, monkeypatch):
    monkeypatch.setattr(hook_client, "HELLO_S", 0.3)
    path = hooks.folder / "fake.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            link, _ = listener.accept()
            with link:
                link.recv(100)
                link.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        assert hook_client.ask_server(str(path), {"event": ""}) is None
        thread.join()


def test_options_that_the_small_program_does_not_know_are_left_to_the_program(hooks):
    assert hooks.call("ls", "--nonsense", "1", program=["--", "/bin/true"])[0] == 0
    assert hooks.call("ls", "--help", program=["--", "/bin/false"])[0] == 2
    assert hooks.sockets == []


def test_without_a_program_it_blocks(hooks):
    code, _, err = hooks.call(program=[])
    assert code == 2
    assert "review-tui: " in err
