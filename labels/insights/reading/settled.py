"""From votes to what is so of each run: present, absent or unknown, mode by mode.

Votes on a unit (a chunk, or the whole run) are settled by the same rules as gold (`labels.gold.settle`), here for all
units at once. A run then has a mode where any unit has it; it has not where every step was judged, or the run as a
whole, and no unit has it; else it is unknown. This is the shape of a gold release (`labels.gold.settle.summary`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from labels.agreement.votes import REWORDED
from labels.agreement.wording import Wording
from labels.codebook import Codebooks
from labels.gold.rule import Rule
from labels.insights.reading import packed as at
from labels.insights.reading.counted import Columns, Units, distinct
from labels.insights.reading.rulings import Ruled
from sessions.store import Store

if TYPE_CHECKING:
    from labels.insights.intervals import Array

#: Values of a mode in a unit or a run.
ABSENT, PRESENT, UNKNOWN = 0, 1, -1


@dataclass(slots=True)
class Values:
    """modes: (codebook, slug). names: of them. run: (runs, modes) of PRESENT, ABSENT or UNKNOWN. full: (runs, modes),
    whether every step was judged for the mode. first: (runs, modes), index of the step at which the mode first is, -1
    where it is not or has no place. people: of each run, how many judged anything. outside: judged by outsiders only.
    adjudicated: a ruling counts in it. unsettled: (unit, mode) that the rule does not settle. positive: of each label
    that counts, whether its mode is present in its unit. label_mode: place in `modes`. notes: about codebooks."""

    modes: list[tuple[str, str]]
    names: Mapping[tuple[str, str], str]
    run: Array
    full: Array
    first: Array
    people: Array
    outside: Array
    adjudicated: Array
    unsettled: int
    labels: Array
    label_mode: Array
    positive: Array
    label_run: Array
    notes: list[str]


def values(store: Store, codebooks: Codebooks, found: Columns, steps: Array, rule: Rule, ruled: Ruled) -> Values:
    """steps: of each run in `found.runs`. ruled: what adjudicators settled."""
    import numpy as np

    wording = Wording(store, codebooks)
    used = distinct(found.votes[:, at.SPEC], len(found.strings))
    spec = np.searchsorted(used, found.votes[:, at.SPEC])
    specs = [orjson.loads(found.strings[number][1:]) for number in used.tolist()]
    labelled = {
        number: _mode_of(found.strings[number])
        for number in distinct(found.labels[:, at.MODE], len(found.strings)).tolist()
    }
    modes = wording.modes(specs, list(labelled.values()))
    judged = np.array([[mode in said for mode in modes] for said in map(wording.judged, specs)], dtype=bool)
    judged = judged.reshape(len(specs), len(modes))
    labels, label_mode = _known_labels(found, modes, labelled, judged, spec)
    present, absent = _counts(found, labels, label_mode, judged, spec)
    value = _decide(rule, present, absent)
    unsettled = int(((value == UNKNOWN) & (present + absent > 0)).sum())
    placed = ruled.apply(value, found.units.run, {mode: place for place, mode in enumerate(modes)})
    run, full = _runs(value, found.units, steps, len(found.runs))
    unit = found.votes[labels[:, at.VOTE], at.UNIT]
    positive = (value[unit, label_mode] == PRESENT) & (labels[:, at.LABEL_BITS] & at.SURE > 0)
    label_run = found.run[labels[:, at.VOTE]]
    first = _first(labels, label_mode, label_run, positive, run.shape)
    for place, mode, step in placed:
        if first[place, mode] < 0:
            first[place, mode] = step
    people, outside = _people(found, judged, spec)
    adjudicated = np.zeros(len(found.runs), dtype=bool)
    adjudicated[sorted(ruled.runs)] = True
    return Values(
        modes, wording.names, run, full, first, people, outside, adjudicated, unsettled, labels, label_mode, positive,
        label_run, wording.notes,
    )  # fmt: skip


def _mode_of(string: str) -> tuple[str, str]:
    book, _, slug = string[1:].partition(" ")
    return book, slug


def _known_labels(
    found: Columns, modes: list[tuple[str, str]], labelled: Mapping[int, tuple[str, str]], judged: Array, spec: Array
) -> tuple[Array, Array]:
    """Labels of modes that their vote judges, and the places of those modes. CAUSE goes on meaning rows of
    `found.labels`: see `cascades`."""
    import numpy as np

    places = {mode: place for place, mode in enumerate(modes)}
    table = np.full(max(labelled, default=0) + 1, -1, dtype=np.int64)
    for number, key in labelled.items():
        table[number] = places.get(key, -1)
    mode: Array = table[found.labels[:, at.MODE]]
    known = mode >= 0
    known[known] = judged[spec[found.labels[known, at.VOTE]], mode[known]]
    found.left_out[REWORDED] += int((~known).sum())
    return _relinked(found.labels, known), mode[known]


def _relinked(labels: Array, keep: Array) -> Array:
    """The labels that stay, with CAUSE as rows among these."""
    import numpy as np

    if keep.all():
        return labels
    place = np.cumsum(keep) - 1
    left = labels[keep]
    linked = np.flatnonzero(left[:, at.CAUSE] >= 0)
    causes = left[linked, at.CAUSE]
    left[linked, at.CAUSE] = np.where(keep[causes], place[causes], at.ELSEWHERE)
    return left


def _counts(found: Columns, labels: Array, label_mode: Array, judged: Array, spec: Array) -> tuple[Array, Array]:
    """(units, modes): how many people say that the mode is there, and how many that it is not. Who is unsure says
    neither; and a mode that somebody labelled in a chunk is not absent from the run by the same person's word."""
    import numpy as np

    modes = judged.shape[1]
    vote = labels[:, at.VOTE].astype(np.int64)
    sure = labels[:, at.LABEL_BITS] & at.SURE > 0
    key = vote * modes + label_mode
    yes = np.zeros(len(found.votes) * modes, dtype=bool)
    yes[key[sure]] = True
    others = np.concatenate([key[~sure], _hidden(found, labels, label_mode, judged, spec)])
    neither = np.unique(others[~yes[others]])
    unit = found.votes[:, at.UNIT].astype(np.int64)
    units = len(found.units)
    size = units * modes

    def by_unit(keys: Array) -> Array:
        return np.bincount(unit[keys // modes] * modes + keys % modes, minlength=size).reshape(units, modes)

    every = np.empty((units, modes), dtype=np.int64)
    patterns: dict[bytes, Array] = {}
    for mode in range(modes):
        pattern = judged[:, mode]
        key_of = pattern.tobytes()
        if key_of not in patterns:
            chosen = unit if pattern.all() else unit[pattern[spec]]
            patterns[key_of] = np.bincount(chosen, minlength=units)
        every[:, mode] = patterns[key_of]
    present = by_unit(np.flatnonzero(yes))
    return present, every - present - by_unit(neither)


def _hidden(found: Columns, labels: Array, label_mode: Array, judged: Array, spec: Array) -> Array:
    """(vote, mode) keys: votes on the whole run by somebody who labelled the mode in a chunk of it."""
    import numpy as np

    modes, bits = judged.shape[1], found.votes[:, at.BITS]
    whole = np.flatnonzero(bits & at.WHOLE > 0)
    in_chunks = bits[labels[:, at.VOTE]] & at.WHOLE == 0
    if not len(whole) or not in_chunks.any():
        return np.zeros(0, dtype=np.int64)
    people, who = _who(found)
    said = distinct(who[labels[in_chunks, at.VOTE]] * modes + label_mode[in_chunks], len(found.runs) * people * modes)
    vote, mode = np.nonzero(judged[spec[whole]])
    vote = whole[vote]
    keys: Array = vote.astype(np.int64) * modes + mode
    return keys[np.isin(who[vote] * modes + mode, said)]


def _decide(rule: Rule, present: Array, absent: Array) -> Array:
    """`Rule.decide` of every unit and mode: there are few different pairs of counts."""
    import numpy as np

    wide = int(absent.max(initial=0)) + 1
    pairs = present * wide + absent
    table = np.full(int(pairs.max(initial=0)) + 1, UNKNOWN, dtype=np.int8)
    for pair in np.unique(pairs).tolist():
        settled, _ = rule.decide(pair // wide, pair % wide)
        table[pair] = UNKNOWN if settled is None else int(settled)
    found: Array = table[pairs]
    return found


def _runs(value: Array, units: Units, steps: Array, runs: int) -> tuple[Array, Array]:
    """(runs, modes): value, and whether every step was judged."""
    import numpy as np

    modes = value.shape[1]
    order = np.lexsort((units.first, units.run))
    run, first, last = units.run[order], units.first[order], units.last[order]
    whole, value = units.whole[order], value[order]
    some = np.zeros((runs, modes), dtype=bool)
    full = np.zeros((runs, modes), dtype=bool)
    patterns: dict[bytes, Array] = {}
    for mode in range(modes):
        some[run[value[:, mode] == PRESENT], mode] = True
        known = value[:, mode] >= 0
        key = np.packbits(known).tobytes()
        if key not in patterns:
            patterns[key] = _covered(run[known], first[known], last[known], whole[known], steps, runs)
        full[:, mode] = patterns[key]
    found = np.where(some, PRESENT, np.where(full, ABSENT, UNKNOWN)).astype(np.int8)
    return found, full


def _covered(run: Array, first: Array, last: Array, whole: Array, steps: Array, runs: int) -> Array:
    """Of each run, whether these units, in the order of (run, first), leave no step of it out."""
    import numpy as np

    covered = np.zeros(runs, dtype=bool)
    covered[run[whole]] = True
    parts = ~whole
    run, first, last = run[parts], first[parts], last[parts]
    if not len(run):
        return covered
    # The furthest step so far, run by run: a step of the next run is further than all of this one.
    far = np.int64(1) << 32
    furthest = np.maximum.accumulate(run * far + last + 1) - run * far
    begins = np.concatenate([[True], run[1:] != run[:-1]])
    before = np.where(begins, 0, np.concatenate([[0], furthest[:-1]]))
    gaps = np.bincount(run[first > before], minlength=runs) > 0
    ends = np.concatenate([run[1:] != run[:-1], [True]])
    reached = np.zeros(runs, dtype=bool)
    reached[run[ends]] = furthest[ends] >= steps[run[ends]]
    found: Array = covered | (reached & ~gaps)
    return found


def _first(labels: Array, mode: Array, run: Array, positive: Array, shape: tuple[int, ...]) -> Array:
    """(runs, modes): the first step of the first label of the mode that has a place."""
    import numpy as np

    which = positive & (labels[:, at.LABEL_BITS] & at.PLACED > 0)
    nowhere = np.iinfo(np.int64).max
    found = np.full(shape[0] * shape[1], nowhere, dtype=np.int64)
    # One index and one type: twenty times as fast as with a pair of indices.
    np.minimum.at(found, run[which] * shape[1] + mode[which], labels[which, at.LABEL_FIRST].astype(np.int64))
    found[found == nowhere] = -1
    return found.reshape(shape)


def _who(found: Columns) -> tuple[int, Array]:
    """How many people there are, and of each vote the number of its run and person as one."""
    import numpy as np

    people = distinct(found.votes[:, at.REVIEWER], len(found.strings))
    number = max(1, len(people))
    return number, found.run.astype(np.int64) * number + np.searchsorted(people, found.votes[:, at.REVIEWER])


def _people(found: Columns, judged: Array, spec: Array) -> tuple[Array, Array]:
    """Of each run, how many people judged anything in it, and whether all of them are outsiders."""
    import numpy as np

    says: Array = np.any(judged, axis=1)[spec]
    runs = len(found.runs)
    number, who = _who(found)
    people = np.bincount(distinct(who[says], runs * number) // number, minlength=runs)
    own = np.bincount(found.run[says & (found.votes[:, at.BITS] & at.OUTSIDE == 0)], minlength=runs) > 0
    return people, (people > 0) & ~own


__all__ = ["ABSENT", "PRESENT", "UNKNOWN", "Values", "values"]
