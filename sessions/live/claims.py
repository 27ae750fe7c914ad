"""Leases: a reviewer says "I am at it", so that two do not work on one gate unawares.

A lease is a courtesy, not a lock: deciding needs none, and the first decision wins. It ends by itself, at a moment
counted since the machine started, so that setting the clock back does not make it last.
"""

from __future__ import annotations

from typing import NamedTuple

from sessions.errors import UserError
from sessions.live.clock import Moment, elapsed, now
from sessions.live.gates import Source, rows
from sessions.store import Store

#: How long a lease lasts unless it is renewed, in seconds.
LEASE_S = 120.0


class Claim(NamedTuple):
    """Who has a gate, and until when."""

    gate: str
    who: str
    os_user: str
    until: Moment

    def seconds_left(self, moment: Moment | None = None) -> float:
        return elapsed(moment or now(), self.until)


class Taken(UserError):
    """Somebody else has the gate. claim: theirs."""

    def __init__(self, claim: Claim) -> None:
        super().__init__(
            f"{claim.who} is at this gate (for another {max(1, round(claim.seconds_left()))} s).",
            "Take another one, or decide all the same: the first decision holds.",
        )
        self.claim = claim


def claim(store: Store, gate: str, who: str, os_user: str, *, seconds: float = LEASE_S) -> Claim:
    """Take a gate, or renew what one has. Raises Taken, or UserError if the gate does not wait for anybody."""
    with store.write("NORMAL", eager=True) as tx:
        found = tx.execute("SELECT state FROM gate WHERE id = ?", [gate])
        if not found or found[0][0] != "open":
            raise UserError("this gate does not wait for a decision any more.")
        standing = holder(tx, gate)
        if standing is not None and standing.who != who:
            raise Taken(standing)
        until = now().plus(seconds)
        tx.execute("DELETE FROM claim WHERE gate = ?", [gate])
        tx.execute(
            "INSERT INTO claim VALUES (?, ?, ?, ?, ?, ?)", [gate, who, os_user, until.wall, until.ticks, until.boot]
        )
    return Claim(gate, who, os_user, until)


def release(store: Store, gate: str, who: str) -> None:
    """Give a gate back. Nothing if it is not this reviewer's."""
    with store.write("NORMAL", eager=True) as tx:
        tx.execute("DELETE FROM claim WHERE gate = ? AND who = ?", [gate, who])


def holder(source: Source, gate: str) -> Claim | None:
    """Who has a gate now; None if nobody, or if the lease is over."""
    return holders(source, [gate]).get(gate)


def holders(source: Source, gates: list[str]) -> dict[str, Claim]:
    """Who has which of these gates now: gate -> claim."""
    marks = ", ".join("?" * len(gates))
    sql = f"SELECT gate, who, os_user, until_wall, until_ticks, boot FROM claim WHERE gate IN ({marks})"
    moment = now()
    found = [Claim(gate, who, user, Moment(*until)) for gate, who, user, *until in rows(source, sql, list(gates))]
    return {item.gate: item for item in found if item.seconds_left(moment) > 0}
