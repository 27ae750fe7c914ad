"""Merging databases: what comes, that order does not matter, and what is refused."""

import shutil
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from helpers import put, quick, write_run
from hypothesis import given
from hypothesis import strategies as st

from labels import events, suggestions
from labels.codebook import load_all
from labels.ledger import Ledger, chunk_target, rebuild
from labels.maintenance import delete_run, remember_codebook
from labels.merging import merge
from labels.model import Act, Clear, Evidence, Label, Op, SetLabel, SetNone, SetVerdict, StepRef
from labels.suggestions import Suggestion
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.chunks import Policy, chunk_ref, chunks_of
from sessions.errors import UserError
from sessions.maintenance import backup
from sessions.store import Store, sqlite3

POLICY = "every:2"
MAST = load_all().get("mast")
STEPS = {name: [f"{name} step {number}" for number in range(6)] for name in ("one", "two", "three")}


def open_store(folder: Path, name: str) -> Store:
    return Store.open(folder / f"{name}.db")


def target(store: Store, run: RunInfo, number: int = 0) -> Any:
    return chunk_target(chunk_ref(store, run, chunks_of(store, run, Policy.parse(POLICY)), number), POLICY)


def label(store: Store, run: RunInfo, mode: str, index: int = 0) -> Label:
    step = StepRef(id=catalog.step_id(store, run.no, index) or "", index=index)
    return Label(id=f"{mode}-{index}", mode=mode, codebook=MAST.ref, first=step, last=step)


def decide(store: Store, who: str, run: RunInfo, *ops: Op, number: int = 0) -> None:
    act = Act(target=target(store, run, number), ops=ops, blind_suggestions=True, blind_votes=True)
    Ledger(store, who).record(run, act)


APPROVE, NONE = SetVerdict(verdict="approve"), SetNone(codebook=MAST.ref)


def state(store: Store) -> dict[str, Any]:
    """All that matters, with runs named by their content, so that it can be compared between databases."""
    content = {row[0]: row[1] for row in store.query("SELECT id, content_id FROM run")}
    content |= {alias: content.get(run, run) for alias, run in store.query("SELECT alias, run FROM run_alias")}

    def named(rows: list[Any], place: int) -> list[Any]:
        return sorted((*row[:place], content.get(row[place], row[place]), *row[place + 1 :]) for row in rows)

    decisions = []
    for run, who, chunk, data in store.query("SELECT run, reviewer, chunk, data FROM decision"):
        decisions.append((content.get(run, run), who, chunk, data.replace(run, "")))
    return {
        "events": store.query("SELECT * FROM event ORDER BY origin, seq"),
        "chains": store.query("SELECT * FROM chain ORDER BY origin"),
        "runs": sorted(content.values()),
        "steps": sorted(store.query("SELECT id, actor, role, flags, chars FROM step")),
        "decisions": sorted(decisions),
        "labels": named(store.query("SELECT id, reviewer, chunk, mode, first_step, run FROM label"), 5),
        "suggestions": named(store.query("SELECT id, version, data, replaced, run FROM suggestion"), 4),
        "codebooks": sorted(store.query("SELECT id, version, hash FROM codebook")),
        "reference": store.query("SELECT data FROM reference ORDER BY data"),
    }


def test_brings_runs_decisions_and_codebooks_and_changes_nothing_the_second_time(tmp_path: Path) -> None:
    with open_store(tmp_path, "mine") as mine, open_store(tmp_path, "theirs") as theirs:
        shared = put(mine, tmp_path / "a.jsonl", STEPS["one"])
        also = put(theirs, tmp_path / "b.jsonl", STEPS["one"])
        other = put(theirs, tmp_path / "c.jsonl", STEPS["two"])
        remember_codebook(theirs, MAST)
        decide(mine, "ann", shared, APPROVE, NONE)
        decide(theirs, "bob", also, SetVerdict(verdict="stop"), SetLabel(label=label(theirs, also, "step-repetition")))
        decide(theirs, "bob", other, APPROVE)
        before = state(mine)
        dry = merge(mine, theirs.path, dry_run=True)
        assert state(mine) == before
        done = merge(mine, theirs.path)
        assert (dry.events, dry.runs_new, dry.runs_joined, dry.voted) == (2, [other.id], [shared.id], 1)
        assert (done.events, done.runs_new, done.runs_joined, done.voted) == (2, [other.id], [shared.id], 1)
        said = {(item.reviewer, item.verdict) for item in Ledger(mine, "ann").decisions(shared, everybody=True)}
        assert said == {("ann", "approve"), ("bob", "stop")}
        copied = catalog.run_by_id(mine, other.id)
        assert copied is not None
        assert [item.step.parts[0].text for item in catalog.steps(mine, copied.no)] == STEPS["two"]
        assert done.codebooks == 1
        assert events.verify(mine) == []
        after = state(mine)
        again = merge(mine, theirs.path)
        assert (again.events, again.runs_new, state(mine)) == (0, [], after)
        rebuild(mine)
        assert state(mine) == after


