import tempfile
from pathlib import Path
from typing import Any

import pytest
from helpers import in_processes, load, put, quick, write_run
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from labels import events, ledger
from labels.codebook_ref import CodebookRef
from labels.events import DECIDE, REDO, UNDO
from labels.glance import counts_of, default_reviewer
from labels.ledger import Ledger, chunk_target, rebuild, run_target
from labels.model import (
    WHOLE_RUN,
    Act,
    Clear,
    Decision,
    Label,
    Op,
    RemoveLabel,
    SetAnswer,
    SetLabel,
    SetNone,
    SetNote,
    SetVerdict,
    StepRef,
    Target,
)
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.chunks import Policy, chunk_ref, chunks_of
from sessions.errors import UsageError, UserError
from sessions.ingest import Watch
from sessions.store import Store

POLICY = "every:2"
MAST = CodebookRef(id="mast", version="1", sha256="00")
SAFETY = CodebookRef(id="safety", version="2", sha256="11")
STEP = StepRef(id="s", index=0)
REVIEWERS = ["ann", "bob"]


@pytest.fixture
def store(tmp_path: Path):
    with Store.open(tmp_path / "r.db") as opened:
        yield opened


@pytest.fixture
def run(store: Store, tmp_path: Path) -> RunInfo:
    return put(store, tmp_path / "run.jsonl", [f"step {number}" for number in range(6)])


def targets(store: Store, run: RunInfo) -> list[Target]:
    """Three chunks and the whole run."""
    chunks = chunks_of(store, run, Policy.parse(POLICY))
    return [
        *(chunk_target(chunk_ref(store, run, chunks, number), POLICY) for number in range(len(chunks))),
        run_target(store, run),
    ]


def act(target: Target, *ops: Op, **more: Any) -> Act:
    return Act(target=target, ops=ops, **{"blind_suggestions": True, "blind_votes": True, **more})


def label(id: str = "l1", book: CodebookRef = MAST, mode: str = "loop", **more: Any) -> Label:
    return Label(id=id, mode=mode, codebook=book, first=STEP, last=STEP, **more)


APPROVE, STOP = SetVerdict(verdict="approve"), SetVerdict(verdict="stop")


def tables(store: Store) -> list[Any]:
    """Everything that is derived from the log."""
    return [
        store.query("SELECT * FROM decision ORDER BY run, reviewer, chunk"),
        store.query("SELECT * FROM label ORDER BY run, reviewer, chunk, id"),
    ]


def count(store: Store) -> int:
    return store.query("SELECT count(*) FROM event")[0][0]


# -- any order of everything ------------------------------------------------------------------------------------------

LABEL_IDS = st.sampled_from(["l1", "l2", "l3"])
BOOKS = st.sampled_from([MAST, SAFETY])


@st.composite
def labels_(draw: st.DrawFn) -> Label:
    own = draw(LABEL_IDS)
    cause = draw(st.none() | LABEL_IDS.filter(lambda other: other != own))
    return label(
        own, draw(BOOKS), draw(st.sampled_from(["loop", "reset"])), caused_by=cause, note=draw(st.text(max_size=3))
    )


OPS = st.one_of(
    st.sampled_from([APPROVE, STOP, SetVerdict(verdict=None), SetVerdict(verdict="rollback", to=STEP), Clear()]),
    st.builds(SetLabel, label=labels_()),
    st.builds(RemoveLabel, id=LABEL_IDS),
    st.builds(SetNone, codebook=BOOKS, value=st.booleans()),
    st.builds(SetNote, text=st.text(max_size=5)),
    st.builds(SetAnswer, suggestion=st.sampled_from(["s1", "s2"]), answer=st.sampled_from(["accept", "reject", None])),
)


