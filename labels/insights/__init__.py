"""What fails, how, for whom: failure profiles of reviewed runs, beside published ones.

`build(store, codebooks, scope)` computes it all; `labels.insights.figures` says what comes out. Nothing here is
imported before it is asked for: numpy is not on the way to the first frame.
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
    from labels.insights.whole import build as build_all

    return build_all(store, codebooks, scope or Scope(), progress, hidden)


__all__ = ["Scope", "Span", "build", "where"]
