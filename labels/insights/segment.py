"""What was said of one run, as two tables of 32-bit integers: a row for each vote and a row for each label.

Figures over a million labels cannot read a million JSON documents. A segment is derived from a run's current decisions
once, kept (`labels.insights.kept`), and read back as bytes. Strings (reviewers, modes, what a vote judges) are numbers
of a code book of strings; steps are indices; times are minutes since 1970.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from labels.glance import OUTSIDE_PREFIX
from sessions.jsontext import canonical

#: Columns of a vote. UNIT: number of the chunk in the run (`Segment.units`). TO: of a rollback, the first step undone.
UNIT, FIRST, LAST, REVIEWER, SPEC, VERDICT, BITS, MINUTE, TO = range(9)
VOTE_COLUMNS = 9
#: Columns of a label. VOTE: row of its vote in the run. CAUSE: row of the label that it follows from.
VOTE, MODE, LABEL_FIRST, LABEL_LAST, LABEL_BITS, CAUSE = range(6)
LABEL_COLUMNS = 6
#: Bits of a vote.
WHOLE, IMPORT, POLICY, OUTSIDE = 1, 2, 4, 8
#: Bits of a label. PLACED: the source says where in the run it is.
SURE, ROOT, PLACED = 1, 2, 4
VERDICTS = ("approve", "rollback", "reject", "stop", "abstain")
NONE, ELSEWHERE = -1, -2
_VERDICT = {name: number for number, name in enumerate(VERDICTS)} | {None: NONE}
_MOST = 2**31 - 1


class Codes:
    """Numbers for strings. The first letter says what a string is: r reviewer, s what a vote judges, m mode."""

    def __init__(self, of: dict[str, int] | None = None) -> None:
        """of: numbers to go on from."""
        self.of: dict[str, int] = of or {}
        self._next = max(self.of.values(), default=-1) + 1

    def __call__(self, kind: str, value: str) -> int:
        return self.number(kind + value)

    def number(self, text: str) -> int:
        found = self.of.get(text)
        if found is None:
            found = self.of[text] = self._next
            self._next += 1
        return found


def mode_key(codebook: str, slug: str) -> str:
    return f"{codebook} {slug}"


@dataclass(slots=True)
class Segment:
    """units: chunk ids in the order of their numbers. votes, labels: rows one after another."""

    units: dict[str, int] = field(default_factory=dict)
    votes: array[int] = field(default_factory=lambda: array("i"))
    labels: array[int] = field(default_factory=lambda: array("i"))


def segment(decisions: Iterable[bytes | str], codes: Codes) -> Segment:
    """The segment of one run. decisions: as `labels.model.Decision` writes them, of everybody."""
    found = Segment()
    rows: dict[tuple[str, str], int] = {}
    causes: list[tuple[int, str, str]] = []
    for number, text in enumerate(decisions):
        said = orjson.loads(text)
        _vote(found, said, codes)
        if said["labels"]:
            _labels(found, said, number, codes, rows, causes)
    for row, reviewer, cause in causes:
        # A merge may leave the cause with another reviewer's copy; their own comes first.
        place = rows.get((reviewer, cause), rows.get(("", cause), ELSEWHERE))
        found.labels[row * LABEL_COLUMNS + CAUSE] = place
    return found


def _vote(found: Segment, said: Mapping[str, Any], codes: Codes) -> None:
    target, how, reviewer = said["target"], said["how"], said["reviewer"]
    bits = WHOLE if target["scope"] == "run" else 0
    if how != "person":
        bits |= IMPORT if how == "import" else POLICY
    if reviewer.startswith(OUTSIDE_PREFIX):
        bits |= OUTSIDE
    units = found.units
    found.votes.extend(
        (
            units.setdefault(target["id"], len(units)), target["first"]["index"], target["last"]["index"],
            codes("r", reviewer), codes("s", _judges(said)), _VERDICT.get(said["verdict"], NONE), bits,
            _minute(said["at"]), said["to"]["index"] if said["to"] else NONE,
        )
    )  # fmt: skip


def _labels(
    found: Segment,
    said: Mapping[str, Any],
    vote: int,
    codes: Codes,
    rows: dict[tuple[str, str], int],
    causes: list[tuple[int, str, str]],
) -> None:
    target, reviewer = said["target"], said["reviewer"]
    whole = target["scope"] == "run" and target["last"]["index"] > 0
    for label in said["labels"]:
        row = len(found.labels) // LABEL_COLUMNS
        first, last = label["first"]["index"], label["last"]["index"]
        # A label that spans the whole run says that the mode is there, not where.
        placed = not (whole and first == 0 and last >= target["last"]["index"])
        rows[reviewer, label["id"]] = row
        rows.setdefault(("", label["id"]), row)
        if label["caused_by"]:
            causes.append((row, reviewer, label["caused_by"]))
        bits = SURE * label["sure"] + ROOT * label["root_cause"] + PLACED * placed
        mode = codes("m", mode_key(label["codebook"]["id"], label["mode"]))
        found.labels.extend((vote, mode, first, last, bits, NONE))


def _judges(said: Mapping[str, Any]) -> str:
    """What a decision judges, as `labels.ledger.judges` writes it."""
    refs = {(ref["id"], ref["sha256"]) for ref in said["none"]}
    refs.update((label["codebook"]["id"], label["codebook"]["sha256"]) for label in said["labels"])
    if not said["judged"]:
        return _plain_judges(frozenset(refs))
    only = {item["codebook"]["id"]: sorted(item["modes"]) for item in said["judged"]}
    return canonical([[name, sha256, only.get(name)] for name, sha256 in sorted(refs)]).decode()


@lru_cache(maxsize=1024)
def _plain_judges(refs: frozenset[tuple[str, str]]) -> str:
    return canonical([[name, sha256, None] for name, sha256 in sorted(refs)]).decode()


@lru_cache(maxsize=4096)
def _minute(at: str) -> int:
    """NONE where there is no time."""
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return NONE
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(_MOST, max(0, int(moment.timestamp() // 60)))
