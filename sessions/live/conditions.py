"""What an approval of a gate needs besides being one: who may give it, and words where something is missing.

A check says so in its facts when the gate is opened, under `approval`:

    {"only": ["ann", "bob"],                                   who may approve; anybody if it is left out or empty
     "unmet": [{"reason": "no test has passed", "unless": "ann"}]}   what is not as it should be

What is unmet is not approved without a message that says why it is approved all the same: the message is in the ledger,
and the agent reads it. `unless` names a person whose approval of this gate, this one or one before, meets it. Other
verdicts need nothing: who finds something wrong may always say so.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sessions.errors import UserError
from sessions.live.gates import GateInfo, Source, checks_of, rows

#: The key of these facts.
APPROVAL = "approval"
_SHOWN = 3


class Unmet(NamedTuple):
    """reason: one line for people. unless: whose approval would meet it."""

    reason: str
    unless: str | None


class Conditions(NamedTuple):
    """only: who may approve; empty for anybody. unmet: what has to be answered with words."""

    only: tuple[str, ...] = ()
    unmet: tuple[Unmet, ...] = ()


def conditions_of(source: Source, gate: str) -> Conditions:
    """What an approval of a gate needs, as the checks said when it was opened. Who may approve for several checks must
    be named by each."""
    given = [facts for check in checks_of(source, gate) if isinstance(facts := check.facts.get(APPROVAL), dict)]
    named = [tuple(str(name) for name in only) for facts in given if (only := facts.get("only"))]
    common = [name for name in named[0] if all(name in other for other in named)] if named else []
    unmet = [_unmet(item) for facts in given for item in facts.get("unmet", ())]
    # Nobody at all, rather than anybody, where two checks have nobody in common.
    return Conditions(tuple(common) or (("",) if named else ()), tuple(unmet))


def _unmet(item: dict[str, Any]) -> Unmet:
    return Unmet(str(item["reason"]), item.get("unless"))


def check_approval(source: Source, gate: GateInfo, reviewer: str, message: str) -> None:
    """Whether this reviewer may approve the gate with these words. Raises UserError with the reason if not."""
    wanted = conditions_of(source, gate.id)
    if wanted.only and reviewer not in wanted.only:
        names = " or ".join(name for name in wanted.only if name) or "nobody"
        raise UserError(
            f"{reviewer} may not approve gate {gate.key!r}: only {names} may.",
            "Ask them; rolling back, rejecting and stopping are open to everybody.",
        )
    left = still_unmet(source, gate, reviewer, wanted)
    if left and not message.strip():
        more = f", and {len(left) - _SHOWN} more" if len(left) > _SHOWN else ""
        reasons = "; ".join(item.reason for item in left[:_SHOWN])
        raise UserError(
            f"gate {gate.key!r} does not show what it must: {reasons}{more}.",
            "Approve it with a message that says why it may go on all the same.",
        )


def still_unmet(source: Source, gate: GateInfo, reviewer: str | None, wanted: Conditions) -> list[Unmet]:
    """What is unmet, this reviewer's approval and those that were given before taken into account."""
    if not wanted.unmet:
        return []
    sql = "SELECT reviewer FROM gate_vote WHERE gate = ? AND verdict = 'approve' AND how = 'person' AND withdrawn = 0"
    approving = {row[0] for row in rows(source, sql, [gate.id])} | {reviewer}
    return [item for item in wanted.unmet if item.unless is None or item.unless not in approving]
