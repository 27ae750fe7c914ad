"""Where people disagree on the root cause of a run: each says that one is there, by whatever codebook, and not at the
same step.

Votes on modes cannot show that. By one codebook all say that its mode is present; by two, each is alone with its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from labels.gold.books import Books
from labels.gold.settle import Row
from labels.gold.standing import standing

APART = "root causes differ"


def apart(unit: Row, labels: Sequence[Row], rulings: Iterable[Row], books: Books) -> tuple[str, str, list[str]] | None:
    """(codebook, mode, annotators) where at least two annotators of a whole run put its root cause at different steps;
    None where not, or where an adjudicator has settled one of the modes that they call it.

    The mode is that of the codebook that asks for the least: a ruling on "decisive error" says where, and nothing else.
    An annotator's root cause is the first step of the label that is marked so, of several the earliest.
    """
    if unit["scope"] != "run":
        return None
    roots = [
        label
        for label in labels
        if label["unit_id"] == unit["id"]
        and label["root_cause"]
        and label["sure"]
        and label["mode"] in books.slugs.get(label["codebook"]["id"], ())
    ]
    steps: dict[str, int] = {}
    for label in roots:
        index = label["first"]["step_index"]
        steps[label["annotator"]] = min(index, steps.get(label["annotator"], index))
    if len(set(steps.values())) < 2:
        return None
    modes = {(label["codebook"]["id"], label["mode"]) for label in roots}
    if modes & standing([row for row in rulings if row["unit"]["id"] == unit["id"]]).keys():
        return None
    book, mode = min(modes, key=lambda key: (len(books.slugs[key[0]]), key))
    return book, mode, sorted(steps)
