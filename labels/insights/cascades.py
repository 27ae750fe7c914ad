"""Cascades: labels that say which other label they follow from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labels.insights.figures import Cascades, Link, Start
from labels.insights.reading import packed as at
from labels.insights.reading.settled import Values

if TYPE_CHECKING:
    from labels.insights.intervals import Array

#: A chain of causes longer than 2 to this is one that goes round in a circle.
_DOUBLINGS = 20


def cascades(values: Values, wanted: Array, codebook: str) -> Cascades:
    """What starts cascades and what follows, by a codebook: links whose consequence is a mode of it. wanted: of each
    run, whether it counts. A mode of another codebook is named `slug@codebook`.

    Labels of several people that say the same of the same steps are one link.
    """
    import numpy as np

    labels = values.labels
    mine = np.array([owner == codebook for owner, _ in values.modes], dtype=bool)
    counts = values.positive & wanted[values.label_run]
    cause = labels[:, at.CAUSE].astype(np.int64)
    here = counts & mine[values.label_mode] if len(values.modes) else counts
    linked = np.flatnonzero(here & (cause >= 0))
    linked = linked[counts[cause[linked]]]
    loose = int((here & (cause == at.ELSEWHERE)).sum()) + int((here & (cause >= 0)).sum()) - len(linked)
    if not len(linked):
        return Cascades(0, (), _starts(values, here, np.zeros(0, dtype=np.int64), cause, codebook), loose)
    links = _links(values, linked, cause[linked], codebook)
    runs = len(np.unique(values.label_run[linked]))
    return Cascades(runs, links, _starts(values, here, linked, cause, codebook), loose)


def _name(values: Values, mode: int, codebook: str) -> str:
    owner, slug = values.modes[mode]
    return slug if owner == codebook else f"{slug}@{owner}"


def _links(values: Values, effect: Array, cause: Array, codebook: str) -> tuple[Link, ...]:
    import numpy as np

    first = values.labels[:, at.LABEL_FIRST]
    table = np.stack(
        [values.label_mode[cause], values.label_mode[effect], values.label_run[effect], first[cause], first[effect]],
        axis=1,
    ).astype(np.int64)
    table = np.unique(table, axis=0)
    found = []
    for pair in np.unique(table[:, :2], axis=0):
        rows = table[(table[:, 0] == pair[0]) & (table[:, 1] == pair[1])]
        steps = rows[:, 4] - rows[:, 3]
        low, middle, high = (float(value) for value in np.quantile(steps, [0.25, 0.5, 0.75]))
        found.append(
            Link(
                _name(values, int(pair[0]), codebook), _name(values, int(pair[1]), codebook), len(rows),
                len(np.unique(rows[:, 2])), middle, low, high,
            )
        )  # fmt: skip
    return tuple(sorted(found, key=lambda link: (-link.runs, -link.links, link.cause, link.effect)))


def _starts(values: Values, here: Array, linked: Array, cause: Array, codebook: str) -> tuple[Start, ...]:
    """Roots: labels marked as root cause, or that others follow from and that follow from nothing."""
    import numpy as np

    size = len(values.labels)
    parent = np.arange(size)
    parent[linked] = cause[linked]
    is_cause = np.zeros(size, dtype=bool)
    is_cause[cause[linked]] = True
    marked = values.labels[:, at.LABEL_BITS] & at.ROOT > 0
    follows = np.zeros(size, dtype=bool)
    follows[linked] = True
    root = ((here & marked) | is_cause) & ~follows
    for _ in range(_DOUBLINGS):
        further = parent[parent]
        if (further == parent).all():
            break
        parent = further
    reach = np.bincount(parent[linked], minlength=size) if len(linked) else np.zeros(size, dtype=np.int64)
    found = []
    for mode in np.unique(values.label_mode[root | follows]).tolist():
        mine = values.label_mode == mode
        starting = np.flatnonzero(root & mine)
        starts = len(np.unique(values.label_run[starting]))
        following = len(np.unique(values.label_run[follows & mine]))
        mean = float(reach[starting].mean()) if len(starting) else 0.0
        found.append(Start(_name(values, mode, codebook), starts, following, mean))
    return tuple(sorted(found, key=lambda start: (-start.starts, -start.follows, start.mode)))
