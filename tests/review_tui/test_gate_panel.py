"""What the gate's panel says of a gate: facts that `review-tui run` found out, as rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from review_tui import gates
from review_tui.gates import GateView
from review_tui.widgets.gate_panel import gate_rows
from sessions.gate import Gate
from sessions.store import Store


@pytest.fixture
def view(db: Path) -> GateView:
    """A gate that really waits."""
    with Gate(agent="helper", task="Tidy up.", run="tidy", db=db) as gate:
        gate.add("helper", text="I look around.")
        gate.open(wait=False)
    with Store.open(db) as store:
        (found,) = gates.waiting(store)
        return found


def told(view: GateView, width: int = 60, **facts: Any) -> str:
    """The panel's text with these facts of the snapshot."""
    known = replace(view, gate=view.gate._replace(snapshot_facts=facts))
    return "\n".join("".join(piece[0] for piece in pieces if piece) for _, pieces in gate_rows(known, width))


def test_a_process_that_was_not_held_is_named(view):
    said = told(view, process_count=3, not_held=[{"pid": 7, "name": "\x1b[31mrsync", "command": "rsync", "state": "R"}])
    assert "3 processes held" in said
    assert "still runs: ␛[31mrsync (7)" in said


def test_unread_records_and_earlier_steps_are_counted(view):
    said = told(view, unread_records=1, earlier_steps=1_200)
    assert "1 record of its session file could not be read" in said
    assert "1,200 steps from before it was started" in said


def test_where_all_is_held_and_read_nothing_is_said(view):
    said = told(view, process_count=1)
    assert "1 process held" in said
    assert not any(word in said for word in ("still runs", "could not be read", "from before"))
