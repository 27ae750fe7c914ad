"""The demo's agent: a process of its own that plays the story, with real files and a real database, through real gates.

Run as `python -P -m sessions.demo.agent --db FILE --workspace FOLDER --snapshots FOLDER`. It ends with whoever started
it: standard input is a pipe of which they hold the other end.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

from sessions.demo import story, world
from sessions.demo.story import Turn
from sessions.errors import UserError
from sessions.gate import Gate, Pending
from sessions.live.files import workspace_hooks
from sessions.run import Part, Step, arguments_text

RUN = "demo"
STOPPED = 11


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--db", type=Path, required=True)
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--snapshots", type=Path, required=True)
    options = parser.parse_args()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        return play(options.db, options.workspace, options.snapshots)
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _end_with_parent() -> None:
    os.read(0, 1)  # nothing is ever written
    os._exit(STOPPED)


def play(db: Path, workspace: Path, snapshots: Path) -> int:
    """Play the story to its end; 0 if the run was finished, STOPPED if a person stopped it."""
    told = False
    hooks = workspace_hooks(db, snapshots)
    with Gate(
        run=RUN, agent=story.ACTOR, task=world.TASK, rules=world.RULES, workspace=workspace, db=db, hooks=hooks,
        can=("hold", "files", "state"),
    ) as gate:  # fmt: skip
        number, passed = 0, dict[str, int]()  # gate -> how many chunks of the story lie before what follows it
        while number < len(story.ALONE):
            chunk = (story.TOLD if told else story.ALONE)[number]
            for turn in chunk.turns:
                gate.add(_step(turn, workspace))
            answer = gate.open(stage=chunk.stage, final=number == len(story.ALONE) - 1)
            if isinstance(answer, Pending):
                raise UserError("nobody has decided.", "Start the demo again.")
            if answer.verdict == "stop":
                return STOPPED
            number += 1
            passed[answer.gate] = number
            if answer.verdict == "rollback":
                told, number = True, passed.get(answer.to_gate or "", 0)
            elif answer.verdict == "reject":
                told, number = True, number - 1
    return 0


def _step(turn: Turn, workspace: Path) -> Step:
    """Do what the turn says; the step with what came of it."""
    parts = [Part("text", turn.thought)]
    if turn.tool:
        arguments = _arguments(turn)
        name = turn.tool.partition("-")[0]
        text, failed = _do(turn, workspace)
        parts.append(Part("tool_call", arguments_text(arguments), name=name, arguments=arguments))
        parts.append(Part("tool_result", text, name=name, is_error=failed))
    return Step(story.ACTOR, "agent", parts)


def _arguments(turn: Turn) -> dict[str, str]:
    if turn.tool == "bash":
        return {"command": turn.argument}
    if turn.tool == "write":
        return {"path": turn.argument, "content": turn.content}
    return {"database": _database(turn), "query": turn.argument}


def _database(turn: Turn) -> str:
    return "scratch/copy.db" if turn.tool == "sql-copy" else "prod.db"


def _do(turn: Turn, workspace: Path) -> tuple[str, bool]:
    """(what the tool answers, whether it is an error)."""
    if turn.tool == "bash":
        done = subprocess.run(
            ["/bin/sh", "-c", turn.argument],
            cwd=workspace,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        return (done.stdout + done.stderr).strip() or "(no output)", done.returncode != 0
    if turn.tool == "write":
        (workspace / turn.argument).write_text(turn.content)
        return f"wrote {len(turn.content)} bytes", False
    return _sql(workspace / _database(turn), turn.argument)


def _sql(path: Path, script: str) -> tuple[str, bool]:
    with closing(sqlite3.connect(path)) as connection:
        try:
            rows: list[tuple[object, ...]] = []
            for statement in filter(None, (piece.strip() for piece in script.split(";"))):
                rows = connection.execute(statement).fetchall()
            connection.commit()
        except sqlite3.Error as error:
            return f"error: {error}", True
    return "\n".join(" | ".join(map(str, row)) for row in rows) or "ok", False


if __name__ == "__main__":
    sys.exit(main())