class Said:
    """What is said of one chunk: the rules of `labels.model` in plain Python, written a second time."""

    def __init__(self) -> None:
        self.verdict: tuple[Any, Any] = (None, None)
        self.labels: dict[str, dict] = {}
        self.none: dict[str, str] = {}
        self.answers: dict[str, str] = {}
        self.note = ""

    def take(self, op: Op) -> None:  # noqa: C901 - one case for each operation
        match op:
            case SetVerdict():
                self.verdict = (op.verdict, op.to)
            case SetLabel():
                self.labels[op.label.id] = op.label.model_dump()
                self.none.pop(op.label.codebook.id, None)
            case RemoveLabel():
                self.labels.pop(op.id, None)
                for other in self.labels.values():
                    if other["caused_by"] == op.id:
                        other["caused_by"] = None
            case SetNone(value=True):
                self.none[op.codebook.id] = op.codebook.version
            case SetNone():
                self.none.pop(op.codebook.id, None)
            case SetNote():
                self.note = op.text
            case SetAnswer(answer=None):
                self.answers.pop(op.suggestion, None)
            case SetAnswer():
                self.answers[op.suggestion] = str(op.answer)
            case Clear():
                self.__init__()

    def plain(self) -> tuple:
        return (self.verdict, self.labels, self.none, self.answers, self.note)


def plain(decision: Decision) -> tuple:
    return (
        (decision.verdict, decision.to),
        {one.id: one.model_dump() for one in decision.labels},
        {book.id: book.version for book in decision.none},
        {name: answer.answer for name, answer in decision.answers.items()},
        decision.note,
    )


