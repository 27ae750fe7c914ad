"""The whole result of `labels.insights.build`, as frozen dataclasses: screen, text, JSON and report read it.

    Insights
      .words             the scope in one line ("all runs", "system AG2, complete runs")
      .sources           which labels were used: how many runs rest on one person, on two or more, on adjudication
      .runs              how many runs: in scope, judged, failed, succeeded, of unknown outcome
      .failed            share of the runs with a known outcome that failed
      .recall            mean recall of the runs that carry one (IT-Bench)
      .profiles          one `Profile` for each codebook that was judged by, the one with most judged runs first
        .modes             `ModeRow`: share of runs, share of failures, among failed and successful runs, lift
        .categories        `CategoryRow`: the same two shares
        .per_failed        modes per failed run
        .groups            `Group` for each value of system, model, benchmark, domain, outcome
        .pairs             `Pair`: modes that occur together
        .cascades          what starts cascades, what follows, after how many steps
        .onset             where in the run failures begin
        .lost              time and tokens after the first failure
        .prevented         chunks rolled back, steps saved: all of it, and by mode
        .published         columns of published figures beside ours (the MAST codebook only)
      .missing           what cannot be said for want of something, and how to get it
      .notes             what one must know to read the figures

A share or mean is a `Figure`: value, 95 % interval, n and, for a share, how many (`count`). What is undefined is None
with a reason (`why`), never 0. `too_few` is set where n is below `FEW`: show the figure as "too few runs (n of 5)",
never as a bar or a curve. All shares are 0 to 1; steps are indices from 0; times are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

#: Fewer runs than this are shown as too few.
FEW = 5
#: Attributes of a run that figures are broken down by, in the order in which they are shown.
GROUPED_BY = ("system", "model", "benchmark", "domain", "outcome")
#: Outcomes of a run.
SUCCESS, FAILURE, UNKNOWN = "success", "failure", "unknown"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its 95 % interval. value: None where it is undefined, and `why` says why. n: what it rests on, runs
    unless said otherwise. count: of a share, how many of the n."""

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    count: int | None = None
    why: str = ""

    @property
    def too_few(self) -> bool:
        return self.n < FEW

    def json(self) -> dict[str, Any]:
        data: dict[str, Any] = {
            "value": _rounded(self.value), "low": _rounded(self.low), "high": _rounded(self.high), "n": self.n,
        }  # fmt: skip
        if self.count is not None:
            data["count"] = self.count
        if self.why:
            data["why"] = self.why
        return {**data, "too_few": self.too_few}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


@dataclass(frozen=True, slots=True)
class Missing:
    """what: cannot be said. how: to get it."""

    what: str
    how: str


@dataclass(frozen=True, slots=True)
class Sources:
    """Which labels were used. rule, min_votes: how votes were settled. outside: whether outside annotators' votes
    count. runs_one, runs_more, runs_adjudicated: judged runs that rest on one person, on several, on an adjudicator's
    word for at least one mode. runs_outside: judged by outside annotators only. runs_partly: judged in part only (not
    every step, for any codebook): what is absent there is unknown. unsettled: (run, mode) on which the rule settles
    nothing, counted as not judged. left_out: reason -> votes, decisions or labels that did not count. suggestions: how
    many there are in the database; they are never counted as labels. repeated: votes of outsiders whose annotations
    stand beside other runs too."""

    rule: str
    min_votes: int
    outside: bool
    reviewers: tuple[str, ...]
    votes: int
    labels: int
    runs_one: int
    runs_more: int
    runs_adjudicated: int
    runs_outside: int
    runs_partly: int
    unsettled: int
    suggestions: int
    left_out: tuple[tuple[str, int], ...]
    repeated: int = 0


@dataclass(frozen=True, slots=True)
class RunCounts:
    """scope: runs that the filters leave. judged: of them, those with a judgement on any mode. The outcomes are of the
    judged runs. by_reference, by_verdict: how the outcome is known."""

    scope: int
    judged: int
    failed: int
    succeeded: int
    unknown: int
    by_reference: int
    by_verdict: int


