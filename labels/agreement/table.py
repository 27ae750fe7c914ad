"""One mode's judgements as numbers, and sums of them by run."""

from __future__ import annotations

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


def per_unit(votes: Votes, said: Array) -> tuple[Array, Array]:
    """How many judged each unit, and how many of them said yes."""
    import numpy as np

    number = len(votes.units)
    judged = np.bincount(votes.unit[said >= 0], minlength=number)
    yes = np.bincount(votes.unit[said == 1], minlength=number)
    return judged, yes


class Pairs:
    """The pairs of raters that share units. first, second: for each pair the votes on shared units; cluster: the run
    of each. names: of the raters."""

    def __init__(self, votes: Votes, *, most: int = 60) -> None:
        """most: raters beyond which there are too many pairs to go through."""
        import numpy as np

        self.names: list[tuple[int, int]] = []
        self.first: list[Array] = []
        self.second: list[Array] = []
        self.cluster: list[Array] = []
        self.too_many = len(votes.raters) > most
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
                    self.cluster.append(votes.cluster[shared])

    def tables(self, said: Array, clusters: int) -> Array:
        """Counts of no-no, no-yes, yes-no, yes-yes: shape (clusters, pairs, 4)."""
        import numpy as np

        found = np.zeros((clusters, len(self.names), 4))
        for place, (one, two, cluster) in enumerate(zip(self.first, self.second, self.cluster, strict=True)):
            a, b = said[one], said[two]
            both = (a >= 0) & (b >= 0)
            cell = cluster[both] * 4 + 2 * a[both].astype(np.int64) + b[both]
            found[:, place] = np.bincount(cell, minlength=4 * clusters).reshape(clusters, 4)
        return found
