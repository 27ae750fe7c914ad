"""A reviewer's own figures from what is in the log."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from helpers import put

from labels import ledger, queues, suggestions
from labels.codebook import load_all
from labels.health import health, reviewers
from labels.health.decided import IDLE_S, WEEK, WEEKS, Decided, pace
from labels.health.report import Health
from labels.health.taking import CHARACTERS_A_SECOND
from labels.ledger import Ledger, chunk_target
from labels.maintenance import remember_codebook
from labels.model import Act, Evidence, Label, Op, SetAnswer, SetLabel, SetNone, SetVerdict, StepRef
from labels.suggestions import Suggestion
from review_tui.desk import LONGEST_LOOK
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.chunks import Policy, chunk_ref, chunks_of
from sessions.store import Store

MAST = load_all().get("mast")
MODE, OTHER = MAST.modes[0].slug, MAST.modes[1].slug
POLICY = "every:1"


class Reviewed:
    """Runs of so many steps, a chunk each, and one who decides on them."""

    def __init__(self, store: Store, folder: Path, runs: int = 3, steps: int = 10) -> None:
        self.store = store
        folder.mkdir(exist_ok=True)
        self.runs = [
            put(store, folder / f"{n}.jsonl", [f"run {n} step {k} says so" for k in range(steps)]) for n in range(runs)
        ]

    def ref(self, run: RunInfo, index: int) -> StepRef:
        return StepRef(id=catalog.step_id(self.store, run.no, index) or "", index=index)

    def suggest(self, run: int, step: int, mode: str = MODE, detector: str = "d", rationale: str = "so") -> Suggestion:
        ref = self.ref(self.runs[run], step)
        quote = Evidence(step=ref, part=0, start=0, end=3, quote="run")
        made = Suggestion(
            mode=mode, codebook=MAST.ref, first=ref, last=ref, evidence=(quote,), score=1, detector=detector,
            version="1", rationale=rationale,
        )  # fmt: skip
        suggestions.save(self.store, self.runs[run], [made])
        return made

    def say(self, run: int, chunk: int, *ops: Op, who: str = "ann", verdict: str = "approve", **more: Any) -> None:
        info = self.runs[run]
        target = chunk_target(
            chunk_ref(self.store, info, chunks_of(self.store, info, Policy.parse(POLICY)), chunk), POLICY
        )
        first: tuple[Op, ...] = (SetVerdict.model_validate({"verdict": verdict}),) if verdict else ()
        act = Act(target=target, ops=(*first, *ops), **{"blind_suggestions": False, "blind_votes": True, **more})
        Ledger(self.store, who).record(info, act)

    def label(self, run: int, step: int, mode: str = MODE) -> SetLabel:
        ref = self.ref(self.runs[run], step)
        return SetLabel(label=Label(id=f"l{run}-{step}-{mode}", mode=mode, codebook=MAST.ref, first=ref, last=ref))

    def answer(
        self, run: int, chunk: int, made: Suggestion, answer: str = "accept", seconds: float | None = 9.0
    ) -> None:
        said = SetAnswer.model_validate({"suggestion": made.id, "answer": answer, "seconds": seconds})
        self.say(run, chunk, said, verdict="")

    def shift(self, days: float) -> None:
        """Let all that was said so far have been said so many days earlier."""
        for table in ("pace", "answer"):
            for run, chunk, at, *rest in self.store.query(
                f"SELECT run, chunk, at, reviewer{', suggestion' if table == 'answer' else ''} FROM {table}"
            ):
                then = (datetime.fromisoformat(at) - timedelta(days=days)).isoformat()
                more = " AND suggestion = ?" if table == "answer" else ""
                with self.store.write() as tx:
                    tx.execute(
                        f"UPDATE {table} SET at = ? WHERE run = ? AND chunk = ? AND reviewer = ?{more}",
                        [then, run, chunk, *rest],
                    )

    def health(self, who: str = "ann") -> Health:
        return health(self.store, who)


@pytest.fixture
def desk(tmp_path: Path):
    with Store.open(tmp_path / "review.db") as store:
        yield Reviewed(store, tmp_path / "runs")


NONE = SetNone(codebook=MAST.ref)


def test_time_per_chunk_is_that_of_the_first_verdict(desk: Reviewed):
    for place, seconds in enumerate((10, 20, 30, 40)):
        desk.say(0, place, seconds=float(seconds))
    desk.say(0, 0, NONE, seconds=500.0)  # looked at again: the time it took to decide stays
    desk.say(1, 0, seconds=None)
    desk.say(1, 1, seconds=IDLE_S)
    found = desk.health()
    assert (found.chunks, found.runs) == (6, 2)
    pace = found.pace
    assert (pace.median.value, pace.quarter, pace.three_quarters, pace.median.n) == (25.0, 17.5, 32.5, 4)
    assert (pace.idle, pace.untimed) == (1, 1)
    assert pace.median.few
    assert [(week.median, week.n) for week in pace.weeks][-1] == (25.0, 4)
    assert len(pace.weeks) == WEEKS


def test_the_idle_cut_is_where_the_station_stops_counting():
    assert IDLE_S == LONGEST_LOOK


def test_a_verdict_that_is_taken_back_counts_no_more(desk: Reviewed):
    desk.say(0, 0, seconds=10.0)
    desk.say(0, 1, seconds=20.0)
    Ledger(desk.store, "ann").undo(desk.runs[0])
    assert desk.health().chunks == 1
    Ledger(desk.store, "ann").redo(desk.runs[0])
    assert desk.health().pace.median.value == 15.0
    rows = sorted(desk.store.query("SELECT * FROM pace"))
    ledger.rebuild(desk.store)
    assert sorted(desk.store.query("SELECT * FROM pace")) == rows


def test_share_read(desk: Reviewed):
    for place, share in enumerate((1.0, 0.95, 0.2, 0.1, 0.3, 0.4, 0.2, 0.3)):
        desk.say(0, place, read=share)
    desk.say(1, 0)
    reading = desk.health().reading
    assert reading.median.value == pytest.approx(0.3)
    assert (reading.read.value, reading.hardly.value, reading.read.n, reading.unknown) == (0.25, 0.75, 8, 1)
    assert any("less than half of the text" in line for line in desk.health().notices)


def test_acceptance_stands_beside_what_one_says_blind_of_the_same_detector(desk: Reviewed):
    """Eight of eight accepted when shown; one of eight said without seeing it."""
    for place in range(8):
        desk.answer(0, place, desk.suggest(0, place), seconds=60.0)
        desk.suggest(1, place)
        said = desk.label(1, place) if place == 0 else NONE
        desk.say(1, place, said, blind_suggestions=True)
    desk.suggest(2, 0)
    desk.say(2, 0, blind_suggestions=True)  # modes not judged: says nothing of the detector
    desk.suggest(2, 1, detector="e", mode=OTHER)
    desk.say(2, 1, desk.label(2, 1, MODE), blind_suggestions=True)
    found = desk.health().taking
    every, first, second = found.detectors
    assert (every.name, first.name, second.name) == ("", "d", "e")
    assert (first.shown.value, first.blind.value, first.shown.n, first.blind.n) == (1.0, 1 / 8, 8, 8)
    assert (first.gap.low or 0) > 0.3
    assert (second.shown.value, second.blind.value) == (None, 0.0)
    assert every.blind.n == 9
    assert any("what is shown persuades" in line for line in desk.health().notices)
    assert not found.alarm


def test_modes_that_were_not_asked_about_do_not_count(desk: Reviewed):
    from labels.model import SetJudged

    desk.suggest(0, 0, OTHER)
    desk.say(0, 0, NONE, SetJudged(codebook=MAST.ref, modes=(MODE,)), blind_suggestions=True)
    assert desk.health().taking.detectors[0].blind.n == 0


def test_accepts_faster_than_anybody_reads_ring_the_alarm(desk: Reviewed):
    long = "word " * 200  # 1,000 characters: 14 seconds
    for place in range(6):
        desk.answer(0, place, desk.suggest(0, place, rationale=long), seconds=3.0)
    found = desk.health().taking
    assert (found.fast_number, found.fast.value, found.alarm) == (6, 1.0, True)
    assert any("faster than the suggestion can be read" in line for line in desk.health().notices)
    for place in range(6):
        desk.answer(1, place, desk.suggest(1, place, rationale=long), seconds=len(long) / CHARACTERS_A_SECOND + 1)
    assert desk.health().taking.fast.value == 0.5


def test_several_accepts_on_one_chunk_are_timed_from_one_to_the_next(desk: Reviewed):
    made = [desk.suggest(0, 0, mode=mode.slug) for mode in MAST.modes[:6]]
    for place, item in enumerate(made):
        desk.answer(0, 0, item, seconds=20.0 + place / 10)
    found = desk.health().taking
    assert found.fast_number == 5  # all but the first
    assert found.alarm


def test_accepts_without_a_time_and_rejects_ring_nothing(desk: Reviewed):
    for place in range(6):
        desk.answer(0, place, desk.suggest(0, place), "reject", seconds=0.1)
        desk.answer(1, place, desk.suggest(1, place), seconds=None)
    found = desk.health().taking
    assert (found.fast.n, found.alarm) == (0, False)
    assert found.detectors[0].shown.value == 0.5


def test_drift_sets_this_week_against_the_weeks_before(desk: Reviewed):
    for place in range(10):
        desk.say(0, place, NONE, seconds=20.0 + place)
        desk.answer(1, place, desk.suggest(1, place), "reject", seconds=30.0)
    desk.shift(20)
    for place in range(10):
        desk.say(2, place, desk.label(2, place), seconds=60.0 + place)
    found = {item.name: item for item in desk.health().drift}
    labels, time = found["chunks with labels"], found["time per chunk"]
    assert (labels.now.value, labels.before.value, labels.moved) == (1.0, 0.0, True)
    assert time.change.value == pytest.approx(2.65, abs=0.1)
    assert time.moved
    assert (found["acceptance"].now.n, found["acceptance"].before.n, found["acceptance"].moved) == (0, 10, False)
    notices = " ".join(desk.health().notices)
    assert "times as long in the last seven days" in notices
    assert "Chunks with labels: up from 0% to 100%" in notices


def test_few_cases_are_no_drift(desk: Reviewed):
    desk.say(0, 0, NONE, seconds=1.0)
    desk.shift(20)
    desk.say(0, 1, desk.label(0, 1), seconds=800.0)
    assert not any(item.moved for item in desk.health().drift)
    assert desk.health().notices == []


def test_the_same_chunks_a_second_time(desk: Reviewed):
    remember_codebook(desk.store, MAST)
    queues.create(desk.store, "q", desk.runs[:1], policy=POLICY, repeat_share=0.2)
    for place in range(6):
        desk.say(0, place, NONE)
        again = NONE if place else desk.label(0, place)
        desk.say(0, place, again, repeat=1, verdict="approve" if place > 1 else "stop")
    found = desk.health().retest
    assert (found.chunks, found.verdicts.value, found.verdicts.n) == (6, 4 / 6, 6)
    assert found.modes.n == 6 * len(MAST.modes)
    assert found.modes.value == pytest.approx(1 - 1 / found.modes.n)


def test_only_ones_own_and_only_people(desk: Reviewed):
    desk.say(0, 0, seconds=10.0)
    desk.say(0, 1, who="bob", seconds=20.0)
    desk.say(0, 2, who="policy:x", how="policy")
    assert desk.health("ann").chunks == 1
    assert desk.health("bob").pace.median.value == 20.0
    assert reviewers(desk.store) == ["ann", "bob"]


def test_nothing_decided_yet(tmp_path: Path):
    with Store.open(tmp_path / "review.db") as store:
        found = health(store, "ann")
        assert (found.chunks, found.last, found.pace.median.value, found.notices) == (0, None, None, [])
        assert reviewers(store) == []


def test_times_that_are_none_and_come_from_elsewhere_end_nothing(desk: Reviewed):
    desk.say(0, 0, seconds=10.0)
    with desk.store.write() as tx:
        tx.execute("UPDATE pace SET at = 'yesterday'")
    found = health(desk.store, "ann", datetime(2026, 1, 1, tzinfo=UTC) + WEEK)
    assert found.chunks == 1


@pytest.mark.parametrize(
    ("number", "days", "told"), [(12, 0.0005, False), (12, 6.9, False), (12, 7.5, True), (9, 20.0, False)]
)
def test_a_trend_takes_a_week_and_ten_chunks(number: int, days: float, told: bool):
    now = datetime(2026, 11, 30, tzinfo=UTC)
    decisions = [
        Decided("r", str(n), now - timedelta(days=days * n / (number - 1)), 0, 0, 10.0 + n, None, True, True, 0)
        for n in range(number)
    ]
    found = pace(decisions, now)
    assert (found.trend.value is not None, found.trend.n) == (told, number)
    assert found.span == pytest.approx(days)
