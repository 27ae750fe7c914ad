"""What fails, how, for whom: failure profiles of reviewed runs, beside published ones.

`build(store, codebooks, scope)` computes it all; `labels.insights.figures` says what comes out. Nothing here is
imported before it is asked for: numpy is not on the way to the first frame.

    scope       which runs, and whose labels
    reading     a package of its own: from the database to what is so of each run
    intervals   shares, means, medians and tests, with their intervals
    shares      by mode, category and group
    pairs       modes that occur together
    lift        which modes are fatal here, with the published list as the prior
    cascades    which label follows from which
    course      where in a run failures begin, and what the run spent after that
    prevented   what review really prevented
    published   figures of others to show beside ours
    profiles    all of these, codebook by codebook
    remarks     what one must know to read the figures, and what is missing
    figures     the shape of the result
    compare     two groups of runs side by side
    fail_if     thresholds for pipelines
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from labels.insights.scope import Scope, Span, where

if TYPE_CHECKING:
    from labels.codebook import Codebooks
    from labels.insights.figures import Insights
    from sessions.store import Store


def build(
    store: Store,
    codebooks: Codebooks,
    scope: Scope | None = None,
    progress: Callable[[int, int], None] | None = None,
    hidden: frozenset[str] = frozenset(),
) -> Insights:
    """All figures about the runs of a scope. codebooks: those in use; a codebook's present state is the one that
    counts. progress: told how many runs' decisions have been read, of how many, the first time. hidden: runs whose
    votes do not count, because whoever looks is still to judge them blind (`labels.labelled.unfinished`)."""
    from labels.insights.profiles import build as build_all

    return build_all(store, codebooks, scope or Scope(), progress, hidden)


__all__ = ["Scope", "Span", "build", "where"]
