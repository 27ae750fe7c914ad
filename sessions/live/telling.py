"""Telling others that a gate waits for a person: what is installed under `review_tui.gate_opened` is called once, in
the process that opened the gate, after it is on the disk. (name -> "module:function", called with the store and the
gate.) Nothing that goes wrong there touches the gate.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

from sessions.live.gates import OPEN, GateInfo
from sessions.store import Store

LISTENERS = "review_tui.gate_opened"


@cache
def points() -> dict[str, str]:
    """Who is installed to be told: name -> "module:function"."""
    from importlib.metadata import entry_points

    return {point.name: point.value for point in entry_points(group=LISTENERS)}


def tell(store: Store, gate: GateInfo) -> None:
    """Tell everybody of a gate that was just opened, if it waits for a person. Never raises."""
    if gate.state != OPEN:
        return
    for target in points().values():
        module, _, attribute = target.partition(":")
        try:
            getattr(import_module(module), attribute)(store, gate)
        except Exception:  # noqa: S112 - of what is not ours; the gate is open, and the inbox shows it
            continue
