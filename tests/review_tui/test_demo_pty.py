"""The README's minute with a live agent, in a real terminal: its files really come back."""

import sqlite3
import time
from pathlib import Path

import psutil
import pytest
from pty_tool import terminal

pytestmark = pytest.mark.pty


def customers(folder: Path) -> int:
    with sqlite3.connect(f"file:{folder}/workspace/prod.db?mode=ro", uri=True) as database:
        return int(database.execute("SELECT count(*) FROM customers").fetchone()[0])


def test_what_the_agent_ruined_comes_back_when_it_is_rolled_back(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with terminal("demo", "--dir", folder, size=(120, 36)) as term:
        term.until("GATE · 1")
        before = customers(folder)
        term.send("a")
        term.until("GATE · 2")
        term.send("a")
        term.until("DROP TABLE deletes the table")
        assert customers(folder) != before
        term.send("r")
        term.until("files and state")
        term.send("\r")
        term.until("PATHS GO BACK")
        term.send("\r")
        term.until("To the agent")
        term.send("Leave the tables alone.\r")
        end = time.monotonic() + 15
        while customers(folder) != before and time.monotonic() < end:
            time.sleep(0.1)
        assert customers(folder) == before, term.text
        term.send("\x11")


def test_the_agent_ends_with_a_station_that_is_killed(tmp_path: Path) -> None:
    with terminal("demo", "--dir", tmp_path / "demo", size=(120, 36)) as term:
        term.until("GATE · 1")
        (agent,) = [process for process in psutil.Process(term.pid).children(recursive=True) if _is_agent(process)]
        term.kill()
        psutil.wait_procs([agent], timeout=15)
        assert not agent.is_running() or agent.status() == psutil.STATUS_ZOMBIE


def _is_agent(process: psutil.Process) -> bool:
    return "sessions.demo.agent" in process.cmdline()