@st.composite
def histories(draw: st.DrawFn) -> list[list[tuple[str, str, int, str]]]:
    """For each of three databases: (run, reviewer, chunk, what is said), in order."""
    said = st.tuples(
        st.sampled_from(sorted(STEPS)), st.sampled_from(["ann", "bob"]), st.integers(0, 1),
        st.sampled_from(["none", "label", "stop", "undo", "redo", "clear"]),
    )  # fmt: skip
    return [draw(st.lists(said, max_size=6)) for _ in range(3)]


def play(store: Store, folder: Path, acts: list[tuple[str, str, int, str]]) -> None:
    for name, who, number, said in acts:
        run = put(store, folder / f"{store.path.stem}-{name}.jsonl", STEPS[name])
        ledger = Ledger(store, who)
        if said == "undo":
            ledger.undo(run)
        elif said == "redo":
            ledger.redo(run)
        else:
            ops: dict[str, tuple[Op, ...]] = {
                "none": (Clear(), APPROVE, NONE),
                "label": (SetLabel(label=label(store, run, "step-repetition", 2 * number)),),
                "stop": (SetVerdict(verdict="stop"),),
                "clear": (Clear(),),
            }
            decide(store, who, run, *ops[said], number=number)


@quick(12)
@given(histories())
def test_any_order_of_merges_gives_the_same(tmp_path_factory: Any, plan: list[list[tuple[str, str, int, str]]]) -> None:
    folder = tmp_path_factory.mktemp("orders")
    for name, acts in zip("abc", plan, strict=True):
        with open_store(folder, name) as store:
            play(store, folder, acts)
    states = []
    for number, order in enumerate(permutations("abc")):
        with open_store(folder, f"all{number}") as store:
            for name in order:
                merge(store, folder / f"{name}.db")
            states.append(state(store))
            assert events.verify(store) == []
            rebuild(store)
            assert state(store) == states[-1]
    assert all(item == states[0] for item in states)
    # By way of another: c into b, b into a, and a into c again.
    for into, source in (("b", "c"), ("a", "b"), ("c", "a")):
        with open_store(folder, into) as store:
            merge(store, folder / f"{source}.db")
    with open_store(folder, "a") as one, open_store(folder, "c") as other:
        assert state(one)["events"] == state(other)["events"] == states[0]["events"]
        assert state(one)["decisions"] == state(other)["decisions"] == states[0]["decisions"]


def test_what_is_decided_in_a_copy_comes_after_what_it_replaces(tmp_path: Path) -> None:
    """Whatever the random ids of the two databases are."""
    for attempt in range(6):
        with open_store(tmp_path, f"m{attempt}") as mine:
            run = put(mine, tmp_path / f"{attempt}.jsonl", STEPS["one"])
            decide(mine, "ann", run, Clear(), APPROVE)
            backup(mine, tmp_path / f"copy{attempt}.db")
            with open_store(tmp_path, f"copy{attempt}") as copy:
                decide(copy, "ann", run, Clear(), SetVerdict(verdict="stop"))
                (decision,) = Ledger(copy, "ann").decisions(run)
                assert decision.verdict == "stop"
            done = merge(mine, tmp_path / f"copy{attempt}.db")
            (decision,) = Ledger(mine, "ann").decisions(run)
            assert (decision.verdict, done.twice) == ("stop", 0)


def test_one_name_in_two_databases_is_told(tmp_path: Path) -> None:
    with open_store(tmp_path, "mine") as mine, open_store(tmp_path, "theirs") as theirs:
        decide(mine, "ann", put(mine, tmp_path / "a.jsonl", STEPS["one"]), APPROVE)
        decide(theirs, "ann", put(theirs, tmp_path / "b.jsonl", STEPS["one"]), SetVerdict(verdict="stop"))
        assert merge(mine, theirs.path).twice == 1


def test_a_grown_run_takes_the_place_of_the_shorter_one(tmp_path: Path) -> None:
    with open_store(tmp_path, "mine") as mine:
        path = tmp_path / "run.jsonl"
        run = put(mine, path, STEPS["one"])
        decide(mine, "ann", run, APPROVE)
        backup(mine, tmp_path / "copy.db")
        with open_store(tmp_path, "copy") as copy:
            grown = put(copy, path, [*STEPS["one"], "one more"])
            assert grown.id == run.id
        with open_store(tmp_path, "old") as old:
            merge(old, mine.path)
            done = merge(old, tmp_path / "copy.db")
            now = catalog.run_by_id(old, run.id)
            assert now is not None
            assert (done.runs_grown, now.steps, len(Ledger(old, "ann").decisions(now))) == ([run.id], 7, 1)
            assert merge(old, mine.path).runs_grown == []


