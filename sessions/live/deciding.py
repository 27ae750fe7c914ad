"""Votes and decisions on gates, inside the transaction that also writes the reviewer's event.

A vote is what one person (or one rule) said. Any single rollback, reject or stop decides; an approval decides when as
many different people have approved as the gate needs. The first decision wins: a later one is refused and told who was
first. Only a decision made by policy gives way to a person's, as long as the agent has not got it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sessions.errors import UsageError, UserError
from sessions.jsontext import dumps, too_deep
from sessions.live.clock import stamp
from sessions.live.conditions import check_approval
from sessions.live.gates import (
    CONSUMED,
    DECIDED,
    OPEN,
    START,
    VOID,
    GateDecision,
    GateInfo,
    LiveRun,
    Source,
    decision_of,
    gate_by_id,
    gates_of,
    live_run,
    rows,
)
from sessions.live.request import proposed_call
from sessions.store import Transaction

VERDICTS = ("approve", "rollback", "reject", "stop")


class Vote(NamedTuple):
    """What is said of a gate. gate: its id. to_gate: id, or "" for the beginning (rollback only). message: to the
    agent. edited: calls to be made instead of the proposed ones. findings: what was labelled, one line each.
    payload_sha256: of what was shown, None if the caller shows nothing."""

    gate: str
    reviewer: str
    verdict: str
    to_gate: str | None = None
    message: str = ""
    edited: list[Any] | None = None
    findings: Sequence[str] = ()
    how: str = "person"
    rule: str = ""
    payload_sha256: str | None = None


class Outcome(NamedTuple):
    """decision: what holds now, None while more people must approve. missing: how many."""

    decision: GateDecision | None
    missing: int


class AlreadyDecided(UserError):
    """Somebody was first. decision: theirs."""

    def __init__(self, gate: GateInfo, decision: GateDecision) -> None:
        had = ", and the agent has acted on it" if gate.state == CONSUMED else ""
        who = f"the rule {decision.rule}" if decision.how == "policy" else decision.who
        super().__init__(
            f"{who} has decided on gate {gate.key!r} already: {decision.verdict} ({decision.at[11:19]} UTC){had}.",
            "The first decision holds." + (" Roll back at a later gate instead." if had else ""),
        )
        self.decision = decision


def cast_vote(tx: Transaction, vote: Vote, event: str) -> Outcome:
    """Record a vote, and the decision if it makes one. event: of the ledger, written in the same transaction.

    Raises AlreadyDecided; UserError if the gate is void, shows something else by now, or the vote asks for what cannot
    be done; UsageError if the vote contradicts itself.
    """
    gate = gate_by_id(tx, vote.gate)
    if gate is None:
        raise UserError(f"the gate {vote.gate} is gone.", "Its run was deleted.")
    check(tx, gate, vote)
    tx.execute(
        "INSERT INTO gate_vote (event, gate, reviewer, how, rule, verdict, to_gate, message, edited, findings,"
        " payload_sha256, at, withdrawn) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
        [
            event, vote.gate, vote.reviewer, vote.how, vote.rule, vote.verdict, vote.to_gate, vote.message,
            dumps(vote.edited) if vote.edited is not None else None, dumps(list(vote.findings)), gate.payload_sha256,
            stamp(),
        ],
    )  # fmt: skip
    return _settle(tx, gate)


def check(source: Source, gate: GateInfo, vote: Vote) -> None:
    """Whether a vote can be cast; raises as `cast_vote` does."""
    if vote.verdict not in VERDICTS:
        raise UsageError(f"{vote.verdict!r} is no verdict at a gate.", f"Known: {', '.join(VERDICTS)}.")
    if vote.payload_sha256 not in (None, gate.payload_sha256):
        raise UserError("this gate shows something else by now.", "Look at it again before you decide.")
    if gate.state == VOID:
        raise UserError(f"nobody waits at gate {gate.key!r} any more.", "Its run was rolled back further, or is over.")
    standing = decision_of(source, gate.id)
    if standing is not None and not _gives_way(gate, standing, vote):
        raise AlreadyDecided(gate, standing)
    live = live_run(source, gate.run)
    assert live is not None, "a gate belongs to a live run"
    _check_edit(gate, live, vote)
    _check_target(source, gate, vote)
    if vote.verdict == "approve" and vote.how == "person":
        check_approval(source, gate, vote.reviewer, vote.message)
    mine = "SELECT 1 FROM gate_vote WHERE gate = ? AND reviewer = ? AND verdict = 'approve' AND withdrawn = 0"
    if vote.verdict == "approve" and rows(source, mine, [gate.id, vote.reviewer]):
        raise UserError(
            f"{vote.reviewer} has approved gate {gate.key!r} already.", f"It needs {gate.needs} different people."
        )


def withdraw(tx: Transaction, event: str) -> None:
    """An event is undone: take the vote that came with it back. Nothing if it came with none.

    Raises UserError if the agent has acted on the decision: what happened cannot be unsaid.
    """
    gate = _gate_of(tx, event)
    if gate is None:
        return
    if gate.state == CONSUMED:
        raise UserError(
            f"the agent has already acted on this decision (gate {gate.key!r}), so it cannot be undone.",
            f"Roll back to gate {gate.key!r} or an earlier one at the run's next gate instead.",
        )
    tx.execute("UPDATE gate_vote SET withdrawn = 1 WHERE event = ?", [event])
    if gate.state != VOID:
        _settle(tx, gate)


def give_again(tx: Transaction, event: str) -> None:
    """An undone event is done again, and its vote with it. Raises UserError if somebody has decided meanwhile."""
    gate = _gate_of(tx, event)
    if gate is None:
        return
    if standing := decision_of(tx, gate.id):
        raise AlreadyDecided(gate, standing)
    if gate.state == VOID:
        raise UserError(f"nobody waits at gate {gate.key!r} any more.", "Its run was rolled back further, or is over.")
    tx.execute("UPDATE gate_vote SET withdrawn = 0 WHERE event = ?", [event])
    _settle(tx, gate)


def acted_on(source: Source, runs: Sequence[str]) -> set[str]:
    """The events on these runs' gates that an agent has acted on: they cannot be undone."""
    sql = (
        "SELECT v.event FROM gate_vote v JOIN gate g ON g.id = v.gate WHERE g.state = 'consumed' AND g.run IN ({})"
    ).format(", ".join("?" * len(runs)))
    return {str(row[0]) for row in rows(source, sql, list(runs))}


