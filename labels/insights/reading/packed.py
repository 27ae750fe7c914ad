"""What was said of one run, as two tables of 32-bit integers: a row for each vote and a row for each label.

Figures over a million labels cannot read a million JSON documents. A segment is derived from a run's current decisions
once, kept (`labels.insights.reading.cache`), and read back as bytes. Strings (reviewers, modes, what a vote judges) are
numbers of a code book of strings; steps are indices; times are minutes since 1970.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
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
#: Bits of a vote. REPEATED: its annotations stand beside another run too, so it is no reading of this one.
WHOLE, IMPORT, POLICY, OUTSIDE, REPEATED = 1, 2, 4, 8, 16
#: Bits of a label. PLACED: the source says where in the run it is.
SURE, ROOT, PLACED = 1, 2, 4
VERDICTS = ("approve", "rollback", "reject", "stop", "abstain")
NONE, ELSEWHERE = -1, -2
_VERDICT = {name: number for number, name in enumerate(VERDICTS)} | {None: NONE}
_MOST = 2**31 - 1


class Codes:
    """Numbers for strings. The first letter says what a string is: r reviewer, s what a vote judges, m mode. The other
    fields remember what was looked up before, because a million votes name few different things."""

    def __init__(self, of: dict[str, int] | None = None) -> None:
        """of: numbers to go on from."""
        self.of: dict[str, int] = of or {}
        self._next = max(self.of.values(), default=-1) + 1
        self.people: dict[str, tuple[int, int]] = {}
        self.single: dict[tuple[str, str], int] = {}
        self.modes: dict[tuple[str, str], int] = {}
        self.minutes: dict[str, int] = {}

    def number(self, text: str) -> int:
        """The number of a string, a new one for one that was not there."""
        found = self.of.get(text)
        if found is None:
            found = self.of[text] = self._next
            self._next += 1
        return found

    def person(self, name: str) -> tuple[int, int]:
        """(number of a reviewer, bits of all their votes)"""
        found = self.people.get(name)
        if found is None:
            outside = OUTSIDE if name.startswith(OUTSIDE_PREFIX) else 0
            found = self.people[name] = (self.number(f"r{name}"), outside)
        return found

    def one(self, ref: Mapping[str, str]) -> int:
        """The number of what a vote judges that judges the whole of one codebook."""
        key = ref["id"], ref["sha256"]
        found = self.single.get(key)
        if found is None:
            found = self.single[key] = self.number("s" + canonical([[*key, None]]).decode())
        return found

    def mode(self, codebook: str, slug: str) -> int:
        """The number of a mode of a codebook (by its id, in whatever state)."""
        found = self.modes.get((codebook, slug))
        if found is None:
            found = self.modes[codebook, slug] = self.number(f"m{codebook} {slug}")
        return found

    def minute(self, at: str) -> int:
        """An event's time, as it stands in the log, in minutes since 1970."""
        found = self.minutes.get(at)
        if found is None:
            found = self.minutes[at] = _minute(at)
        return found


@dataclass(slots=True)
class Segment:
    """units: chunk ids in the order of their numbers. votes, labels: rows one after another."""

    units: dict[str, int] = field(default_factory=dict)
    votes: array[int] = field(default_factory=lambda: array("i"))
    labels: array[int] = field(default_factory=lambda: array("i"))


def segment(decisions: Iterable[bytes | str], codes: Codes) -> Segment:
    """The segment of one run. decisions: as `labels.model.Decision` writes them, of everybody."""
    found = Segment()
    causes: list[tuple[int, Mapping[str, Any], Mapping[str, Any]]] = []
    labelled: list[tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]] = []
    for number, text in enumerate(decisions):
        said = orjson.loads(text)
        _vote(found, said, codes)
        if labels := said["labels"]:
            labelled.append((said, labels))
            _labels(found, said, labels, number, codes, causes)
    if causes:
        _link(found, labelled, causes)
    return found


def _vote(found: Segment, said: Mapping[str, Any], codes: Codes) -> None:
    target, how, to = said["target"], said["how"], said["to"]
    reviewer, bits = codes.person(said["reviewer"])
    if target["scope"] == "run":
        bits |= WHOLE
    if how != "person":
        bits |= IMPORT if how == "import" else POLICY
        if how == "import" and not said["blind_votes"]:
            bits |= REPEATED
    units = found.units
    found.votes.extend(
        (
            units.setdefault(target["id"], len(units)), target["first"]["index"], target["last"]["index"], reviewer,
            _judges(said, codes), _VERDICT.get(said["verdict"], NONE), bits, codes.minute(said["at"]),
            NONE if to is None else to["index"],
        )
    )  # fmt: skip


def _labels(
    found: Segment,
    said: Mapping[str, Any],
    labels: Sequence[Mapping[str, Any]],
    vote: int,
    codes: Codes,
    causes: list[tuple[int, Mapping[str, Any], Mapping[str, Any]]],
) -> None:
    target = said["target"]
    end = target["last"]["index"]
    whole = target["scope"] == "run" and end > 0
    for label in labels:
        first, last = label["first"]["index"], label["last"]["index"]
        bits = SURE if label["sure"] else 0
        if label["root_cause"]:
            bits |= ROOT
        # A label that spans the whole run says that the mode is there, not where.
        if not (whole and first == 0 and last >= end):
            bits |= PLACED
        if label["caused_by"]:
            causes.append((len(found.labels) // LABEL_COLUMNS, said, label))
        mode = codes.mode(label["codebook"]["id"], label["mode"])
        found.labels.extend((vote, mode, first, last, bits, NONE))


def _link(
    found: Segment,
    labelled: Sequence[tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]],
    causes: Sequence[tuple[int, Mapping[str, Any], Mapping[str, Any]]],
) -> None:
    """Set CAUSE of the labels that name one: their reviewer's own label of that id, or another's (a copy that a merge
    left)."""
    rows: dict[tuple[str, str], int] = {}
    row = 0
    for said, labels in labelled:
        for label in labels:
            rows[said["reviewer"], label["id"]] = row
            rows.setdefault(("", label["id"]), row)
            row += 1
    for place, said, label in causes:
        cause = label["caused_by"]
        found.labels[place * LABEL_COLUMNS + CAUSE] = rows.get(
            (said["reviewer"], cause), rows.get(("", cause), ELSEWHERE)
        )


def _judges(said: Mapping[str, Any], codes: Codes) -> int:
    """The number of what a decision judges, which is told as `labels.ledger.judges` writes it."""
    none, labels = said["none"], said["labels"]
    if not said["judged"] and len(none) + len(labels) == 1:  # nearly always
        return codes.one(none[0] if none else labels[0]["codebook"])
    refs = {ref["id"]: ref["sha256"] for ref in (*none, *(label["codebook"] for label in labels))}
    only = {item["codebook"]["id"]: sorted(item["modes"]) for item in said["judged"]}
    spec = [[name, sha256, only.get(name)] for name, sha256 in sorted(refs.items())]
    return codes.number("s" + canonical(spec).decode())


def _minute(at: str) -> int:
    """NONE where there is no time."""
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return NONE
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(_MOST, max(0, int(moment.timestamp() // 60)))
