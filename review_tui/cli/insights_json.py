"""Insights as one JSON document: the figures as they are computed, by their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from labels.insights.figures import Comparison, Figure, Insights, Onset

if TYPE_CHECKING:
    from labels.insights.fail_if import Check


def document(found: Insights, compared: Comparison | None = None, checks: Sequence[Check] = ()) -> dict[str, Any]:
    """Everything that was computed. Shares are 0 to 1; a figure that is undefined is null and says why."""
    data: dict[str, Any] = {"scope": found.words, **_object(found)}
    del data["words"]
    if compared is not None:
        data["comparison"] = _value(compared)
    if checks:
        data["checks"] = [
            {
                "condition": item.threshold.text, "failed": item.failed, "value": _value(item.value),
                "limit": item.threshold.limit, "figure": item.figure.json(), "says": item.says,
            }
            for item in checks
        ]  # fmt: skip
    return data


def _value(value: Any) -> Any:
    if isinstance(value, Figure):
        return value.json()
    if isinstance(value, Onset):
        return _onset(value)
    if is_dataclass(value):
        return _object(value)
    if isinstance(value, dict):
        return {key: _value(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_value(item) for item in value]
    return round(value, 6) if isinstance(value, float) else value


def _object(value: Any) -> dict[str, Any]:
    return {item.name: _value(getattr(value, item.name)) for item in fields(value)}


def _onset(value: Onset) -> dict[str, Any]:
    """Steps by their numbers (from 1) beside their indices (from 0), as everywhere."""
    data = _object(value)
    index = data.pop("first_step")
    number = {key: item + 1 if key in ("value", "low", "high") and item is not None else item
              for key, item in index.items()}  # fmt: skip
    data |= {"first_step_index": index, "first_step_number": number}
    data["by_mode"] = {
        slug: {"runs": runs, "first_step_index": step, "first_step_number": step + 1, "position": round(place, 6)}
        for slug, (runs, step, place) in value.by_mode.items()
    }
    return data
