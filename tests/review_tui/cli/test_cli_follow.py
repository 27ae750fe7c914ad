"""`review-tui follow`: as JSON lines, and on the screen of a real terminal."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from agent_logs import ClaudeLog
from program import PROGRAM
from pty_tool import environment, terminal

HOSTILE = "before \x1b]0;owned\x07 \x9b31m \u202egnp.exe end"


@pytest.fixture
def log(tmp_path: Path) -> ClaudeLog:
    log = ClaudeLog(tmp_path / "session.jsonl")
    log.user("Mend the build.")
    return log


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "review.db"


class Lines:
    """`follow --json` and what it prints."""

    def __init__(self, db: Path, path: Path) -> None:
        self.process = subprocess.Popen(
            [*PROGRAM, "follow", "--json", "--db", str(db), str(path)], env=environment(), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )  # fmt: skip

    def next(self) -> dict:
        return json.loads(self.process.stdout.readline())

    def until_step(self, number: int, parts: int) -> dict:
        """The line of a step with so many parts."""
        while True:
            line = self.next()
            if line["event"] == "step" and line["step_number"] == number and len(line["parts"]) == parts:
                return line

    def end(self, number: int = signal.SIGTERM) -> str:
        self.process.send_signal(number)
        _, err = self.process.communicate(timeout=20)
        return err.decode()


def as_json(*args: str) -> dict:
    return json.loads(subprocess.run([*PROGRAM, *args], env=environment(), capture_output=True, check=True).stdout)


def test_each_step_is_a_line_and_a_changed_one_another(database, log):
    lines = Lines(database, log.path)
    started = lines.next()
    assert (started["event"], started["schema"], started["format"]) == ("started", "review-tui/follow/1", "claude-code")
    assert lines.until_step(1, 1)["parts"][0]["text"] == "Mend the build."
    log.calls("c1", "ls")
    assert lines.until_step(2, 1)["changed"] is False
    log.result("c1", "build.log")
    done = lines.until_step(2, 2)
    assert done["changed"] is True
    assert done["parts"][1]["text"] == "build.log"
    log.says("Done.")
    assert lines.until_step(3, 1)["run"] == started["run"]
    err = lines.end()
    assert lines.process.returncode == 0
    assert "not gating" in err
    shown = subprocess.run(
        [*PROGRAM, "show", "--db", str(database), started["run"], "--json"],
        env=environment(),
        capture_output=True,
        check=True,
    )
    shown = json.loads(shown.stdout)
    assert shown["run"]["state"] == "complete"
    assert len(shown["steps"]) == 3


def test_what_a_run_says_is_escaped(database, log):
    log.says(HOSTILE)
    lines = Lines(database, log.path)
    lines.next()
    step = lines.until_step(2, 1)
    assert step["parts"][0]["text"] == HOSTILE
    lines.process.send_signal(signal.SIGINT)
    out, _ = lines.process.communicate(timeout=20)
    assert b"\x1b" not in out
    assert lines.process.returncode == 0


def test_what_cannot_be_followed_is_said_in_a_line(database, tmp_path):
    for path, words in ((tmp_path / "none.jsonl", "there is no file"), (tmp_path, "not a regular file")):
        done = subprocess.run(
            [*PROGRAM, "follow", "--db", str(database), str(path)], env=environment(), capture_output=True, text=True
        )
        assert done.returncode == 1
        assert words in done.stderr
    (tmp_path / "x.bin").write_bytes(bytes(range(256)))
    os.utime(tmp_path / "x.bin", (0, 0))
    done = subprocess.run(
        [*PROGRAM, "follow", "--json", "--db", str(database), str(tmp_path / "x.bin")], env=environment(),
        capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert done.returncode == 1
    assert "binary" in done.stderr


@pytest.mark.pty
def test_the_station_shows_steps_as_they_are_written(database, log, monkeypatch):
    monkeypatch.setattr("pty_tool.COMMAND", PROGRAM)
    with terminal("follow", "--db", str(database), str(log.path), size=(110, 30)) as screen:
        screen.until("following, no gate")
        screen.until("Mend the build.")
        screen.until("the agent does not wait for you")
        log.calls("c1", "make all")
        screen.until("make all")
        log.result("c1", "quagga built")
        screen.until("quagga built")
        with open(log.path, "ab") as file:  # half a line is nothing yet
            message = {"role": "user", "content": "zebra"}
            whole = json.dumps({"type": "user", "uuid": "x", "sessionId": "s", "message": message}).encode() + b"\n"
            file.write(whole[:40])
            file.flush()
            time.sleep(0.1)
            file.write(whole[40:])
        screen.until("zebra")
        screen.send("G")
        for number in range(40):
            log.step(number)
        screen.until("ok 39")  # who stands at the end is taken along
        screen.send("g")
        screen.until("Mend the build.")
        screen.until("chunk 1/9")
        log.step(40)
        log.step(41)
        log.says("A last word.")
        screen.until("chunk 1/10")  # chunks count on, and the place stays
        assert "Mend the build." in screen.text
        screen.send("q")
        screen.until("review station")
        screen.send("q")
        assert screen.wait() == 0
        assert screen.restored()
    (run,) = as_json("runs", "--db", str(database), "--json")["runs"]
    assert run["steps"] == 46


@pytest.mark.pty
def test_a_cleared_conversation_opens_as_the_next_run(database, log, monkeypatch):
    monkeypatch.setattr("pty_tool.COMMAND", PROGRAM)
    log.says("Mended.")
    with terminal("follow", "--db", str(database), str(log.path), size=(110, 30)) as screen:
        screen.until("Mended.")
        log.user("<command-name>/clear</command-name>")
        log.user("Paint the house.")
        log.says("Which colour?")
        log.step(1)
        screen.until("Which colour?")
        screen.send("qq")
        screen.wait()
