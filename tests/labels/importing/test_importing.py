"""Votes that came with corpora, as votes of outside annotators."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from labels import events, fold
from labels.codebook import load_all
from labels.coding.coder import Coder
from labels.coding.fold import NoteKey
from labels.coding.notes import board
from labels.importing import Imported, import_labels
from labels.importing.beside import category
from labels.importing.books import outside, outside_ids
from labels.ledger import Ledger, rebuild
from labels.merging import merge
from labels.model import WHOLE_RUN, Act, Decision, SetNone, SetVerdict
from labels.scoring.truth import Account
from labels.scoring.votes import OUTSIDE, blind_votes
from sessions import catalog
from sessions.errors import UsageError, UserError
from sessions.store import Store

BOOKS = load_all()
MESSAGES = [
    {"role": "human", "content": "What is the height of the tower?"},
    {"role": "Orchestrator (thought)", "content": "I ask the surfer."},
    {"role": "Orchestrator (-> WebSurfer)", "content": "Search the height of the tower."},
    {"role": "WebSurfer", "content": "It says 300 m, or 330 m with the antenna."},
    {"role": "Orchestrator (thought)", "content": "300 m it is."},
]


@pytest.fixture
def store(tmp_path: Path):
    with Store.open(tmp_path / "r.db") as opened:
        yield opened


def write(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    return path


def who_and_when(path: Path, **more: Any) -> Path:
    row = {
        "question": "What is the height?", "question_ID": "q1", "history": MESSAGES, "mistake_agent": "WebSurfer",
        "mistake_step": "3", "mistake_reason": "It left\nthe antenna open.", "ground_truth": "330 m",
    }  # fmt: skip
    return write(path, row | more)


def agentrx(folder: Path, failures: list[dict[str, Any]], root: Any = 1) -> Path:
    chat = [{"role": item["role"], "content": item["content"]} for item in MESSAGES]
    write(folder / "runs" / "traj-1.json", {"messages": chat})
    item = {"trajectory_id": "traj-1", "failures": failures, "root_cause": {"failure_id": root}}
    return write(folder / "ground_truth.json", [item])


def failure(number: int, step: Any, name: str, agent: str = "Websurfer") -> dict[str, Any]:
    return {
        "failure_id": number, "step_number": step, "step_reason": "why", "failure_category": name,
        "category_reason": "why", "failed_agent": agent,
    }  # fmt: skip


def decisions(store: Store, reviewer: str) -> list[Decision]:
    rows = store.query("SELECT data FROM decision WHERE reviewer = ? ORDER BY run, chunk", [f"outside:{reviewer}"])
    return [Decision.model_validate_json(row[0]) for row in rows]


def bring(store: Store, *paths: Path) -> Imported:
    return import_labels(store, list(paths), BOOKS)


def test_who_and_when_and_agentrx_meet_on_one_run(store: Store, tmp_path: Path) -> None:
    failures = [failure(1, 4, "Misinterpretation of tool output"), failure(2, 5, "Invention of New Information")]
    one, two = who_and_when(tmp_path / "ww" / "1.json"), agentrx(tmp_path / "rx", failures, root="1")
    done = bring(store, one.parent, two.parent)
    assert (len(done.runs), done.linked == done.runs) == (1, True)
    (said,), (other,) = decisions(store, "who-and-when"), decisions(store, "agentrx")
    (label,) = said.labels
    assert (label.mode, label.first.index, label.agent, label.root_cause) == ("decisive-error", 3, "WebSurfer", True)
    assert label.note == "It left the antenna open."
    assert said.target.id == WHOLE_RUN
    assert said.run == other.run
    steps = [(item.mode, item.first.index, item.root_cause, item.agent) for item in other.labels]
    assert steps == [
        ("misread-tool-output", 3, True, "Websurfer"),
        ("invention-of-information", 4, False, "Websurfer"),
    ]
    assert label.first == other.labels[0].first  # one step, counted from 0 by one team and from 1 by the other


def test_importing_again_adds_nothing_and_a_corrected_source_replaces(store: Store, tmp_path: Path) -> None:
    path = who_and_when(tmp_path / "1.json")
    bring(store, path)
    count = store.one("SELECT count(*) FROM event")
    again = bring(store, path)
    assert store.one("SELECT count(*) FROM event") == count
    assert (again.sources["who-and-when"].known, again.sources["who-and-when"].new) == (1, 0)
    done = bring(store, who_and_when(tmp_path / "1.json", mistake_step="2"))
    assert done.sources["who-and-when"].changed == 1
    assert [item.labels[0].first.index for item in decisions(store, "who-and-when")] == [2]


def test_two_databases_that_imported_one_corpus_have_one_vote_after_a_merge(tmp_path: Path) -> None:
    path = who_and_when(tmp_path / "1.json")
    with Store.open(tmp_path / "a.db") as one, Store.open(tmp_path / "b.db") as two:
        bring(one, path)
        bring(two, path)
        merge(one, two.path)
        (said,) = decisions(one, "who-and-when")
        assert len(said.labels) == 1


def test_votes_are_nobodys_to_take_back_and_no_measure_of_detectors(store: Store, tmp_path: Path) -> None:
    bring(store, who_and_when(tmp_path / "1.json"))
    (run,) = catalog.runs(store)
    with pytest.raises(UsageError, match="imported labels"):
        Ledger(store, "outside:who-and-when")
    found = events.of_runs(store, [run.id])
    assert [event.data["how"] for event in found] == ["import"]
    assert fold.stacks(found).undo == []
    account = Account()
    assert list(blind_votes(store, account)) == []
    assert account.left_out == Counter({OUTSIDE: 1})
    before = store.query("SELECT * FROM decision")
    rebuild(store)
    assert store.query("SELECT * FROM decision") == before
    assert events.verify(store) == []


def test_what_does_not_fit_is_counted(store: Store, tmp_path: Path) -> None:
    who_and_when(tmp_path / "ww" / "1.json", mistake_step="99")
    who_and_when(tmp_path / "ww" / "2.json", mistake_step="three", question_ID="q2", history=MESSAGES[:4])
    failures = [failure(1, 0, "System Failure"), failure(2, 2, "Cosmic Rays", ""), failure(3, "x", "System Failure")]
    agentrx(tmp_path / "rx", failures, root=9)
    done = bring(store, tmp_path)
    assert done.left_out["Who&When votes whose step is not in the run"] == 2
    assert done.left_out["AgentRx failures whose step is not in the run"] == 2
    assert done.left_out["AgentRx failures of a category that is not known (kept as other-failure)"] == 1
    assert done.left_out["AgentRx runs whose root cause is none of their failures"] == 1
    (said,) = decisions(store, "agentrx")
    assert [(item.mode, item.note, item.agent) for item in said.labels] == [("other-failure", "Cosmic Rays: why", None)]


def test_nothing_labelled_is_said(store: Store, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no labels"):
        bring(store, write(tmp_path / "chat.json", {"messages": [{"role": "user", "content": "hi"}]}))
    with pytest.raises(UserError, match="no file or folder"):
        bring(store, tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Intent Not Supported", "intent-not-supported"),
        ("Intent not supported", "intent-not-supported"),
        ("Instruction/Plan Adherence Failure", "plan-adherence-failure"),
        ("Instruction Adherence Failure", "plan-adherence-failure"),
        ("Intent–Plan Misalignment", "intent-plan-misalignment"),
        ("INVALID INVOCATION", "invalid-invocation"),
        ("", None),
        ("Cosmic rays", None),
    ],
)
def test_categories_are_known_however_they_are_spelled(name: str, slug: str | None) -> None:
    assert category(name, outside("agentrx")) == slug


def test_outside_codebooks_are_sound_and_not_loaded_by_default() -> None:
    assert outside_ids() == ["agentrx", "attribution", "outcome"]
    for name in outside_ids():
        assert outside(name).id == name
        assert name not in {book.id for book in BOOKS}


# -- MAST -----------------------------------------------------------------------------------------------------------


def mast_row(number: int, name: str, answers: dict[str, list[Any]], text: str) -> dict[str, Any]:
    rows = [
        {"failure mode": f"{mode}\n\nwords", **{f"annotator_{place + 1}": value for place, value in enumerate(said)}}
        for mode, said in answers.items()
    ]
    trace = json.dumps({"trajectory": [{"content": text, "role": "user", "name": "a"}], "problem_statement": text})
    return {
        "round": name, "mas_name": "AG2", "benchmark_name": "GSM", "trace_id": number, "trace": trace,
        "annotations": rows,
    }  # fmt: skip


def test_masts_annotators_vote_each_for_themselves_on_what_they_were_asked(store: Store, tmp_path: Path) -> None:
    first = {"1.5 Step repetition": [True, False, None], "1.4 Unbatched repetitive execution": [True, True, True]}
    rows = [
        mast_row(0, "Round 2", first, "one"),
        mast_row(1, "Round 2", first, "two"),
        mast_row(2, "Round 9", first, "three"),
    ]
    done = bring(store, write(tmp_path / "mast.json", rows))
    assert done.sources["mast-annotator-1"].repeats == 1
    assert "2 rows hold 1 distinct block" in done.notes[0]
    assert done.left_out["rows of MAST's human labels from a round that no crosswalk knows"] == 1
    yes, no = decisions(store, "mast-annotator-1"), decisions(store, "mast-annotator-2")
    assert sorted(item.blind_votes for item in yes) == [False, True]
    assert {label.mode for item in yes for label in item.labels} == {"step-repetition"}
    assert yes[0].labels[0].note == "Round 2: 1.5 Step repetition"
    assert all(not item.labels and [ref.id for ref in item.none] == ["mast"] for item in no)
    assert {item.judged[0].modes for item in [*yes, *no]} == {("step-repetition",)}
    assert decisions(store, "mast-annotator-3") == []  # gave no answer to anything that has a mode today


def test_only_annotators_words_are_notes_to_code(store: Store, tmp_path: Path) -> None:
    answers = {"1.5 Step repetition": [True, False]}
    bring(store, write(tmp_path / "mast.json", [mast_row(0, "Round 2", answers, "one")]))
    assert store.query("SELECT 1 FROM decision WHERE data LIKE '%read through%'")
    assert board(store, "ann").notes == []
    bring(store, who_and_when(tmp_path / "1.json"))
    assert [(note.text, note.is_imported) for note in board(store, "ann").notes] == [
        ("It left the antenna open.", True)
    ]
    (row, *_) = store.query("SELECT run, reviewer, chunk, label FROM note WHERE reviewer LIKE '%mast-annotator-1'")
    Coder(store, "ann").assign("coded before", [NoteKey(*row)])
    assert len(board(store, "ann").notes) == 2  # what has a code stays


def test_the_full_set_is_a_models_vote(store: Store, tmp_path: Path) -> None:
    row = mast_row(0, "x", {}, "one") | {"mast_annotation": {"1.3": 1, "1.1": 0, "2.1": None}}
    del row["annotations"]
    bring(store, write(tmp_path / "full.json", [row]))
    (said,) = decisions(store, "mast-judge (model)")
    assert [label.mode for label in said.labels] == ["step-repetition"]
    assert set(said.judged[0].modes) == {"step-repetition", "disobey-task-specification"}


def test_tau_bench_rewards_are_outcomes(store: Store, tmp_path: Path) -> None:
    rows = [
        {
            "task_id": place,
            "trial": 0,
            "reward": reward,
            "info": {},
            "traj": [{"role": "user", "content": f"hi {place}"}],
        }
        for place, reward in enumerate([1.0, 0.0])
    ]
    bring(store, write(tmp_path / "tau.json", rows))
    found = decisions(store, "tau-bench-reward")
    assert sorted((len(item.labels), len(item.none)) for item in found) == [(0, 1), (1, 0)]


def test_agentdash_is_a_models_vote_on_the_run_that_it_names(store: Store, tmp_path: Path) -> None:
    bring(store, who_and_when(tmp_path / "1.json"))
    (run,) = catalog.runs(store)
    answer = {"failure_modes": {"1.3": 1, "1.1": 0}, "summary": "Loops.", "task_completion": False, "raw_response": ""}
    answers = [{**answer, "run": run.id}, {**answer, "run": "unknown"}]
    done = bring(store, write(tmp_path / "answers.json", answers))
    (said,) = decisions(store, "agentdash (model)")
    assert [label.mode for label in said.labels] == ["step-repetition"]
    assert done.left_out["agentdash answers whose run is not in the database (or which name none)"] == 1


def test_sample_traces_carry_steps_and_quotes(store: Store) -> None:
    folder = Path(__file__).resolve().parents[3] / "sample_traces"
    bring(store, folder)
    labels = [label for item in decisions(store, "reference") for label in item.labels]
    assert labels
    assert all(place.quote for label in labels for place in label.evidence)
    assert any(label.evidence for label in labels)


def test_an_outside_vote_does_not_touch_ones_own(store: Store, tmp_path: Path) -> None:
    path = who_and_when(tmp_path / "1.json")
    bring(store, path)
    (run,) = catalog.runs(store)
    from labels.ledger import run_target

    act = Act(
        target=run_target(store, run), ops=(SetVerdict(verdict="stop"), SetNone(codebook=BOOKS.get("mast").ref)),
        blind_suggestions=True, blind_votes=True,
    )  # fmt: skip
    ann = Ledger(store, "ann")
    ann.record(run, act)
    bring(store, who_and_when(tmp_path / "1.json", mistake_step="1"))
    assert [item.verdict for item in ann.decisions(run)] == ["stop"]
    assert ann.can_undo_redo(run) == (1, 0)


@pytest.mark.real_data
def test_real_corpora(store: Store, real_data: Path) -> None:
    paths = [real_data / name for name in ("whowhen", "agentrx", "mast", "taubench")]
    done = bring(store, *paths)
    counts = {name: (item.new, item.labels, item.repeats) for name, item in done.sources.items()}
    assert counts["who-and-when"] == (81, 81, 0)
    assert counts["agentrx"] == (20, 139, 0)
    assert counts["mast-annotator-1"][2] == 11  # 19 rows, 8 blocks of annotations
    assert counts["ag2-gold"][0] == 24
    assert counts["tau-bench-reward"][0] == 60
    assert len(done.linked) == 8  # as many as a comparison of the raw messages finds
