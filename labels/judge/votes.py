"""Votes: which modes are asked for more than once, and what a majority holds.

With three votes, a mode that is fatal by its codebook, or about which the first answer is not sure, is asked for twice
more; what two of three answers support with verified quotes holds. All other modes rest on one answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from labels.judge.answer import Answer
from labels.judge.prompt import Group
from labels.judge.verify import Verified

#: A claim that the model is less sure of than this is put to the vote.
SURE = 0.7


@dataclass(frozen=True, slots=True)
class Vote:
    """One answer and, mode by mode, those of its claims that were verified."""

    answer: Answer
    verified: Mapping[str, tuple[Verified, ...]]


@dataclass(frozen=True, slots=True)
class Held:
    """A claim that holds. codebook: id. window: number of the window it was made on. score: 0 to 1. yes, of: votes."""

    codebook: str
    claim: Verified
    window: int
    score: float
    unsure: bool
    yes: int
    of: int


def contested(group: Group, answer: Answer) -> list[str]:
    """Slugs of the modes that are put to the vote: fatal ones, and those on which the answer is not sure."""
    unsure = {
        item.mode
        for item in answer.modes
        if item.verdict == "unsure" or any(claim.confidence < SURE for claim in item.claims if item.verdict != "no")
    }
    return [mode.slug for mode in group.modes if mode.severity.level == "fatal" or mode.slug in unsure]


def count(group: Group, cast: Sequence[Vote], window: int, dropped: Counter[str]) -> list[Held]:
    """What holds after all votes. dropped: counts what does not."""
    held: list[Held] = []
    for mode in group.modes:
        votes = [vote for vote in cast if any(item.mode == mode.slug for item in vote.answer.modes)]
        said = [item for vote in votes for item in vote.answer.modes if item.mode == mode.slug]
        dropped["claimed, and denied by its own verdict"] += sum(
            len(item.claims) for item in said if item.verdict == "no"
        )
        backed = [claims for vote in votes if (claims := vote.verified.get(mode.slug))]
        if not backed:
            continue
        if len(backed) * 2 <= len(votes):
            dropped["outvoted"] += sum(map(len, backed))
            continue
        best = max(backed, key=lambda claims: max(claim.confidence for claim in claims))
        share = len(backed) / len(votes)
        unsure = any(item.verdict == "unsure" for item in said)
        held += [
            Held(group.book.id, claim, window, round(claim.confidence * share, 4), unsure, len(backed), len(votes))
            for claim in best
        ]
    dropped += Counter()  # forget what counts zero
    return held