class EverySequence(RuleBasedStateMachine):
    """Decisions, undo, redo and restarts in any order: the store says what a list of acts says."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.db = Path(self.folder.name) / "r.db"
        self.store = Store.open(self.db)
        self.runs = [
            put(self.store, Path(self.folder.name) / f"{n}.jsonl", [f"{n}.{i}" for i in range(6)]) for n in (1, 2)
        ]
        self.targets = [targets(self.store, run) for run in self.runs]
        self.done: dict[tuple[str, int], list[Act]] = {(name, run): [] for name in REVIEWERS for run in (0, 1)}
        self.undone: dict[tuple[str, int], list[Act]] = {key: [] for key in self.done}
        self.written = 0

    who = st.sampled_from(REVIEWERS)
    which = st.integers(0, 1)

    @rule(who=who, run=which, place=st.integers(0, 3), ops=st.lists(OPS, min_size=1, max_size=4))
    def decide(self, who: str, run: int, place: int, ops: list[Op]) -> None:
        said = act(self.targets[run][place], *ops)
        after = self.said(who, run, [*self.done[who, run], said])[said.target.id]
        contradiction = any(
            isinstance(op, SetNone)
            and op.value
            and op.codebook.id in {one["codebook"]["id"] for one in after.labels.values()}
            for op in ops
        )
        if contradiction:
            with pytest.raises(UsageError):
                Ledger(self.store, who).record(self.runs[run], said)
            return
        event = Ledger(self.store, who).record(self.runs[run], said)
        self.written += 1
        assert (event.kind, event.seq, event.reviewer, event.run) == (DECIDE, self.written, who, self.runs[run].id)
        self.done[who, run].append(said)
        self.undone[who, run].clear()

    @rule(who=who, run=which)
    def undo(self, who: str, run: int) -> None:
        event = Ledger(self.store, who).undo(self.runs[run])
        assert (event is not None) == bool(self.done[who, run])
        if event:
            self.written += 1
            self.undone[who, run].append(self.done[who, run].pop())
            assert (event.kind, event.chunk) == (UNDO, self.undone[who, run][-1].target.id)

    @rule(who=who, run=which)
    def redo(self, who: str, run: int) -> None:
        event = Ledger(self.store, who).redo(self.runs[run])
        assert (event is not None) == bool(self.undone[who, run])
        if event:
            self.written += 1
            self.done[who, run].append(self.undone[who, run].pop())
            assert (event.kind, event.chunk) == (REDO, self.done[who, run][-1].target.id)

    @rule()
    def restart(self) -> None:
        self.store.close()
        self.store = Store.open(self.db)

    @precondition(lambda self: self.written)
    @rule()
    def derive_anew(self) -> None:
        before = tables(self.store)
        assert rebuild(self.store) == len(before[0])
        assert tables(self.store) == before

    def said(self, who: str, run: int, acts: list[Act]) -> dict[str, Said]:
        state = {target.id: Said() for target in self.targets[run]}
        for one in acts:
            for op in one.ops:
                state[one.target.id].take(op)
        return state

    def compare(self) -> None:
        for (who, run), acts in self.done.items():
            mine = Ledger(self.store, who)
            expected = {
                chunk: said.plain()
                for chunk, said in self.said(who, run, acts).items()
                if said.plain() != Said().plain()
            }
            assert {one.target.id: plain(one) for one in mine.decisions(self.runs[run])} == expected
            assert mine.can_undo_redo(self.runs[run]) == (len(acts), len(self.undone[who, run]))

    @invariant()
    def the_store_says_what_the_list_says(self) -> None:
        self.compare()
        assert count(self.store) == self.written

    def teardown(self) -> None:
        if not hasattr(self, "store"):
            return
        before = tables(self.store)
        undone = dict(self.undone)
        for who, run in self.done:
            mine, back = Ledger(self.store, who), len(self.done[who, run])
            while mine.undo(self.runs[run]):
                back -= 1
            assert back == 0
            assert mine.decisions(self.runs[run]) == []
        assert tables(self.store) == [[], []]
        for who, run in self.done:
            mine = Ledger(self.store, who)
            for _ in self.done[who, run]:
                assert mine.redo(self.runs[run])
            assert mine.can_undo_redo(self.runs[run]) == (len(self.done[who, run]), len(undone[who, run]))
        assert tables(self.store) == before
        assert rebuild(self.store) == len(before[0])
        assert tables(self.store) == before
        assert events.verify(self.store) == []
        self.store.close()
        self.folder.cleanup()


TestEverySequence = EverySequence.TestCase
TestEverySequence.settings = quick(80, stateful_step_count=30)


# -- single promises --------------------------------------------------------------------------------------------------


def test_a_contradiction_is_refused_and_nothing_is_written(store: Store, run: RunInfo) -> None:
    mine, target = Ledger(store, "ann"), targets(store, run)[0]
    mine.record(run, act(target, SetLabel(label=label())))
    before = tables(store)
    for ops in (
        [SetNone(codebook=MAST)],
        [APPROVE, SetNone(codebook=MAST)],
        [SetNone(codebook=SAFETY), SetLabel(label=label("l2", SAFETY))],
    ):
        with pytest.raises(UsageError, match='"none" was said of') as caught:
            mine.record(run, act(target, *ops))
        assert "\n" not in str(caught.value)
    assert (count(store), tables(store)) == (1, before)
    assert mine.can_undo_redo(run) == (1, 0)
    mine.record(run, act(target, SetNone(codebook=SAFETY)))
    mine.record(run, act(target, RemoveLabel(id="l1"), SetNone(codebook=MAST)))
    mine.record(run, act(targets(store, run)[1], SetNone(codebook=MAST)))
    Ledger(store, "bob").record(run, act(target, SetNone(codebook=MAST)))
    assert count(store) == 5


def test_decisions_come_in_the_order_of_their_steps(store: Store, run: RunInfo) -> None:
    one, two, three, whole = targets(store, run)
    for target in (three, one, two):
        Ledger(store, "bob").record(run, act(target, APPROVE))
    Ledger(store, "ann").record(run, act(two, STOP))
    Ledger(store, "ann").record(run, act(whole, APPROVE))
    everybody = Ledger(store, "carol").decisions(run, everybody=True)
    assert [(one.target.number, one.reviewer) for one in everybody if one.target.scope == "chunk"] == [
        (1, "bob"),
        (2, "ann"),
        (2, "bob"),
        (3, "bob"),
    ]
    assert Ledger(store, "carol").decisions(run) == []
    assert [one.target.id for one in Ledger(store, "ann").decisions(run)] == [WHOLE_RUN, two.id]
    assert counts_of(store, "bob")[run.id].decided == {"every:2": 3}
    assert counts_of(store, "ann")[run.id].decided == {"every:2": 1}
    assert [(event.reviewer, event.chunk) for event in Ledger(store, "x").history(run)][-1] == ("ann", WHOLE_RUN)


def test_an_event_says_who_what_and_of_which_content(store: Store, run: RunInfo) -> None:
    target = targets(store, run)[1]
    said = act(target, APPROVE, seconds=3.5, blind_votes=False, tool="tui")
    event = Ledger(store, "ann").record(run, said)
    assert (event.run, event.content_id, event.chunk) == (run.id, run.content_id, target.id)
    assert Act.model_validate(event.data) == said
    (decision,) = Ledger(store, "ann").decisions(run)
    assert (decision.seconds, decision.at, decision.blind_votes) == (3.5, event.at, False)
    assert store.query("SELECT mode, codebook, version, codebook_hash FROM label") == []
    Ledger(store, "ann").record(run, act(target, SetLabel(label=label())))
    assert store.query("SELECT id, mode, codebook, version, codebook_hash FROM label") == [
        ("l1", "loop", "mast", "1", "00")
    ]


def test_undo_is_each_reviewers_own(store: Store, run: RunInfo) -> None:
    ann, bob = Ledger(store, "ann"), Ledger(store, "bob")
    target = targets(store, run)[0]
    ann.record(run, act(target, APPROVE))
    bob.record(run, act(target, STOP))
    assert ann.undo(run)
    assert ann.undo(run) is None
    assert [one.verdict for one in bob.decisions(run, everybody=True)] == ["stop"]
    assert bob.can_undo_redo(run) == (1, 0)


def test_acts_of_another_database_are_counted_but_not_undone_here(store: Store, run: RunInfo) -> None:
    """After a merge: the same reviewer's acts of the other machine are in the log, in a chain of their own."""
    mine, target = Ledger(store, "ann"), targets(store, run)[0]
    mine.record(run, act(target, SetNote(text="from there")))
    with store.write() as tx:
        tx.execute("UPDATE meta SET value = 'here' WHERE name = 'origin'")
    assert mine.can_undo_redo(run) == (0, 0)
    mine.record(run, act(target, APPROVE))
    assert mine.can_undo_redo(run) == (1, 0)
    assert mine.undo(run)
    assert mine.undo(run) is None
    assert mine.can_undo_redo(run) == (0, 1)
    assert [(one.verdict, one.note) for one in mine.decisions(run)] == [(None, "from there")]


