"""A live run is over: it becomes a run like every other, with a content id by which a later import finds it."""

from __future__ import annotations

from sessions.identity import Identity
from sessions.live.gates import DECIDED, OPEN, VOID
from sessions.store import Store, Transaction
from sessions.writing import remove_rows


def close(tx: Transaction, run: str, how: str) -> None:
    """The run takes no more steps. how: `final`, `stop` or `closed` (it was given up, or its agent is gone).

    The content id is given by `complete`, which reads all steps and so must not be in this transaction.
    """
    tx.execute("UPDATE live SET ended = ? WHERE run = ? AND ended IS NULL", [how, run])
    void_open(tx, run)


def void_open(tx: Transaction, run: str) -> None:
    """Nobody decides any more on the gates of a run that still wait."""
    waiting = tx.execute("SELECT id FROM gate WHERE run = ? AND state IN (?, ?)", [run, OPEN, DECIDED])
    for (gate,) in waiting:
        tx.execute("UPDATE gate SET state = ? WHERE id = ?", [VOID, gate])
        tx.execute("DELETE FROM claim WHERE gate = ?", [gate])


def end(store: Store, run: str) -> None:
    """End a live run from outside: its agent is gone, or somebody gives it up. Nothing if it is over already."""
    with store.write() as tx:
        close(tx, run, "closed")
    complete(store, run)


def complete(store: Store, run: str) -> None:
    """Give a run that is over its content id. If the same content was imported meanwhile, the two become one.

    Cheap if it is done; a run whose agent was killed just before is completed by whoever comes next.
    """
    from sessions import catalog  # costs more than a gate without need of it does

    found = store.one("SELECT no, steps FROM run WHERE id = ? AND state = 'live'", [run])
    if found is None:
        return
    no, steps = found
    identity = Identity()
    for stored in catalog.steps(store, no):
        identity.step_id(stored.step)
    content = identity.content_id()
    with store.write() as tx:
        if tx.execute("SELECT steps FROM run WHERE no = ? AND state = 'live'", [no]) != [(steps,)]:
            return
        same = tx.execute(
            "SELECT id FROM run WHERE content_id = ? AND state = 'complete' AND id NOT IN (SELECT run FROM live)"
            " ORDER BY no LIMIT 1",
            [content],
        )
        if same and steps:
            _join(tx, run, no, str(same[0][0]))
        else:
            tx.execute("UPDATE run SET content_id = ?, state = 'complete' WHERE no = ?", [content, no])


def complete_all(store: Store) -> None:
    """Complete every run that is over and whose agent did not live to do it."""
    sql = "SELECT r.id FROM run r JOIN live l ON l.run = r.id WHERE r.state = 'live' AND l.ended IS NOT NULL"
    for (run,) in store.query(sql):
        complete(store, run)


def _join(tx: Transaction, run: str, no: int, other: str) -> None:
    """The live run and an imported one are the same. The imported one stays: it has the source's own records."""
    for table in ("gate", "live", "live_process"):
        tx.execute(f"UPDATE {table} SET run = ? WHERE run = ?", [other, run])
    tx.execute("UPDATE hold SET scope = ? WHERE scope = ?", [other, run])
    for table, key in (("suggestion", "id"), ("reading", "reviewer")):
        there = f"SELECT {key} FROM {table} WHERE run = ?"
        tx.execute(f"DELETE FROM {table} WHERE run = ? AND {key} IN ({there})", [run, other])
        tx.execute(f"UPDATE {table} SET run = ? WHERE run = ?", [other, run])
    remove_rows(tx, no)
    tx.execute("INSERT INTO run_alias VALUES (?, ?)", [run, other])


def forget(tx: Transaction, run: str) -> None:
    """A run is deleted: its gates go with it. What was decided stays in the ledger."""
    gates = "SELECT id FROM gate WHERE run = ?"
    for table in ("gate_check", "claim", "gate_vote", "gate_decision", "consumption"):
        tx.execute(f"DELETE FROM {table} WHERE gate IN ({gates})", [run])
    for table in ("gate", "live", "live_process"):
        tx.execute(f"DELETE FROM {table} WHERE run = ?", [run])
    tx.execute("DELETE FROM hold WHERE scope = ?", [run])
