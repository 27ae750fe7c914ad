"""The votes that agreement is computed from, in arrays: who judged which unit by what, and what they found there.

A unit is a chunk of a run, or the whole run. A vote is a reviewer's finished decision on it (or an outside
annotator's); what a policy decided is none. A mode is judged where its codebook was judged and the mode was in it, in
the same words; else it is missing, not absent.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from labels.codebook import Codebook, Codebooks, diff
from labels.codebook_model import Mode
from labels.ledger import BLIND_SUGGESTIONS, BLIND_VOTES, ROOT, SURE, adopt, fill_judgements
from labels.maintenance import kept_codebook
from sessions.store import Row, Store

if TYPE_CHECKING:
    from labels.agreement.statistics import Array

VERDICTS = ("approve", "rollback", "reject", "stop")

SEEN = "decisions made when others' votes could be seen"
SUGGESTED = "decisions made when suggestions could be seen"
UNFINISHED = "decisions without a verdict (not finished)"
ABSTAINED = "abstentions"
POLICY = "decisions made by a policy"
TWICE = "second decisions of one person under another name (--same)"
UNSURE = "labels marked unsure (neither yes nor no)"
REWORDED = "judgements of modes that were worded otherwise then"


@dataclass(frozen=True, slots=True)
class Options:
    """queue: id of the one queue whose chunks count, "" for all. same: name -> the name it counts as. only, without:
    reviewers. seen: count decisions made in view of others' votes too. blind: only those blind to suggestions."""

    queue: str = ""
    same: Mapping[str, str] = field(default_factory=dict)
    only: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()
    seen: bool = False
    blind: bool = False


@dataclass(slots=True)
class Votes:
    """units: (run, chunk) of each unit; cluster: the number of its run. raters: names. Of each vote: unit, rater, spec
    (what it judges), verdict (place in VERDICTS, -1 for none). Of each label: vote, mode, first, last (step indices),
    flags, agent. modes: (codebook id, slug). judged: (specs, modes), whether a vote of that kind judges the mode."""

    units: list[tuple[str, str]]
    runs: list[str]
    cluster: Array
    raters: list[str]
    unit: Array
    rater: Array
    spec: Array
    verdict: Array
    modes: list[tuple[str, str]]
    judged: Array
    label_vote: Array
    label_mode: Array
    label_first: Array
    label_last: Array
    label_flags: Array
    label_agent: list[str | None]
    names: dict[tuple[str, str], str]
    left_out: Counter[str]
    notes: list[str]


class _Codes:
    """Numbers for values, in the order in which they come."""

    def __init__(self) -> None:
        self.of: dict[Any, int] = {}

    def __call__(self, value: Any) -> int:
        return self.of.setdefault(value, len(self.of))


_ROWS = (
    "SELECT j.run, j.chunk, j.reviewer, j.verdict, j.how, j.blind, j.judges, l.mode, l.codebook, l.first_index,"
    " l.last_index, l.flags, l.agent FROM judgement j"
    " LEFT JOIN label l ON l.run = j.run AND l.reviewer = j.reviewer AND l.chunk = j.chunk"
)
_IN_QUEUE = " JOIN queue_item q ON q.run = j.run AND q.chunk = j.chunk AND q.queue = ?"


def load(store: Store, codebooks: Codebooks, options: Options | None = None) -> Votes:
    """Read the votes. codebooks: those in use; a codebook's present state is the one that counts."""
    options = options or Options()
    adopt(store)
    fill_judgements(store)
    sql = _ROWS.replace(" LEFT JOIN", f"{_IN_QUEUE} LEFT JOIN") if options.queue else _ROWS
    reading = _Reading(store, options)
    # Of two names that are one person's, the first one's decision counts: by name, not by when it came here.
    order = "j.reviewer, j.rowid" if options.same else "j.rowid"
    rows = store.each(f"{sql} ORDER BY {order}", [options.queue] if options.queue else [])
    collecting = gc.isenabled()
    gc.disable()  # a million small objects and no cycle among them: looking for some takes a third of the time
    try:
        reading.take(rows)
    finally:
        if collecting:
            gc.enable()
    return reading.votes(Wording(store, codebooks, reading.left_out))


