"""One reviewer's decisions in narrow rows, and what is made of their times and reading."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from labels.beside import BLIND, JUDGED, VERDICT
from labels.health import estimates as est
from labels.health.estimates import Estimate
from labels.model import WHOLE_RUN
from sessions.store import Store

#: Time on a chunk at which the station stops counting: nobody was reading any more, in seconds.
IDLE_S = 900.0
WEEK = timedelta(days=7)
#: A change a week is told from decisions that lie so far apart, and from so many.
TREND_SPAN, TREND_N = WEEK, 10
#: How many weeks the series of medians goes back.
WEEKS = 8
#: A chunk counts as read from this share of its text on the screen, and as hardly read below the other.
READ, HARDLY = 0.9, 0.5


@dataclass(frozen=True, slots=True)
class Decided:
    """A chunk with a verdict. first, last: step indices. seconds: until the verdict; read: share of its text that was
    on the screen; both None where unknown. labels: how many. blind: suggestions were hidden, or there were none."""

    run: str
    chunk: str
    at: datetime
    first: int
    last: int
    seconds: float | None
    read: float | None
    judged: bool
    blind: bool
    labels: int


def decided(store: Store, reviewer: str) -> list[Decided]:
    """The chunks (not whole runs) that a reviewer has given a verdict on, oldest first."""
    sql = (
        "SELECT run, chunk, at, first_index, last_index, seconds, read_share, flags, labels FROM pace"
        " WHERE reviewer = ? AND chunk <> ? ORDER BY at"
    )
    found = []
    for run, chunk, at, first, last, seconds, read, flags, labels in store.query(sql, [reviewer, WHOLE_RUN]):
        if flags & VERDICT:
            judged, blind = bool(flags & JUDGED), bool(flags & BLIND)
            found.append(Decided(run, chunk, moment(at), first, last, seconds, read, judged, blind, labels))
    return found


def moment(at: str) -> datetime:
    """A time of the log. One that is none (a made-up event) is long ago."""
    try:
        found = datetime.fromisoformat(at)
    except ValueError:
        return datetime(1970, 1, 1, tzinfo=UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Week:
    """begins: the seven days from then on. median: seconds a chunk, None for none."""

    begins: datetime
    median: float | None
    n: int


@dataclass(slots=True)
class Pace:
    """median: seconds a chunk. quarter, three_quarters: quartiles. idle: chunks left out because their time had reached
    IDLE_S; untimed: without any. weeks: the last WEEKS ones, oldest first. trend: change of the time a week, as a share
    (0.03: 3 % longer each week), over those; no value where they lie within less than TREND_SPAN, or are fewer than
    TREND_N. span: days between the first and the last of them."""

    median: Estimate
    quarter: float | None
    three_quarters: float | None
    idle: int
    untimed: int
    weeks: list[Week] = field(default_factory=list)
    trend: Estimate = field(default_factory=lambda: Estimate(None, 0))
    span: float = 0.0


def pace(said: Sequence[Decided], now: datetime) -> Pace:
    """How long chunks take."""
    timed = timed_of(said)
    values = sorted(item.seconds or 0.0 for item in timed)
    idle = sum(1 for item in said if item.seconds is not None and item.seconds >= IDLE_S)
    recent = [item for item in timed if now - WEEKS * WEEK < item.at <= now]
    points = [((item.at - now) / WEEK, item.seconds or 0.0) for item in recent]
    span = max(item.at for item in recent) - min(item.at for item in recent) if recent else timedelta()
    told = span >= TREND_SPAN and len(points) >= TREND_N
    return Pace(
        est.median(values, len({item.run for item in timed})),
        est.quantile(values, 0.25) if values else None,
        est.quantile(values, 0.75) if values else None,
        idle,
        len(said) - len(timed) - idle,
        [_week(recent, now - (place + 1) * WEEK) for place in reversed(range(WEEKS))],
        est.slope(points) if told else Estimate(None, len(points)),
        span / timedelta(days=1),
    )


def timed_of(said: Iterable[Decided]) -> list[Decided]:
    """Those whose time is known and shorter than the idle cut."""
    return [item for item in said if item.seconds is not None and item.seconds < IDLE_S]


def _week(recent: Sequence[Decided], begins: datetime) -> Week:
    mine = [item.seconds or 0.0 for item in recent if begins < item.at <= begins + WEEK]
    return Week(begins, est.median(mine).value, len(mine))


@dataclass(slots=True)
class Reading:
    """median: share of a chunk's text that was on the screen before the verdict. read, hardly: share of chunks of which
    at least READ, or less than HARDLY, was. unknown: decided on before this was recorded, or on the command line."""

    median: Estimate
    read: Estimate
    hardly: Estimate
    unknown: int


def reading(said: Sequence[Decided]) -> Reading:
    """How much of what was decided on had been on the screen."""
    known = [item for item in said if item.read is not None]
    return Reading(
        est.median((item.read or 0.0 for item in known), len({item.run for item in known})),
        est.share((item.run, (item.read or 0.0) >= READ) for item in known),
        est.share((item.run, (item.read or 0.0) < HARDLY) for item in known),
        len(said) - len(known),
    )
