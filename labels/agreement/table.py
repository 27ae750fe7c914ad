"""One mode's judgements as numbers, and sums of them by groups of runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from labels.agreement.votes import SURE, Votes

if TYPE_CHECKING:
    from labels.agreement.statistics import Array


def values(votes: Votes, mode: int) -> Array:
    """For each vote 1 (the mode is there), 0 (it is not) or -1 (not judged, or no more than suspected)."""
    import numpy as np

    said: Array = np.where(votes.judged[votes.spec, mode], 0, -1).astype(np.int8)
    mine = votes.label_mode == mode
    sure = votes.label_flags & SURE != 0
    said[votes.label_vote[mine & ~sure]] = -1
    said[votes.label_vote[mine & sure]] = 1
    return said


def how_many(found: Array) -> int:
    """How many of these are true, or not 0."""
    import numpy as np

    return int(np.count_nonzero(found))


def per_unit(votes: Votes, said: Array) -> tuple[Array, Array]:
    """How many judged each unit, and how many of them said yes."""
    import numpy as np

    number = len(votes.units)
    judged = np.bincount(votes.unit[said >= 0], minlength=number)
    yes = np.bincount(votes.unit[said == 1], minlength=number)
    return judged, yes


@dataclass(frozen=True, slots=True)
class Judged:
    """What was said of one mode. said: as `values` gives it. judged, yes: of each unit, how many judged it, and how
    many of them said yes. tables: as `Pairs.tables` gives them."""

    said: Array
    judged: Array
    yes: Array
    tables: Array


def all_judged(votes: Votes, pairs: Pairs) -> list[Judged]:
    """Every mode, in their order."""
    found = []
    for mode in range(len(votes.modes)):
        said = values(votes, mode)
        found.append(Judged(said, *per_unit(votes, said), pairs.tables(said)))
    return found


class Pairs:
    """The pairs of raters that share units. first, second: for each pair the votes on shared units; group: of the runs
    of each. names: of the raters."""

    def __init__(self, votes: Votes, *, most: int = 60, most_drawn: int = 10) -> None:
        """most: raters beyond which there are too many pairs to go through. most_drawn: pairs beyond which nothing is
        kept by group, for intervals."""
        import numpy as np

        self.names: list[tuple[int, int]] = []
        self.first: list[Array] = []
        self.second: list[Array] = []
        self.group: list[Array] = []
        self.too_many = len(votes.raters) > most
        self.drawn = False
        self._groups = votes.groups
        if self.too_many:
            return
        where = np.full((len(votes.raters), len(votes.units)), -1, dtype=np.int32)
        where[votes.rater, votes.unit] = np.arange(len(votes.unit))
        for one in range(len(votes.raters)):
            for two in range(one + 1, len(votes.raters)):
                shared = np.flatnonzero((where[one] >= 0) & (where[two] >= 0))
                if len(shared):
                    self.names.append((one, two))
                    self.first.append(where[one, shared])
                    self.second.append(where[two, shared])
                    self.group.append(votes.group[shared])
        self.drawn = 0 < len(self.names) <= most_drawn

    def tables(self, said: Array) -> Array:
        """Counts of no-no, no-yes, yes-no, yes-yes: shape (groups, pairs, 4), or (1, pairs, 4) where nothing is drawn
        by group."""
        import numpy as np

        groups = self._groups if self.drawn else 1
        found = np.zeros((groups, len(self.names), 4))
        for place, (one, two, group) in enumerate(zip(self.first, self.second, self.group, strict=True)):
            a, b = said[one], said[two]
            both = (a >= 0) & (b >= 0)
            cell = 2 * a + b
            if self.drawn:
                cell = group * 4 + cell
            if not both.all():
                cell = cell[both]
            found[:, place] = np.bincount(cell, minlength=4 * groups).reshape(groups, 4)
        return found
