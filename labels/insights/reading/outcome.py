"""Whether a run reached its goal, as far as its own reference data say, and what else a run is told apart by.

Graders' fields are read by name, because readers keep them as the source has them (`Header.reference`): a verdict
(`solved`, `resolved`, `is_correct`, ...), else a reward (1 is the full mark: less is a failure, as in tau-bench), else
scores (Inspect: C and I, or 1 and less). Scorers that differ leave the outcome unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from labels.insights.figures import FAILURE, SUCCESS, UNKNOWN

#: Fields that say it in a word. Who&When calls the same thing `is_correct` and `is_corrected`.
_VERDICTS = ("solved", "resolved", "is_correct", "is_corrected", "correct", "success", "passed", "is_resolved")
_REWARDS = ("reward", "rewards", "reward_info", "verifier_result")
_SCORES = ("score", "scores")
#: Fields that hold a grader's report, which may hold a verdict.
_REPORTS = ("report", "test_result", "judge", "evaluation_result", "result")
_LETTERS = {"C": True, "I": False, "N": False, "P": False, "CORRECT": True, "INCORRECT": False}
_WORDS = {"pass": True, "passed": True, "true": True, "yes": True, "fail": False, "failed": False, "false": False,
          "no": False}  # fmt: skip
_DEPTH = 3


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a run is told apart by. outcome: success, failure or unknown, by its reference data alone. recall: mean
    recall of root causes (IT-Bench), None where the run has none. benchmark, domain: "" where unknown."""

    outcome: str
    recall: float | None
    benchmark: str
    domain: str


def run_facts(facts: Mapping[str, Any], reference: Mapping[str, Any] | None) -> RunFacts:
    """Read them off a run's facts and reference data."""
    reference = reference or {}
    benchmark = _text(facts, "benchmark", "benchmark_name", "dataset", "eval", "task_name")
    recall = reference.get("root_cause_recall")
    good = _good(reference)
    return RunFacts(
        UNKNOWN if good is None else SUCCESS if good else FAILURE,
        float(recall) if isinstance(recall, (int, float)) and not isinstance(recall, bool) else None,
        benchmark,
        _text(facts, "domain", "env", "category"),
    )


def _text(facts: Mapping[str, Any], *keys: str) -> str:
    return next((value[:200] for key in keys if isinstance(value := facts.get(key), str) and value), "")


def _good(reference: Mapping[str, Any]) -> bool | None:
    for found in (_verdicts(reference, 0), _marks(reference, _REWARDS), _marks(reference, _SCORES)):
        said = set(found)
        if said:
            return said.pop() if len(said) == 1 else None
    return None


def _verdicts(value: Mapping[str, Any], depth: int) -> Iterator[bool]:
    for key in _VERDICTS:
        if (said := _as_bool(value.get(key))) is not None:
            yield said
    if depth < _DEPTH:
        for key in _REPORTS:
            if isinstance(inner := value.get(key), Mapping):
                yield from _verdicts(inner, depth + 1)


def _marks(reference: Mapping[str, Any], keys: Iterable[str]) -> Iterator[bool]:
    for key in keys:
        if key in reference:
            yield from _full(reference[key], 0)


def _full(value: Any, depth: int) -> Iterator[bool]:
    """Whether marks are full. Of an object with a `reward` or a `value` that one counts, else each of its members."""
    if isinstance(value, Mapping):
        inner = [value[key] for key in ("reward", "value") if key in value] or [*value.values()][:50]
        if depth < _DEPTH:
            for item in inner:
                yield from _full(item, depth + 1)
    elif isinstance(value, bool):
        yield value
    elif isinstance(value, (int, float)):
        yield value >= 1
    elif isinstance(value, str) and value.upper() in _LETTERS:
        yield _LETTERS[value.upper()]


def _as_bool(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)) and value in (0, 1):
        return bool(value)
    return _WORDS.get(value.strip().lower()) if isinstance(value, str) else None
