"""Settling: from what everybody said of a run to its gold labels.

It works on rows as they stand in a release (`labels.gold.rows`), so that `gold verify` settles the votes of a release
again with the same code. Gold of a chunk, or of the whole run, is for each mode of a codebook true (present), false
(absent) or null: not judged is not absent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from labels.gold.books import Books
from labels.gold.rule import Rule
from labels.gold.standing import standing

Row: TypeAlias = dict[str, Any]

#: Why a vote, or a part of it, was not counted.
OTHER_WORDING = "judgements of modes by another wording of the codebook"
TWO_MINDS = "modes on which one person, under two names, said two things"


@dataclass(slots=True)
class Tally:
    """How many people judged the modes of a codebook in one unit. whole: all its modes. some: those who judged only
    this mode, less those of `whole` who did not. present, unsure: by mode. people: who judged anything."""

    whole: int = 0
    some: Counter[str] = field(default_factory=Counter)
    present: Counter[str] = field(default_factory=Counter)
    unsure: Counter[str] = field(default_factory=Counter)
    people: int = 0

    def of(self, slug: str) -> tuple[int, int]:
        """(present, absent)"""
        present = self.present[slug]
        return present, self.whole + self.some[slug] - self.unsure[slug] - present


def settle_run(
    run_id: str,
    votes: Sequence[Row],
    labels: Sequence[Row],
    adjudications: Sequence[Row],
    books: Books,
    rule: Rule,
    left_out: Counter[str] | None = None,
    judged: Callable[[str, Row, Tally], None] | None = None,
) -> list[Row]:
    """Gold rows of one run: one for each unit and codebook on which anything was said, in the order of the votes.

    left_out: counts what was said and does not count. judged: is told, for each codebook in each unit, the tally of the
    votes that were made without knowing others'.
    """
    counted = left_out if left_out is not None else Counter()
    in_chunks = _labelled_in_chunks(labels)
    units: dict[str, Row] = {}
    said: dict[str, list[Row]] = {}
    for row in (*votes, *adjudications):
        units.setdefault(row["unit"]["id"], row["unit"])
    for vote in votes:
        said.setdefault(vote["unit"]["id"], []).append(vote)
    made: dict[str, list[Row]] = {}
    for label in labels:
        made.setdefault(label["unit_id"], []).append(label)
    settled: dict[str, list[Row]] = {}
    for row in adjudications:
        settled.setdefault(row["unit"]["id"], []).append(row)
    found: list[Row] = []
    for key, unit in sorted(units.items(), key=lambda item: unit_order(item[1])):
        elsewhere = in_chunks if unit["scope"] == "run" else {}
        tallies = _tallies(said.get(key, ()), books, elsewhere, counted)
        if judged is not None:
            for book, tally in _blind(said.get(key, ()), books, elsewhere, tallies).items():
                judged(book, unit, tally)
        decided = standing(settled.get(key, ()))
        for book in books.main:
            mine = {mode: item for (owner, mode), item in decided.items() if owner == book}
            if book in tallies or mine:
                tally = tallies.get(book) or Tally()
                found.append({"run_id": run_id, **_gold(unit, book, tally, made.get(key, ()), mine, books, rule)})
    return found


def unit_order(unit: Row) -> tuple[int, int, str]:
    """Units in the order of their steps; the whole run comes before its chunks."""
    return (-1 if unit["scope"] == "run" else unit["first"]["step_index"], unit["last"]["step_index"], unit["id"])


def _labelled_in_chunks(labels: Iterable[Row]) -> dict[str, set[tuple[str, str]]]:
    """Annotator -> (codebook, mode) that they labelled in a chunk."""
    found: dict[str, set[tuple[str, str]]] = {}
    for label in labels:
        if label["scope"] == "chunk":
            found.setdefault(label["annotator"], set()).add((label["codebook"]["id"], label["mode"]))
    return found


def _tallies(
    votes: Sequence[Row], books: Books, elsewhere: Mapping[str, set[tuple[str, str]]], left_out: Counter[str]
) -> dict[str, Tally]:
    """Codebook id -> tally of one unit. A mode that somebody labelled in a chunk is not absent from the run by the same
    person's word (`elsewhere`)."""
    tallies: dict[str, Tally] = {}
    by_person: dict[str, list[Row]] = {}
    for vote in votes:
        by_person.setdefault(vote["annotator"], []).append(vote)
    for person, mine in by_person.items():
        labelled = elsewhere.get(person, set())
        for book in dict.fromkeys(said["id"] for vote in mine for said in vote["codebooks"]):
            if book not in books.main:
                left_out[OTHER_WORDING] += 1
                continue
            said = [said for vote in mine for said in vote["codebooks"] if said["id"] == book]
            hidden = {mode for owner, mode in labelled if owner == book}
            if book not in tallies:
                tallies[book] = Tally()
            tallies[book].people += 1
            _count(tallies[book], said, books, hidden, left_out)
    return tallies


def _blind(
    votes: Sequence[Row], books: Books, elsewhere: Mapping[str, set[tuple[str, str]]], tallies: dict[str, Tally]
) -> dict[str, Tally]:
    """The tallies of those votes alone that were made without knowing others'. tallies: of all of them."""
    blind = [vote for vote in votes if vote["blind_votes"]]
    return tallies if len(blind) == len(votes) else _tallies(blind, books, elsewhere, Counter())


