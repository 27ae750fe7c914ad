"""What a screen asks at its first frame and at every key: one chance, without the classes of `labels.planning.model`,
whose making takes longer than the arithmetic."""

from __future__ import annotations

#: The prior on the success of a step: worth twenty steps, nineteen of them right. Its mean is the 95 % that the
#: product's figures start from.
PRIOR_RIGHT, PRIOR_WRONG = 19.0, 1.0
PRIOR_SUCCESS = PRIOR_RIGHT / (PRIOR_RIGHT + PRIOR_WRONG)
#: How well reviewers see errors, and how often a chunk is done again, where nobody says otherwise.
CATCH, RETRIES = 0.9, 2


def ends_right(steps: int, success: float, chunk: int, catch: float = CATCH, retries: int = RETRIES) -> float:
    """The chance that a task ends right with a review after every `chunk` steps: `with_review(plan).right` of the plan
    with these figures, without late catches and false alarms."""
    whole, rest = divmod(steps, chunk)
    right = _passes(success**chunk, catch, retries) ** whole if whole else 1.0
    return float(right * (_passes(success**rest, catch, retries) if rest else 1.0))


def _passes(right: float, catch: float, retries: int) -> float:
    """The chance that a chunk passes right in the end. right: at one attempt."""
    back = (1 - right) * catch
    return right * (1 - back ** (retries + 1)) / (1 - back) if back < 1 else 0.0
