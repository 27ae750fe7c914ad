"""Tokens and money: what a request will take, what was spent, and where to stop.

Before sending there is only an estimate: one token for four ASCII characters, one for each other character. Afterwards
the endpoint's own count holds, and estimates to come are raised by what it was off.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from labels.judge.config import JudgeConfig
from sessions.errors import UserError

#: Tokens that a chat format puts around each message.
PER_MESSAGE = 4
#: What an answer on one group of modes takes as a rule: for the estimate; the cap reckons with the most it may take.
USUAL_ANSWER = 600


def estimate_tokens(text: str) -> int:
    """Tokens of a text, roughly: tokenizers differ by a third and more."""
    if text.isascii():
        return -(-len(text) // 4)
    ascii_chars = len(text.encode("ascii", "ignore"))
    return -(-ascii_chars // 4) + len(text) - ascii_chars


class CapReached(UserError):
    """The next request could cost more than is allowed. Nothing was sent for it. whole: the cap of the whole call, not
    that of one run."""

    def __init__(self, message: str, *, whole: bool) -> None:
        super().__init__(message, "What was answered is kept: raise the cap and call again, only the rest is sent.")
        self.whole = whole


@dataclass(slots=True)
class Spent:
    """What was used so far. guessed: tokens of requests whose use the endpoint did not tell (or that were given up:
    they may have been billed)."""

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    guessed: int = 0

    @property
    def tokens(self) -> int:
        return self.tokens_in + self.tokens_out

    def add(self, tokens_in: int, tokens_out: int, *, guessed: bool = False) -> None:
        self.calls += 1
        self.tokens_in += tokens_in
        self.tokens_out += tokens_out
        self.guessed += (tokens_in + tokens_out) if guessed else 0


@dataclass(slots=True)
class Budget:
    """What one call of the command may spend, over all runs and on each."""

    config: JudgeConfig
    total: Spent = field(default_factory=Spent)
    run: Spent = field(default_factory=Spent)
    #: How far the endpoint's counts were above the estimates, at most.
    factor: float = 1.0

    def next_run(self) -> None:
        self.run = Spent()

    def admit(self, estimate: int, max_output: int) -> None:
        """Raises CapReached unless a request with so many tokens, answered as long as it may be, stays in all caps."""
        tokens_in = round(estimate * self.factor)
        config = self.config
        for spent, usd, tokens, whole in (
            (self.run, config.run_cap_usd, config.run_cap_tokens, False),
            (self.total, config.cap_usd, config.cap_tokens, True),
        ):
            whose = "for this call" if whole else "for a run"
            if tokens is not None and spent.tokens + tokens_in + max_output > tokens:
                raise CapReached(
                    f"stopped at the cap of {tokens:,} tokens {whose}: {spent.tokens:,} used, and the next request"
                    f" may take {tokens_in + max_output:,}.",
                    whole=whole,
                )
            cost = config.cost(spent.tokens_in + tokens_in, spent.tokens_out + max_output)
            if usd is not None and cost is not None and cost > usd:
                used = config.cost(spent.tokens_in, spent.tokens_out) or 0.0
                raise CapReached(
                    f"stopped at the cap of {dollars(usd)} {whose}: {dollars(used)} used, and the next request may"
                    f" take {dollars(cost - used)}.",
                    whole=whole,
                )

    def add(self, estimate: int, tokens_in: int | None, tokens_out: int | None, answer: str) -> None:
        """Count an answered request. tokens_in, tokens_out: as the endpoint says, None where it says nothing."""
        guessed = tokens_in is None or tokens_out is None
        read = estimate if tokens_in is None else tokens_in
        written = estimate_tokens(answer) if tokens_out is None else tokens_out
        if tokens_in is not None and estimate:
            self.factor = max(self.factor, tokens_in / estimate)
        for spent in (self.run, self.total):
            spent.add(read, written, guessed=guessed)

    def lose(self, estimate: int, max_output: int) -> None:
        """Count a request that was sent and given up on: it may have been billed. Raises CapReached where it may not be
        tried once more."""
        for spent in (self.run, self.total):
            spent.add(estimate, 0, guessed=True)
        self.admit(estimate, max_output)

    @property
    def usd(self) -> float | None:
        return self.config.cost(self.total.tokens_in, self.total.tokens_out)


def dollars(amount: float | None) -> str:
    """`$0.0123`: cents alone would round a request to nothing."""
    if amount is None:
        return "price unknown"
    return f"${amount:.4f}" if amount < 1 else f"${amount:,.2f}"
