"""What changed from one release to another: runs, votes, gold labels, the rule, codebooks, splits.

A run is known by its content id. One in which more (or less) is hidden than before has another one, so that it counts
as gone and new.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from labels.gold.reading import Release, ReleasedRun
from labels.gold.settle import Row
from sessions.errors import UserError
from sessions.jsontext import canonical

#: So many changed labels are told one by one; the others are counted.
_TOLD = 1_000


@dataclass(slots=True)
class Changed:
    """One gold label that is not what it was. old, new: true, false, null for not settled, "" for not there."""

    run: str
    unit: Row
    codebook: str
    mode: str
    old: Any
    new: Any


@dataclass(slots=True)
class Difference:
    """settings: what was asked for differently, as (what, old, new). changed: gold labels, the first so many; kinds:
    how many of each kind of change, `false -> true`."""

    settings: list[tuple[str, Any, Any]] = field(default_factory=list)
    runs_new: list[str] = field(default_factory=list)
    runs_gone: list[str] = field(default_factory=list)
    moved: list[tuple[str, str, str]] = field(default_factory=list)
    votes_new: int = 0
    votes_gone: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    changed: list[Changed] = field(default_factory=list)

    @property
    def same(self) -> bool:
        return not (
            self.settings
            or self.runs_new
            or self.runs_gone
            or self.moved
            or self.votes_new
            or self.votes_gone
            or self.kinds
        )


@dataclass(slots=True)
class _Run:
    """What is compared of a run. Kept by hash where only sameness counts, so that a large release fits in memory."""

    split: str
    votes: set[bytes]
    gold: dict[tuple[str, str], tuple[Row, Mapping[str, Any]]]


def compare(old: Release, new: Release) -> Difference:
    """Raises UserError where one of them is damaged."""
    found = Difference(_settings(old, new))
    before = {run.run_id: _kept(run) for run in old.runs()}
    for run in new.runs():
        was = before.pop(run.run_id, None)
        if was is None:
            found.runs_new.append(run.run_id)
        else:
            _compare(run.run_id, was, _kept(run), found)
    found.runs_gone = sorted(before)
    found.runs_new.sort()
    return found


def _settings(old: Release, new: Release) -> list[tuple[str, Any, Any]]:
    pairs = []
    for name in ("name", "version", "licence", "settling", "queue", "codebooks"):
        pairs.append((name, old.manifest.get(name), new.manifest.get(name)))
    pairs.append(("split", old.splits.as_json(), new.splits.as_json()))
    return [pair for pair in pairs if pair[1] != pair[2]]


def _kept(run: ReleasedRun) -> _Run:
    try:
        made: dict[tuple[str, str], list[Row]] = {}
        for label in run.labels:
            made.setdefault((label["unit_id"], label["annotator"]), []).append(label)
        votes = {_digest([row, made.get((row["unit"]["id"], row["annotator"]))]) for row in run.votes}
        gold = {(row["unit"]["id"], row["codebook"]["id"]): (row["unit"], row["labels"]) for row in run.gold}
    except (KeyError, TypeError) as error:
        raise UserError(
            f"a row of the run {run.run_id[:12]} is damaged ({error!s:.60}).", "See `gold verify`."
        ) from None
    return _Run(run.split, votes, gold)


def _digest(value: Any) -> bytes:
    return sha256(canonical(value)).digest()


def _compare(run: str, old: _Run, new: _Run, found: Difference) -> None:
    if old.split != new.split:
        found.moved.append((run, old.split, new.split))
    found.votes_gone += len(old.votes - new.votes)
    found.votes_new += len(new.votes - old.votes)
    for key in sorted(old.gold.keys() | new.gold.keys()):
        unit, before = old.gold.get(key, (None, {}))
        unit_now, after = new.gold.get(key, (None, {}))
        for mode in sorted(before.keys() | after.keys()):
            was, now = before.get(mode, ""), after.get(mode, "")
            if was is now or was == now:
                continue
            found.kinds[f"{_word(was)} -> {_word(now)}"] += 1
            if len(found.changed) < _TOLD:
                place = unit_now or unit
                assert place is not None
                found.changed.append(Changed(run, place, key[1], mode, was, now))


def _word(value: Any) -> str:
    if value is None:
        return "not settled"
    if value == "":
        return "not there"
    return "present" if value else "absent"


def as_json(found: Difference) -> dict[str, Any]:
    return {
        "same": found.same,
        "settings": [{"what": what, "old": old, "new": new} for what, old, new in found.settings],
        "runs_new": found.runs_new,
        "runs_gone": found.runs_gone,
        "moved": [{"run_id": run, "old": old, "new": new} for run, old, new in found.moved],
        "votes_new": found.votes_new,
        "votes_gone": found.votes_gone,
        "labels": dict(sorted(found.kinds.items())),
        "changed": [
            {
                "run_id": item.run, "unit": item.unit, "codebook": item.codebook, "mode": item.mode,
                "old": _word(item.old), "new": _word(item.new),
            }
            for item in found.changed
        ],
    }  # fmt: skip
