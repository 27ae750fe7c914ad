"""Suggestions as they are compared with truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labels.scoring.truth import Claim, Passage, Span

if TYPE_CHECKING:
    from labels.suggestions import Suggestion
    from labels.views import SuggestionView


def of_view(item: SuggestionView) -> Claim:
    """A suggestion that was kept in the database."""
    passages = tuple(Passage(at.index, at.part, at.start, at.end) for at in item.evidence)
    mode = f"{item.mode}@{item.codebook}"
    return Claim(item.detector, item.version, mode, Span(item.first, item.last), passages, item.score)


def of_suggestion(item: Suggestion) -> Claim:
    """A suggestion fresh from a detector."""
    passages = tuple(Passage(at.step.index, at.part, at.start, at.end) for at in item.evidence)
    mode = f"{item.mode}@{item.codebook.id}"
    return Claim(item.detector, item.version, mode, Span(item.first.index, item.last.index), passages, item.score)