def test_a_deleted_run_comes_back_with_its_decisions(tmp_path: Path) -> None:
    with open_store(tmp_path, "mine") as mine, open_store(tmp_path, "theirs") as theirs:
        run = put(mine, tmp_path / "a.jsonl", STEPS["one"])
        decide(mine, "ann", run, APPROVE)
        delete_run(mine, run, with_decisions=True)
        put(theirs, tmp_path / "b.jsonl", STEPS["one"])
        merge(mine, theirs.path)
        back = catalog.run_by_id(mine, run.id)
        assert back is not None
        assert [item.verdict for item in Ledger(mine, "ann").decisions(back)] == ["approve"]


def suggest(store: Store, run: RunInfo, version: str, index: int) -> None:
    step = StepRef(id=catalog.step_id(store, run.no, index) or "", index=index)
    quote = Evidence(step=step, part=0, start=0, end=3, quote="one")
    found = Suggestion(
        mode="step-repetition", codebook=MAST.ref, first=step, last=step, evidence=(quote,), score=0.5,
        detector="d", version=version,
    )  # fmt: skip
    suggestions.save(store, run, [found])
    with store.write() as tx:
        tx.execute("DELETE FROM detection")
        row = [run.id, "d", version, "", run.content_id, "done", "", 1, 0.0, "2026"]
        tx.execute("INSERT INTO detection VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)


@pytest.mark.parametrize("later_first", [True, False])
def test_the_later_detectors_word_holds(tmp_path: Path, later_first: bool) -> None:
    with open_store(tmp_path, "mine") as mine, open_store(tmp_path, "theirs") as theirs:
        one, two = put(mine, tmp_path / "a.jsonl", STEPS["one"]), put(theirs, tmp_path / "b.jsonl", STEPS["one"])
        suggest(mine, one, "1.10" if later_first else "1.9", 0)
        suggest(theirs, two, "1.9" if later_first else "1.10", 1)
        assert merge(mine, theirs.path).suggestions == 1
        held = suggestions.suggestions_of(mine, one)
        assert [(item.version, item.first.index) for item in held] == [("1.10", 0 if later_first else 1)]
        assert mine.query("SELECT count(*) FROM suggestion") == [(2,)]


# -- refused --------------------------------------------------------------------------------------------------------


@pytest.fixture
def pair(tmp_path: Path) -> Any:
    """One's own database with a decision, and the path of another one with two."""
    with open_store(tmp_path, "theirs") as theirs:
        run = put(theirs, tmp_path / "b.jsonl", STEPS["two"])
        decide(theirs, "bob", run, APPROVE)
        decide(theirs, "bob", run, SetVerdict(verdict="stop"), number=1)
        path = theirs.path
    with open_store(tmp_path, "mine") as mine:
        decide(mine, "ann", put(mine, tmp_path / "a.jsonl", STEPS["one"]), APPROVE)
        yield mine, path


def change(path: Path, sql: str, *params: object) -> None:
    connection = sqlite3.connect(path)
    connection.execute(sql, params)
    connection.commit()
    connection.close()


def refuse(mine: Store, path: Path, words: str) -> None:
    before = state(mine)
    with pytest.raises(UserError, match=words):
        merge(mine, path)
    assert state(mine) == before


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("UPDATE event SET reviewer = 'eve' WHERE seq = 1", "content was changed"),
        ("DELETE FROM event WHERE seq = 1", "missing"),
        ("DELETE FROM event WHERE seq = 2", "does not end where it should"),
        ("UPDATE step SET id = 'x' || substr(id, 2)", "is not what its id says"),
        ("UPDATE body SET text = replace(text, 'step', 'stop')", "is not what its id says"),
        ("UPDATE run SET content_id = 'c'", "does not hold what its content id says"),
        ("PRAGMA user_version = 99", "newer review-tui"),
    ],
)
def test_changed_files_are_refused(pair: Any, sql: str, words: str) -> None:
    mine, path = pair
    change(path, sql)
    refuse(mine, path, words)