@dataclass(frozen=True, slots=True)
class Lift:
    """Whether runs with a mode fail more often than runs without, among runs whose outcome and mode are both known.

    with_mode, without: share that failed. difference: with_mode - without, -1 to 1 (Newcombe). ratio: with_mode over
    without (Katz; half a run is added to each cell where one is empty). shrunk: the difference after the prior
    (beta-binomial, `labels.insights.lift`). probability: that the mode raises the share of failures, after the prior.
    here: "fatal", "recoverable", "unclear" or "too few runs". published: class in the codebook ("fatal",
    "recoverable", "unclear"); prior: what was expected of it before, in words."""

    with_mode: Figure
    without: Figure
    difference: Figure
    ratio: Figure
    shrunk: Figure
    probability: float | None
    here: str
    published: str
    prior: str


@dataclass(frozen=True, slots=True)
class ModeRow:
    """A mode. runs: share of the runs judged for it in which it is. failures: its share of all failures (a failure is
    a mode in a run; n counts failures). failed, succeeded: share among failed and among successful runs judged for it.
    present_partly: runs with it that were judged in part only. published: column key -> share (0 to 1), as in
    `Profile.published`."""

    slug: str
    code: str
    name: str
    category: str
    runs: Figure
    failures: Figure
    failed: Figure
    succeeded: Figure
    lift: Lift
    present_partly: int
    published: dict[str, float]

    @property
    def label(self) -> str:
        return f"{self.code} {self.name}".strip()


@dataclass(frozen=True, slots=True)
class CategoryRow:
    """id: "" for modes without a category. runs: share of runs with any mode of it; failures: share of failures."""

    id: str
    name: str
    runs: Figure
    failures: Figure