class _Reading:
    """Goes through the rows once."""

    def __init__(self, store: Store, options: Options) -> None:
        self.options = options
        self.left_out: Counter[str] = Counter()
        self.owner = {row[0]: row[1] for row in store.query("SELECT alias, run FROM run_alias")}
        self.content = {row[0]: row[1] for row in store.query("SELECT id, content_id FROM run")}
        self.units, self.runs, self.raters, self.specs, self.modes = _Codes(), _Codes(), _Codes(), _Codes(), _Codes()
        self.cluster: list[int] = []
        self.rows: tuple[list[int], ...] = ([], [], [], [])
        self.labels: tuple[list[int], ...] = ([], [], [], [], [])
        self.agents: list[str | None] = []
        self.seen: set[tuple[int, int]] = set()

    def take(self, rows: Iterable[Row]) -> None:
        """Written out, because a million rows pass here. Rows of one vote follow each other."""
        unit, rater, spec, verdicts = self.rows
        votes, modes, firsts, lasts, flags = self.labels
        kinds: dict[tuple[Any, ...], tuple[int, int, str]] = {}
        tally: Counter[str] = Counter()
        last_run = last_chunk = last_who = None
        keep = False
        for run, chunk, who, verdict, how, blind, judges, mode, book, first, end, flag, agent in rows:
            if who != last_who or chunk != last_chunk or run != last_run:
                last_run, last_chunk, last_who = run, chunk, who
                kind = kinds.get((who, verdict, how, blind))
                if kind is None:
                    kind = kinds[who, verdict, how, blind] = self._kind(who, verdict, how, blind)
                keep = kind[0] >= 0
                if keep and (place := self._unit(run, chunk, kind[0], tally)) >= 0:
                    unit.append(place)
                    rater.append(kind[0])
                    spec.append(self.specs(judges))
                    verdicts.append(kind[1])
                else:
                    tally[kind[2]] += 1
                    keep = False
            if keep and mode is not None:
                votes.append(len(unit) - 1)
                modes.append(self.modes((book, mode)))
                firsts.append(first)
                lasts.append(end)
                flags.append(flag)
                self.agents.append(agent)
        del tally[""]
        self.left_out += tally

    def _kind(self, who: str, verdict: str | None, how: str, blind: int) -> tuple[int, int, str]:
        """Of a vote the number of its rater (-1 if it does not count), that of its verdict, and why it does not count
        ("" where there is nothing to say)."""
        options = self.options
        who = options.same.get(who, who)
        if (options.only and who not in options.only) or who in options.without:
            return -1, -1, ""
        reason = ""
        if how == "policy":
            reason = POLICY
        elif how == "person" and verdict is None:
            reason = UNFINISHED
        elif verdict == "abstain":
            reason = ABSTAINED
        elif not (options.seen or blind & BLIND_VOTES):
            reason = SEEN
        elif options.blind and not blind & BLIND_SUGGESTIONS:
            reason = SUGGESTED
        if reason:
            return -1, -1, reason
        return self.raters(who), VERDICTS.index(verdict) if verdict in VERDICTS else -1, ""

    def _unit(self, run: str, chunk: str, rater: int, tally: Counter[str]) -> int:
        """The number of a unit; -1 if this rater has voted on it under another name."""
        run = self.owner.get(run, run)
        units = self.units.of
        before = len(units)
        place = units.setdefault((run, chunk), before)
        if place == before:
            self.cluster.append(self.runs(run))
        if self.options.same:
            if (place, rater) in self.seen:
                tally[TWICE] += 1
                return -1
            self.seen.add((place, rater))
        return place

    def votes(self, wording: Wording) -> Votes:
        import numpy as np

        specs = [orjson.loads(text) for text in self.specs.of]
        modes = wording.modes(specs, list(self.modes.of))
        places = {mode: place for place, mode in enumerate(modes)}
        judged = np.array(
            [[mode in said for mode in modes] for said in map(wording.judged, specs)], dtype=bool
        ).reshape(len(specs), len(modes))
        unit, rater, spec, verdict = (np.array(column, dtype=np.int64) for column in self.rows)
        # Numbers must not depend on the order in which things came into this database: intervals are drawn by them.
        runs, run_places = _sorted(self.runs.of, lambda run: self.content.get(run) or run)
        raters, rater_places = _sorted(self.raters.of, str)
        rater = rater_places[rater]
        vote, mode, first, last, flags = (np.array(column, dtype=np.int64) for column in self.labels)
        renamed = np.array([places.get(mode, -1) for mode in self.modes.of] or [-1], dtype=np.int64)
        found = Votes(
            list(self.units.of), runs, run_places[np.array(self.cluster, dtype=np.int64)], raters,
            unit, rater, spec, verdict, modes, judged, vote, renamed[mode] if len(mode) else mode, first, last, flags,
            self.agents, wording.names, self.left_out, wording.notes,
        )  # fmt: skip
        return _without_unjudged(found)