@pytest.mark.parametrize("name", ["", " ", "a\nb", "a\x1b[31m", "x" * 81, "\u202e", "\ud800"])
def test_what_cannot_be_a_reviewers_name(store: Store, name: str) -> None:
    with pytest.raises(UsageError) as caught:
        Ledger(store, name)
    assert str(caught.value).isprintable()


def test_the_reviewer_where_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVIEW_TUI_REVIEWER", "Ada Lovelace")
    assert default_reviewer() == "Ada Lovelace"
    monkeypatch.delenv("REVIEW_TUI_REVIEWER")
    assert default_reviewer() == events.os_user()


def test_a_run_without_steps_cannot_be_decided_on(store: Store, tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text('{"run": {}}\n')
    (empty,) = load(store, tmp_path / "empty.jsonl")
    with pytest.raises(UserError, match="no steps"):
        run_target(store, catalog.find_run(store, empty.run))


def test_a_store_that_cannot_be_written_to_says_so(store: Store, run: RunInfo) -> None:
    target = targets(store, run)[0]
    Ledger(store, "ann").record(run, act(target, APPROVE))
    with Store(store.path, read_only=True) as reader:
        assert len(Ledger(reader, "ann").decisions(run)) == 1
        with pytest.raises(UserError, match="cannot be written to"):
            Ledger(reader, "ann").record(run, act(target, STOP))
        with pytest.raises(UserError, match="cannot be written to"):
            Ledger(reader, "ann").undo(run)


def test_several_processes_decide_on_one_chunk(store: Store, run: RunInfo) -> None:
    target = targets(store, run)[0]
    path = store.path
    store.close()

    def work(name: str) -> None:
        with Store.open(path) as own:
            mine = Ledger(own, name)
            for number in range(20):
                mine.record(run, act(target, SetNote(text=f"{number}")))
                if number % 4 == 3:
                    assert mine.undo(run)

    in_processes(*[lambda name=name: work(name) for name in ("ann", "ann", "bob", "carol")])
    with Store.open(path) as after:
        assert events.verify(after) == []
        before = tables(after)
        assert Ledger(after, "ann").can_undo_redo(run)[0] == 30
        rebuild(after)
        assert tables(after) == before


# -- runs that are joined -----------------------------------------------------------------------------------------


def decide_while_importing(store: Store, path: Path, steps: list[str], *ops: Op) -> tuple[RunInfo, RunInfo]:
    """Import a file, and decide on its first chunk as soon as it can be read: (the run then, the run in the end)."""
    seen: list[RunInfo] = []

    def started(early_id: str) -> None:
        early = catalog.run_by_id(store, early_id)
        assert early is not None
        seen.append(early)
        Ledger(store, "ann").record(early, act(targets(store, early)[0], *ops))

    (imported,) = load(store, write_run(path, steps), Watch(started=started))
    return seen[0], catalog.find_run(store, imported.run)


def test_a_decision_made_while_importing_belongs_to_the_run(store: Store, tmp_path: Path) -> None:
    _, run = decide_while_importing(store, tmp_path / "a.jsonl", ["a", "b", "c"], APPROVE)
    (decision,) = Ledger(store, "ann").decisions(run)
    assert decision.verdict == "approve"
    assert decision.target == targets(store, run)[0]


def test_a_decision_on_a_copy_is_one_on_the_run_it_is_linked_with(store: Store, tmp_path: Path) -> None:
    run = put(store, tmp_path / "a.jsonl", ["a", "b", "c"])
    Ledger(store, "ann").record(run, act(targets(store, run)[0], SetNote(text="first")))
    early, linked = decide_while_importing(store, tmp_path / "copy.jsonl", ["a", "b", "c"], APPROVE)
    assert linked.id == run.id != early.id
    assert [(one.verdict, one.note, one.run) for one in Ledger(store, "ann").decisions(run)] == [
        ("approve", "first", run.id)
    ]
    assert counts_of(store, "ann")[run.id].decided == {"every:2": 1}
    before = tables(store)
    rebuild(store)
    assert tables(store) == before
    assert len(Ledger(store, "ann").history(run)) == 2

    stale = Ledger(store, "ann")
    stale.record(early, act(targets(store, run)[0], STOP))
    assert [one.verdict for one in stale.decisions(early)] == ["stop"] == [one.verdict for one in stale.decisions(run)]
    assert stale.can_undo_redo(early) == stale.can_undo_redo(run) == (3, 0)
    assert stale.undo(run)
    assert stale.undo(early)
    assert [(one.verdict, one.note) for one in stale.decisions(run)] == [(None, "first")]


def test_decisions_stay_with_a_run_that_grows(store: Store, tmp_path: Path) -> None:
    run = put(store, tmp_path / "a.jsonl", ["a", "b", "c", "d"])
    mine = Ledger(store, "ann")
    mine.record(run, act(targets(store, run)[0], APPROVE))
    grown = put(store, tmp_path / "a.jsonl", ["a", "b", "c", "d", "e", "f"])
    assert [one.target.id for one in mine.decisions(grown)] == [targets(store, grown)[0].id]
    assert mine.undo(grown)
    assert mine.decisions(grown) == []


def test_adopting_costs_nothing_where_nothing_was_joined(store: Store, run: RunInfo, monkeypatch) -> None:
    Ledger(store, "ann").record(run, act(targets(store, run)[0], APPROVE))
    monkeypatch.setattr(ledger, "derive", None)
    ledger.adopt(store)
