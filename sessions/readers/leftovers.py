"""What readers of JSON documents do with the fields they have no place for, and with odd numbers and times.

Nothing is dropped: a leftover field that says something becomes a `raw` part of its step or a fact of its run. Fields
that say nothing (null, empty, false) would only clutter the screen; they stay in the step's own source record.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sessions.readers.shared import raw_part
from sessions.run import Part

#: Root or `extra` fields that tell how the run was judged. They go to `Header.reference`, out of a blind
#: reader's sight.
REFERENCE_KEYS = frozenset(
    (
        *("answer", "expected", "expected_answer", "expected_output", "reference", "reference_answer", "target"),
        *("gold", "gold_answer", "gold_patch", "golden_patch", "test_patch", "ground_truth", "groundtruth"),
        *("label", "labels", "mistake_agent", "mistake_reason", "mistake_step", "mistake_type"),
        *("correct", "is_correct", "is_corrected", "resolved", "success", "verifier_result"),
        *("rating", "feedback", "chosen", "reward", "reward_info", "rewards", "score", "scores"),
    )
)
#: More than this counts nothing: it is damage, and the store could not take it.
MOST = 2**53
#: Deeper than this, or longer than 64 items, a value is taken to say something, without looking.
_LOOK_DEPTH = 20
_TIME_KEYS = ("timestamp", "created_at", "created", "time")


def is_trivial(value: Any, depth: int = 0) -> bool:
    """Whether a value says nothing: null, false, empty, or a container of nothing else."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return len(value) <= 64 and depth < _LOOK_DEPTH and all(is_trivial(item, depth + 1) for item in value)
    return value is None or value is False or value == ""


def leftover_parts(record: Mapping[str, Any], known: Collection[str]) -> list[Part]:
    """A raw part for each field of the record that is not known and says something."""
    return [raw_part(key, value) for key, value in record.items() if key not in known and not is_trivial(value)]


def facts_and_reference(
    record: Mapping[str, Any], known: Collection[str]
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The fields that are not known, parted into facts and what the source knows of the answer (None: nothing)."""
    facts: dict[str, Any] = {}
    reference: dict[str, Any] = {}
    for key, value in record.items():
        if key in known or (is_trivial(value) and value is not False):
            continue
        (reference if key.lower() in REFERENCE_KEYS else facts)[key] = value
    return facts, reference or None


@cache
def snake(key: str) -> str:
    """`traceId` as `trace_id`: exports come in either spelling. For the names that a reader knows, not for a file's."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in key)


def mapping(value: Any) -> dict[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def sequence(value: Any) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def text_or_none(value: Any) -> str | None:
    """A non-empty string or a number as text, else None. For ids, names and models."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return None


def count(value: Any) -> int | None:
    """A whole number of something (tokens), None where the source has anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int(value) if 0 <= value <= MOST else None


def amount(value: Any) -> float | None:
    """A sum of money, None where the source has anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if abs(value) < 1e15 else None


def iso_time(value: Any) -> str | None:
    """A time as ISO 8601: strings as the source has them, unix seconds (or milliseconds) in UTC."""
    if isinstance(value, str):
        return value or None
    seconds = amount(value)
    if seconds is None or seconds <= 0:
        return None
    if seconds > 1e11:  # milliseconds: as seconds this were after the year 5000
        seconds /= 1000
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        return None


def time_of(record: Mapping[str, Any]) -> str | None:
    """When a record says it was made, by the usual field names."""
    for key in _TIME_KEYS:
        if key in record:
            return iso_time(record[key])
    return None
