"""The votes that agreement is computed from, in arrays: who judged which unit by what, and what they found there.

A unit is a chunk of a run, or the whole run. A vote is a reviewer's finished decision on it (or an outside
annotator's); what a policy decided is none. A mode is judged where its codebook was judged and the mode was in it, in
the same words; else it is missing, not absent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from labels.agreement.reading import Reading
from labels.agreement.wording import Wording
from labels.codebook import Codebooks
from labels.ledger import BLIND_SUGGESTIONS, BLIND_VOTES, ROOT, SURE, adopt, fill_judgements
from sessions.store import Store

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
#: Of more runs than these, groups of neighbours are drawn for intervals: as independent as runs are, and much faster.
_MOST_GROUPS = 1_000


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
    """units: (run, chunk) of each unit; cluster: the number of its run; group: that of the runs it is drawn with, of
    `groups`. raters: names. Of each vote: unit, rater, spec (what it judges), verdict (place in VERDICTS, -1 for none).
    Of each label: vote, mode, first, last (step indices), flags, agent. modes: (codebook id, slug). judged: (specs,
    modes), whether a vote of that kind judges the mode."""

    units: list[tuple[str, str]]
    runs: list[str]
    cluster: Array
    group: Array
    groups: int
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


def load(store: Store, codebooks: Codebooks, options: Options | None = None) -> Votes:
    """Read the votes. codebooks: those in use; a codebook's present state is the one that counts."""
    options = options or Options()
    adopt(store)
    fill_judgements(store)
    with store.snapshot():
        reading = Reading(store, options.queue, options.same, _judge_of(options))
        reading.read()
        found = _votes(reading, Wording(store, codebooks), store)
    if options.same and reading.twice:
        found.left_out[TWICE] += reading.twice
    return _without_unjudged(found)


def _judge_of(options: Options) -> Callable[[str, str | None, str, int], str | None]:
    """Of (reviewer, verdict, how, blind) why a vote does not count: "" where there is nothing to say, None if it
    does."""

    def why_not(who: str, verdict: str | None, how: str, blind: int) -> str | None:
        if (options.only and who not in options.only) or who in options.without:
            return ""
        if how == "policy":
            return POLICY
        if how == "person" and verdict is None:
            return UNFINISHED
        if verdict == "abstain":
            return ABSTAINED
        if not (options.seen or blind & BLIND_VOTES):
            return SEEN
        return SUGGESTED if options.blind and not blind & BLIND_SUGGESTIONS else None

    return why_not


def _votes(reading: Reading, wording: Wording, store: Store) -> Votes:
    import numpy as np

    specs = [orjson.loads(text) for text in reading.specs]
    modes = wording.modes(specs, list(reading.modes))
    places = {mode: place for place, mode in enumerate(modes)}
    judged = np.array([[mode in said for mode in modes] for said in map(wording.judged, specs)], dtype=bool).reshape(
        len(specs), len(modes)
    )
    # Numbers must not depend on the order in which things came into this database: intervals are drawn by them.
    content = {row[0]: row[1] for row in store.query("SELECT id, content_id FROM run")}
    runs, run_places = _sorted(reading.runs, lambda run: content.get(run) or run)
    raters, rater_places = _sorted(reading.raters, str)
    verdict_places = np.array([VERDICTS.index(name) if name in VERDICTS else -1 for name in reading.verdicts] or [-1])
    renamed = np.array([places.get(mode, -1) for mode in reading.modes] or [-1], dtype=np.int64)
    cluster = run_places[np.array(reading.cluster, dtype=np.int64)]
    group, groups = _groups(len(runs))
    return Votes(
        reading.units, runs, cluster, group[cluster], groups, raters, reading.unit, rater_places[reading.rater],
        reading.spec, verdict_places[reading.verdict], modes, judged, reading.label_vote, renamed[reading.label_mode],
        reading.label_first, reading.label_last, reading.label_flags, reading.label_agent, wording.names,
        reading.left_out, wording.notes,
    )  # fmt: skip


def _sorted(of: Mapping[str, int], key: Callable[[str], str]) -> tuple[list[str], Array]:
    """The values in the order of a key, and for each number that a value had its place there."""
    import numpy as np

    found = sorted(of, key=key)
    places = np.zeros(len(found) or 1, dtype=np.int64)
    for place, value in enumerate(found):
        places[of[value]] = place
    return found, places


def _groups(runs: int) -> tuple[Array, int]:
    """The group of each run, and how many groups there are."""
    import numpy as np

    count = min(runs, _MOST_GROUPS)
    starts = np.arange(count) * runs // max(1, count)
    return np.searchsorted(starts, np.arange(runs or 1), side="right") - 1, count


def _without_unjudged(votes: Votes) -> Votes:
    """Labels of modes that do not count there (worded otherwise then, or gone) go; unsure ones stay, as missing."""
    if not len(votes.label_vote):
        return votes
    known = votes.label_mode >= 0
    known[known] = votes.judged[votes.spec[votes.label_vote[known]], votes.label_mode[known]]
    votes.left_out[REWORDED] += int((~known).sum())
    votes.left_out[UNSURE] += int((known & (votes.label_flags & SURE == 0)).sum())
    if not known.all():
        for name in ("label_vote", "label_mode", "label_first", "label_last", "label_flags"):
            setattr(votes, name, getattr(votes, name)[known])
        votes.label_agent = [agent for agent, keep in zip(votes.label_agent, known, strict=True) if keep]
    return votes


__all__ = ["ROOT", "SURE", "VERDICTS", "Options", "Votes", "load"]
