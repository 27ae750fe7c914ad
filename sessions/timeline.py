"""When each step of a run happened and how many tokens it took, as two narrow columns: read without any text."""

from __future__ import annotations

from array import array
from datetime import UTC, datetime

import orjson

from sessions.keys import key_range
from sessions.store import Store

#: A step whose time, or whose tokens, the source does not tell.
UNTOLD = -1
_MOST = 2**31 - 1


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
        seconds, tokens = UNTOLD, UNTOLD
        # Most steps say neither, and looking for the word is ten times as fast as reading the JSON.
        if b'"at"' in parts or b'"tokens_' in parts:
            shape = orjson.loads(parts)
            moment = _moment(shape.get("at"))
            if moment is not None:
                start = moment if start is None else start
                latest = seconds = min(_MOST, max(latest, int(moment - start)))
            counts = [shape[key] for key in ("tokens_in", "tokens_out") if isinstance(shape.get(key), int)]
            if counts:
                tokens = min(_MOST, max(0, sum(counts)))
            told = told or seconds != UNTOLD or tokens != UNTOLD
        found.append(seconds)
        found.append(tokens)
    return found.tobytes() if told else b""


def _moment(at: object) -> float | None:
    """Seconds since 1970; a time without a zone is taken for UTC, as all of its run are."""
    if not isinstance(at, str):
        return None
    try:
        moment = datetime.fromisoformat(at)
        return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).timestamp()
    except (ValueError, OverflowError):
        return None
