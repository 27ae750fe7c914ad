"""When each step of a run happened and how many tokens it took, as two narrow columns: read without any text."""

from __future__ import annotations

import re
from array import array
from datetime import UTC, datetime

from sessions.keys import key_range
from sessions.store import Store

#: A step whose time, or whose tokens, the source does not tell.
UNTOLD = -1
_MOST = 2**31 - 1
_AT, _TOKENS = b'"at":"', (b'"tokens_in":', b'"tokens_out":')
_DIGITS = re.compile(rb"[0-9]{1,30}")


def timeline(store: Store, no: int) -> bytes:
    """Of each step in order, two 32-bit integers: seconds since the run's first step that has a time, and tokens in and
    out; UNTOLD where the source has none. Empty where no step has either.

    A clock that goes back (a source that mixes zones, a step of a sub-agent) gives no negative time: it counts as 0
    seconds since the step before.
    """
    low, high = key_range(no)
    found = array("i")
    start: float | None = None
    latest = 0
    told = False
    for (parts,) in store.each("SELECT parts FROM body WHERE k BETWEEN ? AND ? ORDER BY k", [low, high]):
        at, tokens = _told(parts)
        seconds = UNTOLD
        moment = _moment(at) if at else None
        if moment is not None:
            start = moment if start is None else start
            latest = seconds = min(_MOST, max(latest, int(moment - start)))
        told = told or seconds != UNTOLD or tokens != UNTOLD
        found.append(seconds)
        found.append(tokens)
    return found.tobytes() if told else b""


def _told(parts: bytes) -> tuple[str, int]:
    """(time, tokens in and out) of a step: "" and UNTOLD where it does not say.

    Found in the bytes: the arguments of tool calls stand there too, and may be long. What is looked for stands at the
    top level, behind the parts (`sessions.bodies.encode`); inside a JSON string every quote is escaped, so no text of
    a run looks like it.
    """
    behind = parts.rfind(b'"p":[')
    if behind < 0:
        return "", UNTOLD
    at = ""
    place = parts.find(_AT, behind)
    if place >= 0:
        place += len(_AT)
        at = parts[place : parts.find(b'"', place)].decode("utf-8", "replace")
    tokens = UNTOLD
    for key in _TOKENS:
        place = parts.find(key, behind)
        if place >= 0 and (digits := _DIGITS.match(parts, place + len(key))):
            tokens = min(_MOST, max(0, tokens) + int(digits[0]))
    return at, tokens


def _moment(at: str) -> float | None:
    """Seconds since 1970; a time without a zone is taken for UTC, as all of its run are."""
    try:
        moment = datetime.fromisoformat(at)
        return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).timestamp()
    except (ValueError, OverflowError):
        return None