def approvals(source: Source, gate: str) -> list[str]:
    """Who has approved a gate so far."""
    sql = "SELECT reviewer FROM gate_vote WHERE gate = ? AND verdict = 'approve' AND how = 'person' AND withdrawn = 0"
    return [row[0] for row in rows(source, f"{sql} ORDER BY no", [gate])]


def rollback_targets(source: Source, gate: GateInfo) -> list[GateInfo]:
    """Earlier gates that a rollback at this gate can go back to, newest first; the beginning can always be named."""
    found = [
        item
        for item in gates_of(source, gate.run)
        if item.no < gate.no and item.state == CONSUMED and item.undone_by is None
    ]
    return found[::-1]


def rollback_target(source: Source, gate: GateInfo, text: str | None) -> str:
    """The id of the gate that is meant by a key or id, "" for the beginning. None means the last one before this gate.

    Raises UsageError if there is no such gate to go back to.
    """
    targets = rollback_targets(source, gate)
    if text is None:
        return targets[0].id if targets else ""
    for target in targets:
        if text in (target.id, target.key):
            return target.id
    if text == START:
        return ""
    names = ", ".join([*(target.key for target in targets[:8]), START])
    raise UsageError(f"this run cannot be rolled back to {text!r}.", f"Back to: {names}.")


# -- the rules ----------------------------------------------------------------------------------------------------


def _gives_way(gate: GateInfo, standing: GateDecision, vote: Vote) -> bool:
    return standing.how == "policy" and vote.how == "person" and gate.state != CONSUMED