def _sorted(of: Mapping[str, int], key: Callable[[str], str]) -> tuple[list[str], Array]:
    """The values in the order of a key, and for each number that a value had its place there."""
    import numpy as np

    found = sorted(of, key=key)
    places = np.zeros(len(found) or 1, dtype=np.int64)
    for place, value in enumerate(found):
        places[of[value]] = place
    return found, places


def _without_unjudged(votes: Votes) -> Votes:
    """Labels of modes that do not count there (worded otherwise then, or gone) go; unsure ones stay, as missing."""
    if not len(votes.label_vote):
        return votes
    known = votes.label_mode >= 0
    known[known] = votes.judged[votes.spec[votes.label_vote[known]], votes.label_mode[known]]
    votes.left_out[REWORDED] += int((~known).sum())
    votes.left_out[UNSURE] += int((known & (votes.label_flags & SURE == 0)).sum())
    for name in ("label_vote", "label_mode", "label_first", "label_last", "label_flags"):
        setattr(votes, name, getattr(votes, name)[known])
    votes.label_agent = [agent for agent, keep in zip(votes.label_agent, known, strict=True) if keep]
    return votes


class Wording:
    """Which modes a decision judged, given that codebooks change: one state of each counts, and what was said by
    another state counts for the modes that mean the same in both."""

    def __init__(self, store: Store, codebooks: Codebooks, left_out: Counter[str]) -> None:
        self.store, self.left_out = store, left_out
        self.loaded = {book.id: book for book in codebooks}
        self.notes: list[str] = []
        self.names: dict[tuple[str, str], str] = {}
        self._labelled: list[tuple[str, str]] = []
        self._books: dict[str, Codebook | None] = {}

    def modes(self, specs: Sequence[Any], labelled: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """All modes of the codebooks that were judged by, in their order. Where a codebook's text is not to be had,
        those that were labelled."""
        self._labelled = labelled
        hashes: dict[str, list[str]] = {}
        for spec in specs:
            for name, sha256, _ in spec:
                hashes.setdefault(name, []).append(sha256)
        found: list[tuple[str, str]] = []
        for name, states in sorted(hashes.items()):
            book = self.loaded.get(name) or next(
                (book for sha256 in reversed(states) if (book := kept_codebook(self.store, name, sha256))), None
            )
            self._books[name] = book
            if book is None:
                found += sorted({mode for mode in labelled if mode[0] == name})
                self.notes.append(f"the codebook {name} is not here: modes of it that nobody used are not listed.")
                continue
            found += [(name, mode.slug) for mode in book.modes]
            self.names |= {(name, mode.slug): label_of(mode) for mode in book.modes}
            if others := sorted(set(states) - {book.hash}):
                self.notes.append(self._note(book, others))
        return found

    def _note(self, book: Codebook, others: list[str]) -> str:
        changed = {
            slug
            for sha256 in others
            for slug in {mode.slug for mode in book.modes} - (self._same(book, sha256) or set())
        }
        what = ", ".join(sorted(changed)[:8]) or "none of them in what it means"
        return (
            f"the codebook {book.id} changed while it was used ({len(others) + 1} states). Judgements by an earlier"
            f" state count for the modes that stayed as they were; changed or new: {what}."
        )

    def _same(self, book: Codebook, sha256: str) -> set[str] | None:
        """The modes of `book` that meant the same in the state of that hash; None if that state is not to be had."""
        old = kept_codebook(self.store, book.id, sha256)
        if old is None:
            return None
        change = diff(old, book)
        return {mode.slug for mode in book.modes} - {*change.added} - {*change.affected}

    def judged(self, spec: Any) -> set[tuple[str, str]]:
        """The modes that a decision of this kind judges."""
        found: set[tuple[str, str]] = set()
        for name, sha256, only in spec:
            book = self._books.get(name)
            if book is None:
                labelled = {slug for owner, slug in self._labelled if owner == name}
                found |= {(name, slug) for slug in (labelled if only is None else only)}
                continue
            slugs = {mode.slug for mode in book.modes}
            if sha256 != book.hash:
                same = self._same(book, sha256)
                slugs = slugs if same is None else same  # not kept: nobody can tell, so it is taken at its word
            found |= {(name, slug) for slug in slugs if only is None or slug in only}
        return found


def label_of(mode: Mode) -> str:
    """Code and name as people read them."""
    return mode.label


__all__ = ["ROOT", "SURE", "VERDICTS", "Options", "Votes", "Wording", "load"]
