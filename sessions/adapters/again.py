"""Waiting for the answer at a gate that an earlier process of the agent opened."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from sessions.live import runs, taking
from sessions.live.answer import Answer, Pending
from sessions.live.asking import NOBODY
from sessions.live.gates import GateInfo
from sessions.live.hooks import Hooks
from sessions.live.process import myself
from sessions.live.waiting import wait_until
from sessions.store import Store


def wait_again(
    store: Store, gate: GateInfo, hooks: Hooks, seconds: float | None, stopped: Callable[[], bool] = lambda: False
) -> Answer | Pending:
    """The answer at a gate, waited for, or taken again: what follows from it was perhaps not done. Raises as `take`."""
    with store.write("NORMAL", eager=True) as tx:
        runs.register(tx, gate.run, myself())
    answer: Answer | None = wait_until(
        store,
        lambda: taking.take(store, gate.id, gate.payload_sha256, hooks),
        seconds=seconds,
        stopped=stopped,
        beat=lambda: runs.beat(store, gate.run),
    )
    return Pending(gate.id, gate.name, gate.key, gate.payload_sha256, NOBODY) if answer is None else answer


async def wait_again_async(store: Store, gate: GateInfo, hooks: Hooks, seconds: float | None) -> Answer | Pending:
    """As `wait_again`, without blocking the event loop."""
    stop = threading.Event()

    def work() -> Answer | Pending:
        try:
            return wait_again(store, gate, hooks, seconds, stop.is_set)
        finally:
            store.close_thread()

    try:
        return await asyncio.to_thread(work)
    finally:
        stop.set()