def _check_edit(gate: GateInfo, live: LiveRun, vote: Vote) -> None:
    if vote.edited is None:
        return
    if vote.verdict != "approve":
        raise UsageError(
            "only with an approval can the proposed calls be edited.", "Say approve, or leave the edit out."
        )
    if not gate.proposed:
        raise UsageError(f"nothing is proposed at gate {gate.key!r} that could be edited.")
    if "edit" not in live.can:
        raise UserError(f"{live.agent} cannot run edited calls.", "Reject with a message that says what to do instead.")
    if not isinstance(vote.edited, list) or too_deep(vote.edited):
        raise UsageError("the edit is a JSON list of calls, as proposed.")
    for place, call in enumerate(vote.edited):
        proposed_call(call, f"edit[{place}]")


def _check_target(source: Source, gate: GateInfo, vote: Vote) -> None:
    if (vote.verdict == "rollback") != (vote.to_gate is not None):
        raise UsageError("a rollback, and only a rollback, names the gate to go back to.")
    if not vote.to_gate:
        return
    target = next((item for item in rollback_targets(source, gate) if item.id == vote.to_gate), None)
    if target is None:
        raise UsageError("this run cannot be rolled back to that gate.", "Name an earlier one that was passed.")
    if failed := target.snapshot_facts.get("failed"):
        raise UserError(
            f"gate {target.key!r} has no snapshot of the workspace ({failed}).",
            "Roll back to another, or stop the run.",
        )


def _gate_of(tx: Transaction, event: str) -> GateInfo | None:
    found = tx.execute("SELECT gate FROM gate_vote WHERE event = ?", [event])
    return gate_by_id(tx, found[0][0]) if found else None


class _Cast(NamedTuple):
    """A vote as it lies in the table; edited and findings as JSON text."""

    event: str
    reviewer: str
    how: str
    rule: str
    verdict: str
    to_gate: str | None
    message: str
    edited: str | None
    findings: str
    payload_sha256: str
    at: str


def _settle(tx: Transaction, gate: GateInfo) -> Outcome:
    """Derive the gate's decision from the votes that count, in the order they were cast."""
    sql = f"SELECT {', '.join(_Cast._fields)} FROM gate_vote WHERE gate = ? AND withdrawn = 0 ORDER BY no"
    votes = [_Cast(*row) for row in tx.execute(sql, [gate.id])]
    people = [vote for vote in votes if vote.how == "person"]
    agreeing = _most_agreed(people)
    chosen = next((vote for vote in people if vote.verdict != "approve"), None)
    if chosen is None and len(agreeing) >= gate.needs:
        chosen = _joined(agreeing)
    elif chosen is None and not people and votes:
        chosen = votes[0]
    tx.execute("DELETE FROM gate_decision WHERE gate = ?", [gate.id])
    tx.execute("UPDATE gate SET state = ? WHERE id = ?", [DECIDED if chosen else OPEN, gate.id])
    if chosen is None:
        return Outcome(None, gate.needs - len(agreeing))
    tx.execute(
        "INSERT INTO gate_decision VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            gate.id, chosen.event, chosen.verdict, chosen.to_gate, chosen.message, chosen.edited, chosen.findings,
            chosen.reviewer, chosen.how, chosen.rule, chosen.payload_sha256, chosen.at,
        ],
    )  # fmt: skip
    tx.execute("DELETE FROM claim WHERE gate = ?", [gate.id])
    return Outcome(decision_of(tx, gate.id), 0)


def _most_agreed(people: list[_Cast]) -> list[_Cast]:
    """The approvals of one and the same thing, one of each person. Who edits the proposed calls approves something else
    than who does not."""
    groups: dict[str | None, dict[str, _Cast]] = {}
    for vote in people:
        if vote.verdict == "approve":
            groups.setdefault(vote.edited, {})[vote.reviewer] = vote
    return list(max(groups.values(), key=len, default={}).values())


def _joined(votes: list[_Cast]) -> _Cast:
    """The approvals of several people as one: the last one's, with everybody's names and words."""
    words = "\n".join(vote.message for vote in votes if vote.message)
    return votes[-1]._replace(reviewer=", ".join(vote.reviewer for vote in votes), message=words)