def test_events_that_are_none_are_refused_though_their_chain_is_sound(pair: Any, tmp_path: Path) -> None:
    mine, path = pair
    with Store.open(path) as theirs, theirs.write() as tx:
        fields = {"reviewer": "bob", "run": "r", "content_id": None, "chunk": "c"}
        events.append(tx, kind="undo", payload={"target": "elsewhere:1"}, **fields)
    refuse(mine, path, "no earlier event of the same log")
    with open_store(tmp_path, "third") as third, third.write() as tx:
        events.append(tx, kind="decide", payload={"ops": "all"}, **fields)
    refuse(mine, tmp_path / "third.db", "is not a decision")


def test_a_log_continued_in_two_ways_is_refused(pair: Any, tmp_path: Path) -> None:
    mine, path = pair
    shutil.copy(path, tmp_path / "fork.db")
    for name, who in ((path, "bob"), (tmp_path / "fork.db", "eve")):
        with Store.open(name) as store:
            decide(store, who, catalog.runs(store)[0], APPROVE, number=2)
    merge(mine, path)
    refuse(mine, tmp_path / "fork.db", "from event 3 on")


def test_a_plain_copy_that_went_on_alone_is_taken(pair: Any, tmp_path: Path) -> None:
    mine, path = pair
    merge(mine, path)
    with Store.open(path) as theirs:
        decide(theirs, "bob", catalog.runs(theirs)[0], APPROVE, number=2)
    assert [(item.had, item.new) for item in merge(mine, path).chains if item.new] == [(2, 1)]


def test_what_is_no_database_is_refused(pair: Any, tmp_path: Path) -> None:
    mine, path = pair
    refuse(mine, tmp_path / "nowhere.db", "No such file")
    refuse(mine, write_run(tmp_path / "run.txt", ["x"]), "no review-tui database")
    connection = sqlite3.connect(tmp_path / "alien.db")
    connection.execute("CREATE TABLE thing (x)")
    connection.close()
    refuse(mine, tmp_path / "alien.db", "another program")
    refuse(mine, mine.path, "itself")
    cut = tmp_path / "cut.db"
    cut.write_bytes(path.read_bytes()[:20_000])
    refuse(mine, cut, "damaged|malformed")


def test_a_codebook_that_is_not_what_its_hash_says_is_refused(pair: Any) -> None:
    mine, path = pair
    with Store.open(path) as theirs:
        remember_codebook(theirs, MAST)
    change(path, "UPDATE codebook SET data = replace(data, 'Step', 'Stop')")
    refuse(mine, path, "not what its hash says")


def test_the_other_file_is_not_changed(pair: Any) -> None:
    mine, path = pair
    before = path.read_bytes()
    merge(mine, path)
    assert path.read_bytes() == before


def test_a_file_of_an_older_version_is_read_from_a_copy(pair: Any) -> None:
    mine, path = pair
    change(path, "PRAGMA user_version = 4")
    assert merge(mine, path).events == 2
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (4,)
    connection.close()


def test_adjudications_come_too_and_must_make_sense(pair: Any, tmp_path: Path) -> None:
    from labels.adjudication import ADJUDICATE, Adjudication, Adjudicator, Ruling

    mine, path = pair
    with Store.open(path) as theirs:
        run = catalog.runs(theirs)[0]
        ruling = Ruling(mode="step-repetition", codebook=MAST.ref, outcome="absent", reason="error")
        Adjudicator(theirs, "eve").settle(run, Adjudication(target=target(theirs, run), rulings=(ruling,), blind=True))
    assert merge(mine, path).events == 3
    assert mine.query("SELECT count(*) FROM event WHERE kind = ?", [ADJUDICATE]) == [(1,)]
    with Store.open(path) as theirs, theirs.write() as tx:
        events.append(tx, kind=ADJUDICATE, reviewer="eve", run="r", content_id=None, chunk="c", payload={"x": 1})
    refuse(mine, path, "is no adjudication")


def test_queues_come_with_their_items(pair: Any, tmp_path: Path) -> None:
    from labels import queues

    mine, path = pair
    with Store.open(path) as theirs:
        made = queues.create(theirs, "q", catalog.runs(theirs), policy=POLICY, reviewers=2, codebooks=[MAST])
    assert merge(mine, path).queues == 1
    (queue,) = queues.queues(mine)
    assert (queue.id, queue.items, queue.runs, queue.reviewers) == (made.id, 3, 1, 2)
    assert [ref.id for ref in queue.codebooks] == ["mast"]
    assert merge(mine, path).queues == 0
    with open_store(tmp_path, "third") as third:
        put(third, tmp_path / "third.jsonl", STEPS["two"])
        queues.create(third, "q", catalog.runs(third), policy=POLICY)
        done = merge(third, path)  # the run is in a queue of the same name here
        assert len(done.notes) == 2
        assert {item.runs for item in queues.queues(third)} == {0, 1}