@dataclass(frozen=True, slots=True)
class Group:
    """The runs with one value of an attribute. by: as in `GROUPED_BY`. value: "" where a run does not say. runs:
    judged. failed: share that failed. per_failed, per_run: modes per failed run, per judged run. modes: slug -> share
    of runs."""

    by: str
    value: str
    runs: int
    failed: Figure
    per_failed: Figure
    per_run: Figure
    modes: dict[str, Figure]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two modes, among runs judged for both (n). both: runs with both; expected: as many as chance would give. phi: -1
    to 1, None where one of them is everywhere or nowhere. lift: both / expected. p: of Fisher's exact test, or of the
    chi-square test of many runs; adjusted: after Holm, over all pairs; None where too few runs were judged for both."""

    first: str
    second: str
    n: int
    first_runs: int
    second_runs: int
    both: int
    expected: float
    lift: float | None
    phi: float | None
    p: float | None = None
    adjusted: float | None = None

    @property
    def holds_up(self) -> bool:
        """Whether chance alone would seldom give it: below 5 %, after the correction."""
        return self.adjusted is not None and self.adjusted < 0.05


@dataclass(frozen=True, slots=True)
class Link:
    """Labels that say they follow from another. links: distinct ones; runs: in so many runs. steps: between the first
    steps of the two, median and quartiles."""

    cause: str
    effect: str
    links: int
    runs: int
    steps_median: float
    steps_low: float
    steps_high: float


@dataclass(frozen=True, slots=True)
class Start:
    """A mode as the start of cascades. starts: runs in which a label of it is the root (marked as root cause, or a
    cause that follows from nothing). follows: runs in which it follows from another. reach: mean number of labels that
    follow from such a root, at any remove."""

    mode: str
    starts: int
    follows: int
    reach: float


@dataclass(frozen=True, slots=True)
class Cascades:
    """runs: with at least one link. loose: links whose other end is not among the labels that count."""

    runs: int
    links: tuple[Link, ...]
    starts: tuple[Start, ...]
    loose: int


@dataclass(frozen=True, slots=True)
class Onset:
    """Where the first failure of a run begins. bins: runs by tenth of the run, ten counts. first_step: median index of
    the step. position: median place, 0 the first step and 1 the last one. unplaced: runs whose failures have no place
    (labels on the whole run without a step). short: runs of one step, which have no place in the run. by_mode: slug ->
    the same for the first occurrence of the mode: (runs, median index, median place)."""

    runs: int
    bins: tuple[int, ...]
    first_step: Figure
    position: Figure
    unplaced: int
    short: int
    by_mode: dict[str, tuple[int, float, float]]


@dataclass(frozen=True, slots=True)
class Lost:
    """What runs spent after the step at which their first failure begins (that step not counted), up to their end or to
    the gate at which that failure was taken back. Each is a median over runs, and `*_share` the median share of the
    run's whole. untimed, uncounted: runs whose source has no times, or no tokens, for their steps. seconds_total,
    tokens_total: sums."""

    runs: int
    steps: Figure
    steps_share: Figure
    seconds: Figure
    seconds_share: Figure
    tokens: Figure
    tokens_share: Figure
    seconds_total: float
    tokens_total: int
    untimed: int
    uncounted: int


@dataclass(frozen=True, slots=True)
class PreventedRow:
    """mode: slug, or "" for all. rollbacks_live: gates at which the agent was sent back; undone: steps taken back
    there. denied: proposed actions that were denied; stopped: runs that were stopped. rollbacks_recorded: recorded
    runs of which somebody said where an operator should have gone back; unneeded: steps of them after the chunk at
    which that was said. saved_tokens, saved_seconds: of `unneeded`, None where no such run has any."""

    mode: str
    rollbacks_live: int
    undone: int
    denied: int
    stopped: int
    rollbacks_recorded: int
    unneeded: int
    saved_tokens: int | None
    saved_seconds: float | None


@dataclass(frozen=True, slots=True)
class PublishedColumn:
    """Figures of others beside ours. key: in `ModeRow.published`. measure: "failures" (share of failures), "runs"
    (share of runs), "failed" or "succeeded" (share among failed or successful runs): compare with the same of ours.
    n: runs, None where the source does not say. per_failed: modes per failed run, from its shares."""

    key: str
    title: str
    measure: str
    n: int | None
    per_failed: float | None
    source: str


@dataclass(frozen=True, slots=True)
class Profile:
    """What fails, by one codebook. judged, failed, succeeded: runs. failures: (mode, run) pairs. complete: runs in
    which every mode is known. failure_rate: of those with a known outcome. per_failed, per_run: mean number of modes in
    failed runs, in judged runs."""

    codebook: str
    version: str
    title: str
    judged: int
    failed: int
    succeeded: int
    complete: int
    failures: int
    failure_rate: Figure
    per_failed: Figure
    per_run: Figure
    clean: Figure
    modes: tuple[ModeRow, ...]
    categories: tuple[CategoryRow, ...]
    groups: tuple[Group, ...]
    pairs: tuple[Pair, ...]
    cascades: Cascades
    onset: Onset
    lost: Lost
    prevented: tuple[PreventedRow, ...]
    published: tuple[PublishedColumn, ...]

    def mode(self, slug: str) -> ModeRow | None:
        return next((row for row in self.modes if row.slug == slug), None)

    def name(self, slug: str) -> str:
        row = self.mode(slug)
        return row.label if row else slug


@dataclass(frozen=True, slots=True)
class Insights:
    """See the module's own words. notes: plain sentences."""

    words: str
    sources: Sources
    runs: RunCounts
    failed: Figure
    recall: Figure
    profiles: tuple[Profile, ...]
    prevented: PreventedRow
    missing: tuple[Missing, ...]
    notes: tuple[str, ...]

    def profile(self, codebook: str = "") -> Profile | None:
        """Of a codebook, or the one with most judged runs; None if there is none."""
        return next((item for item in self.profiles if codebook in ("", item.codebook)), None)


@dataclass(frozen=True, slots=True)
class Difference:
    """Two groups on one question. what: slug, or "failure rate". first, second: of the groups. difference: second -
    first with its interval. p: of Fisher's exact test; adjusted: after Holm, over all modes. differs: adjusted below
    0.05."""

    what: str
    name: str
    first: Figure
    second: Figure
    difference: Figure
    p: float | None
    adjusted: float | None
    differs: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """by: attribute, or "time". names: of the two groups. rows: modes. failure: share of runs that failed. per_failed:
    modes per failed run, of each, and second - first. sentence: what it comes to."""

    by: str
    names: tuple[str, str]
    codebook: str
    runs: tuple[int, int]
    rows: tuple[Difference, ...]
    failure: Difference
    per_failed: tuple[Figure, Figure, Figure]
    sentence: str
    notes: tuple[str, ...]
