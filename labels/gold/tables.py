"""What a gold set holds, counted while it is made or read: for its manifest, its card and `gold status`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from labels.gold.books import Books
from labels.gold.settle import Row, Tally

if TYPE_CHECKING:
    from labels.gold.rows import RunRows

#: How a mode of a unit can stand, in the order in which it is told.
STATES = ("present", "absent", "disputed", "too few votes", "not adjudicated", "undecided", "not judged")
_UNDECIDED = ("adjudicated: undecided", "adjudications differ")


class Tables:
    """modes: codebook -> mode -> how its units stand. splits: name -> runs, steps. tasks: id -> split."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self.runs = self.steps = self.units = self.votes = self.labels = 0
        self.suggestions = self.rulings = self.settled = self.redacted_runs = 0
        self.people: dict[str, Counter[str]] = {}
        self.blind: Counter[str] = Counter()
        self.systems: Counter[str] = Counter()
        self.splits: dict[str, Counter[str]] = {}
        self.tasks: dict[str, str] = {}
        self.modes: dict[str, dict[str, Counter[str]]] = {
            book: {slug: Counter() for slug in slugs} for book, slugs in books.slugs.items()
        }
        self._pairs: dict[str, Counter[tuple[str, int, int]]] = {}

    def judged(self, book: str, unit: Row, tally: Tally) -> None:  # noqa: ARG002
        """Take the blind votes on one unit in, for agreement."""
        if tally.people < 2:
            return
        pairs = self._pairs.setdefault(book, Counter())
        pairs.update((slug, *tally.of(slug)) for slug in self._books.slugs[book])

    def add(
        self, head: Row, rows: RunRows, suggestions: Sequence[Row], rulings: Sequence[Row], gold: Sequence[Row]
    ) -> None:
        """Take one run in."""
        self.runs += 1
        self.steps += head["steps"]
        self.votes += len(rows.votes)
        self.labels += len(rows.labels)
        self.suggestions += len(suggestions)
        self.rulings += len(rulings)
        self.redacted_runs += head["redacted"]
        self.systems[head["system"] or "unknown"] += 1
        split = self.splits.setdefault(head["split"], Counter())
        split["runs"] += 1
        split["steps"] += head["steps"]
        self.tasks[head["task_id"]] = head["split"]
        for vote in rows.votes:
            self.people.setdefault(vote["role"], Counter())[vote["annotator"]] += 1
            self.blind["suggestions"] += vote["blind_suggestions"]
            self.blind["votes"] += vote["blind_votes"]
        for ruling in rulings:
            self.people.setdefault("adjudicator", Counter())[ruling["annotator"]] += 1
        self.add_gold(gold)

    def sizes(self) -> dict[str, dict[str, int]]:
        """Split -> its tasks, runs and steps."""
        tasks = Counter(self.tasks.values())
        return {name: {"tasks": tasks[name], **split} for name, split in self.splits.items()}

    def merge(self, other: Tables) -> None:
        """Take in what was counted of other runs."""
        for name in _SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.tasks.update(other.tasks)
        self.blind.update(other.blind)
        self.systems.update(other.systems)
        for mine, theirs in ((self.people, other.people), (self.splits, other.splits), (self._pairs, other._pairs)):
            _merge(mine, theirs)
        for book, modes in other.modes.items():
            _merge(self.modes[book], modes)

    def add_gold(self, gold: Sequence[Row]) -> None:
        """Take the gold of one run in."""
        self.units += len({row["unit"]["id"] for row in gold})
        for row in gold:
            modes = self.modes[row["codebook"]["id"]]
            how: dict[str, str] = {item["mode"]: item["how"] for item in row["details"]}
            otherwise: str = row["absent_by"] or "not judged"
            for slug, value in row["labels"].items():
                state = state_of(value, how.get(slug, otherwise))
                modes[slug][state] += 1
                self.settled += value is not None

    def agreement(self) -> list[dict[str, Any]]:
        """For each mode that two people have judged blind: units, judgements, share present, raw agreement of pairs,
        and Krippendorff's alpha (nominal; null where all gave the same answer, so that it is not defined)."""
        found = []
        for book, pairs in sorted(self._pairs.items()):
            for slug in self._books.slugs[book]:
                counts = {(present, absent): n for (mode, present, absent), n in pairs.items() if mode == slug}
                if row := _agreement(counts):
                    found.append({"codebook": book, "mode": slug, **row})
        return found


_SUMS = ("runs", "steps", "units", "votes", "labels", "suggestions", "rulings", "settled", "redacted_runs")


def _merge(mine: dict[str, Counter[Any]], theirs: Mapping[str, Counter[Any]]) -> None:
    for key, counts in theirs.items():
        mine.setdefault(key, Counter()).update(counts)


def state_of(value: bool | None, how: str) -> str:
    """One of STATES."""
    if value is not None:
        return "present" if value else "absent"
    return "undecided" if how in _UNDECIDED else how


def _agreement(counts: Mapping[tuple[int, int], int]) -> dict[str, Any] | None:
    """counts: (present, absent) votes of a unit -> how many units.

    Krippendorff (2011), nominal data, two values: the coincidences of a unit with m votes are weighted by 1 / (m - 1).
    """
    units = present = absent = 0
    apart = 0.0
    for (yes, no), number in counts.items():
        if yes + no >= 2:
            units += number
            present += yes * number
            absent += no * number
            apart += number * 2 * yes * no / (yes + no - 1)
    votes = present + absent
    if not votes:
        return None
    alpha = 1 - (votes - 1) * apart / (2 * present * absent) if present and absent else None
    return {
        "units": units,
        "judgements": votes,
        "prevalence": round(present / votes, 6),
        "raw": round(1 - apart / votes, 6),
        "alpha": None if alpha is None else round(alpha, 6),
    }