def _count(tally: Tally, said: Sequence[Row], books: Books, hidden: set[str], left_out: Counter[str]) -> None:
    """Count what one person said of one codebook. hidden: modes that are not absent by their word."""
    only = books.comparable(said[0]["id"], said[0]["sha256"])
    if len(said) == 1 and said[0]["judged"] is None and only is None:  # nearly everybody
        present, unsure = said[0]["present"], said[0]["unsure"]
        tally.whole += 1
        tally.present.update(present)
        tally.unsure.update(unsure)
        if hidden:
            tally.unsure.update(hidden.difference(present, unsure))
        return
    verdicts: dict[str, set[bool]] = {}
    for one in said:
        for mode, verdict in _verdicts(one, books, left_out).items():
            verdicts.setdefault(mode, set()).add(verdict)
    for mode, both in verdicts.items():
        if len(both) > 1:
            left_out[TWO_MINDS] += 1
        elif True in both:
            tally.some[mode] += 1
            tally.present[mode] += 1
        elif mode not in hidden:
            tally.some[mode] += 1


def _verdicts(said: Row, books: Books, left_out: Counter[str]) -> dict[str, bool]:
    """Mode -> whether it is there, as far as one vote says."""
    all_of_it = books.slugs[said["id"]]
    only = books.comparable(said["id"], said["sha256"])
    judged = set(all_of_it if said["judged"] is None else said["judged"]) | set(said["present"])
    left = judged if only is None else judged & only
    left_out[OTHER_WORDING] += len(judged) - len(left)
    return {mode: mode in said["present"] for mode in left - set(said["unsure"]) if mode in all_of_it}


# -- the row ----------------------------------------------------------------------------------------------------


def _gold(
    unit: Row,
    book: str,
    tally: Tally,
    labels: Sequence[Row],
    decided: Mapping[str, Row | None],
    books: Books,
    rule: Rule,
) -> Row:
    values: dict[str, bool | None] = {}
    details: list[Row] = []
    made: dict[str, list[Row]] = {}
    for label in labels:
        if label["codebook"]["id"] == book and label["sure"]:
            made.setdefault(label["mode"], []).append(label)
    plain = rule.decide(0, tally.whole)
    for slug in books.slugs[book]:
        if slug not in decided and not (tally.present[slug] or tally.unsure[slug] or tally.some[slug]):
            values[slug] = plain[0]  # everybody who judged the codebook says that it is not there
            continue
        present, absent = tally.of(slug)
        value, how = rule.decide(present, absent)
        ruling = decided.get(slug)
        if slug in decided:
            value, how = _ruled(ruling)
        values[slug] = value
        if present or slug in decided or tally.unsure[slug] or tally.some[slug]:
            details.append(_detail(slug, value, how, (present, absent), made.get(slug, []), ruling))
    main = books.main[book]
    return {
        "unit": unit,
        "codebook": {"id": book, "version": main.version, "sha256": main.hash},
        "people": tally.people,
        "labels": values,
        "judged_whole": tally.whole,
        "absent_by": plain[1] if tally.whole else None,
        "details": details,
    }


def _ruled(ruling: Row | None) -> tuple[bool | None, str]:
    if ruling is None:
        return None, "adjudications differ"
    if ruling["outcome"] == "undecided":
        return None, "adjudicated: undecided"
    return ruling["outcome"] == "present", "adjudicated"


def _detail(
    slug: str,
    value: bool | None,
    how: str,
    votes: tuple[int, int],
    labels: Sequence[Row],
    ruling: Row | None,
) -> Row:
    """What is known of one mode beyond its value: where it is, by what evidence, how it was settled."""
    detail: Row = {"mode": slug, "value": value, "how": how, "present": votes[0], "absent": votes[1]}
    if ruling is not None:
        detail["reason"] = ruling["reason"]
    if value is False:
        return detail
    places = ruling["steps"] if ruling and ruling["steps"] else [_span(label) for label in labels]
    detail["steps"] = _unique(places, lambda span: (span["first"]["step_index"], span["last"]["step_index"]))
    evidence = [item for label in labels for item in label["evidence"]]
    detail["evidence"] = _unique(evidence, lambda item: (item["step_index"], item["part"], item["start"], item["end"]))
    roots = sum(label["root_cause"] for label in labels)
    if roots:
        detail["root_cause"] = roots
    if agents := [label["agent"] for label in labels if "agent" in label]:
        detail["agents"] = dict(sorted(Counter(agents).items()))
    return detail


def _span(label: Row) -> Row:
    return {"first": label["first"], "last": label["last"]}


def _unique(items: Sequence[Row], key: Any) -> list[Row]:
    """Without repeats, in order."""
    return [item for _, item in sorted({key(item): item for item in items}.items())]


# -- a whole run at a glance ------------------------------------------------------------------------------------------


def summary(gold: Sequence[Row], steps: int) -> dict[str, dict[str, int | None]]:
    """Codebook id -> mode -> 1 with any gold label, 0 where the whole run or every step of it was judged and the mode
    is nowhere, else None (MAST's shape)."""
    found: dict[str, dict[str, int | None]] = {}
    by_book: dict[str, list[Row]] = {}
    for row in gold:
        by_book.setdefault(row["codebook"]["id"], []).append(row)
    for book, rows in by_book.items():
        values: dict[str, int | None] = {}
        for slug in rows[0]["labels"]:
            said = [(row["unit"], row["labels"][slug]) for row in rows]
            if any(value for _, value in said):
                values[slug] = 1
            else:
                values[slug] = 0 if _covered([unit for unit, value in said if value is False], steps) else None
        found[book] = values
    return found


def _covered(units: Iterable[Row], steps: int) -> bool:
    """Whether the units are the whole run, or leave no step of it out."""
    end = 0
    for unit in sorted(units, key=lambda unit: unit["first"]["step_index"]):
        if unit["first"]["step_index"] > end:
            return False
        end = max(end, unit["last"]["step_index"] + 1)
    return end >= steps
