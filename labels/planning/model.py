"""The arithmetic of a task that is reviewed every few steps. Pure numbers: nothing heavy is imported here.

The model (docs/plan.md says it for users). A task has `steps` steps; each comes out right with probability `success`,
independently. They are cut into chunks of `chunk` steps, the last one may be shorter. After each a reviewer looks:

- of a wrong chunk the error is seen with probability `catch`; of a right one it is believed to be wrong with
  probability `false_alarm`. Either way the chunk is undone and done again, up to `retries` times; the alarm after that
  ends the task (given up).
- an error that was missed spoils all that follows. Each later review still sees it with probability `late_catch`; then
  the task goes back to the chunk in which it arose, as one of that chunk's retries. If nobody sees it, the task ends
  wrong and unnoticed.

With a, b, d the probabilities that one attempt at a chunk passes right, goes back, or ends in an unnoticed wrong result
(a + b + d = 1), n = retries + 1 attempts give geometric sums, so everything here is exact and nothing is simulated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from labels.planning.quick import CATCH, RETRIES
from sessions.errors import UsageError

#: The longest task that is calculated, in steps: beyond it, trying all sizes of chunk would keep the caller waiting.
MOST_STEPS = 10_000
MOST_RETRIES = 1_000_000
#: A chunk that is reached less often than this does not change any figure.
_NEGLIGIBLE = 1e-18


@dataclass(frozen=True)
class Costs:
    """In any one unit, such as minutes. step: to do a step. review: of one review, however short. read: to read one
    step in a review. wrong: the damage of a task that ends wrong and unnoticed."""

    step: float = 1.0
    review: float = 1.0
    read: float = 0.0
    wrong: float = 0.0


@dataclass(frozen=True)
class Plan:
    """steps, chunk: counts. success, catch, late_catch, false_alarm: probabilities. retries: per chunk, None for
    without limit. Raises UsageError where a figure makes no sense."""

    steps: int = 20
    success: float = 0.95
    chunk: int = 5
    catch: float = CATCH
    late_catch: float = 0.0
    false_alarm: float = 0.0
    retries: int | None = RETRIES
    costs: Costs = Costs()

    def __post_init__(self) -> None:
        _whole("steps", self.steps, 1, MOST_STEPS)
        _whole("chunk", self.chunk, 1, MOST_STEPS)
        if self.retries is not None:
            _whole("retries", self.retries, 0, MOST_RETRIES)
        for name in ("success", "catch", "late_catch", "false_alarm"):
            value = getattr(self, name)
            if not 0 <= value <= 1:  # also refuses what is no number
                raise UsageError(f"{_word(name)} must be from 0 to 1, not {value:g}.", "Write 0.95 or 95%.")
        for name in ("step", "review", "read", "wrong"):
            value = getattr(self.costs, name)
            if not 0 <= value < math.inf:
                raise UsageError(f"a cost must be a number from 0 on, not {value:g} ({name}).")

    @property
    def sizes(self) -> list[int]:
        """The steps of each chunk, in order; the last one has what is left."""
        whole, rest = divmod(self.steps, self.chunk)
        return [self.chunk] * whole + ([rest] if rest else [])

    def with_chunk(self, chunk: int) -> Plan:
        return replace(self, chunk=chunk)


@dataclass(frozen=True)
class Outcome:
    """right, wrong, given_up, endless: how often a task ends so; they sum to 1 (endless: retried for ever).
    steps, reviews, read: expected counts, steps that are done again included (read: steps read in reviews); infinite
    where the task may go on for ever. cost: expected, all of it. cost_per_right: for each right result, where a task
    that failed is begun anew; infinite where none ever succeeds."""

    right: float
    wrong: float
    given_up: float
    endless: float
    steps: float
    reviews: float
    read: float
    cost: float

    @property
    def cost_per_right(self) -> float:
        return self.cost / self.right if self.right > 0 else math.inf


def without_review(plan: Plan) -> Outcome:
    """The task done in one go, with nobody looking."""
    right = plan.success**plan.steps
    cost = plan.steps * plan.costs.step + (1 - right) * plan.costs.wrong
    return Outcome(right, 1 - right, 0.0, 0.0, float(plan.steps), 0.0, 0.0, cost)


def success_per_chunk(plan: Plan) -> float:
    """The chance that all steps of one (full) chunk come out right at the first attempt."""
    return plan.success ** min(plan.chunk, plan.steps)


def with_review(plan: Plan) -> Outcome:
    """The task reviewed after every chunk. Exact; the work is one pass over the chunks."""
    sizes = plan.sizes
    reached, wrong, given_up, endless = 1.0, 0.0, 0.0, 0.0
    steps = reviews = 0.0
    known: dict[tuple[int, int], _Attempt] = {}
    for place, size in enumerate(sizes):
        if reached < _NEGLIGIBLE:
            break
        later = len(sizes) - 1 - place
        key = size, later if plan.late_catch else 0
        attempt = known.get(key) or known.setdefault(key, _attempt(plan, size, key[1]))
        if math.isinf(attempt.tries):
            # Nothing ever passes and nothing ever ends: whatever comes after this chunk is never reached.
            steps = reviews = math.inf
            endless, reached = reached, 0.0
            break
        tail_steps, tail_reviews = _tail(plan, sizes, later)
        here = reached * attempt.tries
        steps += here * (size + attempt.missed * tail_steps)
        reviews += here * (1 + attempt.missed * tail_reviews)
        wrong += here * attempt.unnoticed
        given_up += reached * attempt.exhausted
        reached = here * attempt.passes
    costs = plan.costs  # every step that is done is read once, in the review at its chunk's end
    cost = _times(steps, costs.step + costs.read) + _times(reviews, costs.review) + wrong * costs.wrong
    return Outcome(reached, wrong, given_up, endless, steps, reviews, steps, cost)


def _tail(plan: Plan, sizes: list[int], later: int) -> tuple[float, float]:
    """Steps and reviews that still follow, on average, after an error was missed with `later` chunks to come: until a
    review sees it, or to the end."""
    if not later:
        return 0.0, 0.0
    late, full = plan.late_catch, later - 1
    if late in (0, 1):
        whole = float(full) if late == 0 else min(1.0, full)
    else:
        whole = -math.expm1(full * math.log1p(-late)) / late  # the sum of (1 - late)^i over the full chunks
    last = (1 - late) ** full
    return whole * plan.chunk + last * sizes[-1], whole + last


@dataclass(frozen=True)
class _Attempt:
    """One attempt at a chunk. missed: it is wrong and its own review lets it through. passes: it is right and let
    through. unnoticed: it is wrong and nobody ever sees it. tries: how many attempts there are on average. exhausted:
    the chance that all that are allowed go back."""

    missed: float
    passes: float
    unnoticed: float
    tries: float
    exhausted: float


def _attempt(plan: Plan, size: int, later: int) -> _Attempt:
    """later: reviews that come after this chunk's own, in which an error could still be seen."""
    right = plan.success**size
    missed = (1 - right) * (1 - plan.catch)
    unnoticed = missed * (1 - plan.late_catch) ** later
    passes = right * (1 - plan.false_alarm)
    ends = passes + unnoticed
    if plan.retries is None:
        return _Attempt(missed, passes, unnoticed, 1 / ends if ends > 0 else math.inf, 0.0)
    if ends >= 1:
        return _Attempt(missed, passes, unnoticed, 1.0, 0.0)
    most = plan.retries + 1
    if ends <= 0:
        return _Attempt(missed, passes, unnoticed, float(most), 1.0)
    # With back = 1 - ends: 1 + back + back² + … = (1 - back^most) / ends, exact also where back is all but 1.
    power = most * math.log1p(-ends)
    return _Attempt(missed, passes, unnoticed, -math.expm1(power) / ends, math.exp(power))


def _times(count: float, price: float) -> float:
    """A count that may be infinite times a price that may be nothing."""
    return 0.0 if price == 0 else count * price


def _word(name: str) -> str:
    return {
        "success": "the success of a step", "catch": "the catch rate", "late_catch": "the late catch rate",
        "false_alarm": "the false alarm rate", "steps": "the number of steps", "chunk": "the size of a chunk",
        "retries": "the number of retries",
    }[name]  # fmt: skip


def _whole(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise UsageError(f"{_word(name)} must be from {least:,} to {most:,}, not {value:,}.")
