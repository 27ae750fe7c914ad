"""All of it for one reviewer: figures, drift, test-retest, and what deserves a look in plain sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from labels import beside
from labels.health import estimates as est
from labels.health.decided import WEEK, WEEKS, Decided, Pace, Reading, decided, pace, reading, timed_of
from labels.health.estimates import Estimate
from labels.health.taking import Taken, Taking, taken, taking
from labels.intervals import wilson
from labels.ledger import adopt, fill_judgements
from sessions.store import Store


@dataclass(frozen=True, slots=True)
class Drift:
    """One measure in the last seven days against the WEEKS weeks before. change: the difference of shares, or for time
    the ratio. moved: whether its interval leaves out "no change", with enough cases on both sides."""

    name: str
    now: Estimate
    before: Estimate
    change: Estimate
    moved: bool


@dataclass(frozen=True, slots=True)
class Retest:
    """The same chunks a second time. verdicts, modes: share of the same answers; kappa: of modes, None if undefined."""

    chunks: int
    verdicts: Estimate
    modes: Estimate
    kappa: float | None


@dataclass(slots=True)
class Health:
    """What is known of how one reviewer reviews. chunks: with a verdict; runs: those they are of. first, last: when,
    None for never. notices: what deserves a look, in plain sentences."""

    reviewer: str
    chunks: int
    runs: int
    first: datetime | None
    last: datetime | None
    pace: Pace
    reading: Reading
    taking: Taking
    drift: list[Drift]
    retest: Retest
    notices: list[str] = field(default_factory=list)


def reviewers(store: Store) -> list[str]:
    """Everybody who has decided on anything here: people, neither policies nor imported annotators."""
    beside.fill(store)
    return [str(row[0]) for row in store.query("SELECT DISTINCT reviewer FROM pace ORDER BY reviewer")]


def health(store: Store, reviewer: str, now: datetime | None = None) -> Health:
    """The figures of one reviewer. now: for tests."""
    beside.fill(store)
    fill_judgements(store)
    adopt(store)
    now = now or datetime.now(UTC)
    said = decided(store, reviewer)
    answers = taken(store, reviewer)
    found = Health(
        reviewer,
        len(said),
        len({item.run for item in said}),
        said[0].at if said else None,
        said[-1].at if said else None,
        pace(said, now),
        reading(said),
        taking(store, reviewer, answers),
        _drift(said, answers, now),
        _retest(store, reviewer),
    )
    found.notices = _notices(found)
    return found


def _drift(said: Sequence[Decided], answers: Sequence[Taken], now: datetime) -> list[Drift]:
    def halves(items: Sequence[Decided] | Sequence[Taken]) -> tuple[list[Decided | Taken], list[Decided | Taken]]:
        recent = [item for item in items if now - WEEK < item.at <= now]
        before = [item for item in items if now - (WEEKS + 1) * WEEK < item.at <= now - WEEK]
        return recent, before

    shares = []
    taken_now, taken_before = (
        [(i.run, i.answer == "accept") for i in half if isinstance(i, Taken)] for half in halves(answers)
    )
    shares.append(("acceptance", est.share(taken_now), est.share(taken_before)))
    said_now, said_before = ([i for i in half if isinstance(i, Decided)] for half in halves(said))
    labelled = [est.share((item.run, item.labels > 0) for item in half) for half in (said_now, said_before)]
    shares.append(("chunks with labels", labelled[0], labelled[1]))
    found = []
    for name, after, before in shares:
        change = est.difference(after, before)
        found.append(Drift(name, after, before, change, _moved(change, 0.0)))
    times = [[item.seconds or 0.0 for item in timed_of(half)] for half in (said_now, said_before)]
    change = est.ratio(times[0], times[1])
    found.append(Drift("time per chunk", est.median(times[0]), est.median(times[1]), change, _moved(change, 1.0)))
    return found


def _moved(change: Estimate, still: float) -> bool:
    if change.few or change.low is None or change.high is None:
        return False
    return not change.low <= still <= change.high


def _retest(store: Store, reviewer: str) -> Retest:
    from labels.agreement.reviewers import repeats
    from labels.agreement.votes import Options

    mine = next((item for item in repeats(store, Options(only=frozenset({reviewer}))) if item.name == reviewer), None)
    if mine is None:
        return Retest(0, Estimate(None, 0), Estimate(None, 0), None)
    return Retest(mine.chunks, _of(mine.verdicts_same, mine.verdicts), _of(mine.modes_same, mine.modes), mine.kappa)


def _of(same: int, number: int) -> Estimate:
    if not number:
        return Estimate(None, 0)
    return Estimate(same / number, number, 0, *wilson(same, number))


def _notices(found: Health) -> list[str]:
    """What deserves a look; what too few cases say is left unsaid."""
    lines = []
    fast = found.taking.fast
    if found.taking.alarm:
        lines.append(f"{found.taking.fast_number} of {fast.n} accepts came faster than the suggestion can be read.")
    for item in found.taking.detectors:
        if not item.gap.few and (item.gap.low or 0) > 0:
            who = f"the detector {item.name} shows" if item.name else "detectors show"
            lines.append(
                f"You accept {percent(item.shown.value or 0)} of what {who}, and say the same by yourself on"
                f" {percent(item.blind.value or 0)}: what is shown persuades."
            )
            break
    hardly = found.reading.hardly
    if not hardly.few and (hardly.low or 0) > 0.1:
        lines.append(f"On {percent(hardly.value or 0)} of chunks less than half of the text had been on the screen.")
    for drift in found.drift:
        if drift.moved:
            lines.append(_drift_line(drift))
    return lines


def percent(share: float) -> str:
    return f"{share * 100:.0f}%"


def _drift_line(drift: Drift) -> str:
    value = drift.change.value or 0.0
    if drift.name == "time per chunk":
        return f"A chunk took {value:.2f} times as long in the last seven days as in the weeks before."
    way = "up" if value > 0 else "down"
    sides = f"from {percent(drift.before.value or 0)} to {percent(drift.now.value or 0)}"
    return f"{drift.name.capitalize()}: {way} {sides} in the last seven days."
