"""What is exported: the shapes, checked here; with the tools' own clients in test_clients.py."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from gold_desk import LOOP, MAST, NONE, SKIP, Desk, texts

from labels.gold import export as exporting
from labels.gold.export import BUILT_IN, Exported, names
from labels.gold.hiding import Review
from labels.gold.piece import Options
from labels.gold.reading import Release
from labels.gold.release import release
from labels.gold.settle import summary
from labels.gold.splits import Splits
from labels.model import SetNote
from sessions import readers
from sessions.errors import UserError


def export(desk: Desk, to: str) -> Exported:
    return exporting.export(desk.folder / "rel", to, desk.folder / to)


def summaries(desk: Desk) -> dict[str, dict[str, int | None]]:
    """Run -> mode -> 1, 0 or null, as the release has them."""
    return {run.run_id: summary(run.gold, len(run.steps))["mast"] for run in Release(desk.folder / "rel").runs()}


def jsonl(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("to", list(BUILT_IN))
def test_every_export_is_made_again_alike_and_leaves_the_release_alone(released: Desk, to: str):
    if to == "huggingface":
        pytest.importorskip("orjson")
    before = {file: file.read_bytes() for file in (released.folder / "rel").rglob("*") if file.is_file()}
    made = export(released, to)
    again = exporting.export(released.folder / "rel", to, released.folder / "again")
    assert made.files == again.files
    for name in made.files:
        assert (made.path / name).read_bytes() == (again.path / name).read_bytes()
    assert before == {file: file.read_bytes() for file in (released.folder / "rel").rglob("*") if file.is_file()}
    with pytest.raises(UserError, match="in use"):
        export(released, to)


def test_an_unknown_export_and_a_target_in_use(released: Desk):
    with pytest.raises(UserError, match="there is no export"):
        exporting.export(released.folder / "rel", "nowhere", released.folder / "x")
    assert set(names()) >= set(BUILT_IN)
    assert not (released.folder / "x").exists()


def test_a_damaged_release_is_not_exported(released: Desk):
    runs = released.folder / "rel" / "runs.jsonl"
    runs.chmod(0o644)
    runs.write_text(runs.read_text().replace("counts step 2", "counts step 9"))
    with pytest.raises(UserError, match="is damaged"):
        export(released, "csv")
    assert not (released.folder / "csv").exists()


def test_mast_rows_come_back_with_the_same_labels(released: Desk):
    path = export(released, "mast").path / "MAD_full_dataset.json"
    rows = json.loads(path.read_text())
    expected = summaries(released)
    table = MAST.crosswalk("MAD_full_dataset.json")
    assert table is not None
    numbers = {entry.number: entry.to[0] for entry in table.entries}
    assert {row["trace_id"] for row in rows} == set(expected)
    for row in rows:
        assert set(row) == {"mas_name", "llm_name", "benchmark_name", "trace_id", "trace", "mast_annotation"}
        assert {numbers[code]: value for code, value in row["mast_annotation"].items()} == expected[row["trace_id"]]
    values = [value for row in rows for value in row["mast_annotation"].values()]
    assert {0, 1, None} == set(values)
    runs, problems = readers.collect(readers.read(path))
    assert problems == []
    assert {run.header.format for run in runs} == {"mast"}
    for run, row in zip(runs, rows, strict=True):
        assert run.header.reference is not None
        assert run.header.reference["mast_annotation"] == row["mast_annotation"]
        assert len(run.steps) == 6


def test_who_and_when_comes_back_with_the_same_step_and_agent(released: Desk):
    made = export(released, "who-and-when")
    (name,) = made.files
    assert any("2 runs without a gold label" in note for note in made.notes)
    row = json.loads((made.path / name).read_text())
    assert (row["mistake_step"], row["mistake_agent"]) == ("2", "agent")
    assert row["mistake_reason"] == "1.3 Step repetition: again"
    ((run,), problems) = readers.collect(readers.read(made.path / name))
    assert (problems, run.header.format) == ([], "who-and-when")
    assert run.header.reference is not None
    assert run.header.reference["mistake_step"] == "2"
    assert run.header.reference["mistake_agent"] == run.steps[2].actor
    assert run.steps[2].parts[0].text == "run 1 counts step 3"


def test_trail_names_spans_and_quotes(released: Desk):
    made = export(released, "trail")
    found = [json.loads((made.path / name).read_text()) for name in made.files]
    errors = [error for row in found for error in row["errors"]]
    assert {error["category"] for error in errors} == {"Step repetition"}
    steps = {step for run in Release(released.folder / "rel").runs() for step in run.step_ids}
    for error in errors:
        assert set(error) == {"category", "location", "evidence", "description", "impact"}
        assert error["impact"] in ("HIGH", "MEDIUM", "LOW")
        assert error["location"] in steps
        assert error["evidence"] == "run"
    # run 2 is judged in full but for one mode; run 3 in one mode only: an empty list would say "no error"
    assert len(found) == 2 or any("left out" in note for note in made.notes)


def test_scout_has_no_label_where_nothing_was_judged(released: Desk):
    made = export(released, "scout")
    expected = summaries(released)
    for name in made.files:
        for row in jsonl(made.path / name):
            assert "," not in row["id"]
            for mode, value in row["labels"].items():
                assert expected[row["id"]][mode] == int(value)
    per_mode = {row["id"] for row in jsonl(made.path / f"mast/{LOOP}.jsonl")}
    assert per_mode == {run for run, modes in expected.items() if modes[LOOP] is not None}
    whole = {row["id"] for row in jsonl(made.path / "mast.jsonl")} if "mast.jsonl" in made.files else set()
    assert whole == {run for run, modes in expected.items() if None not in modes.values()}


def test_label_studio_has_votes_gold_and_predictions(released: Desk):
    made = export(released, "label-studio")
    tasks = json.loads((made.path / "tasks.json").read_text())
    who = json.loads((made.path / "annotators.json").read_text())
    assert len(tasks) == 6
    (loop,) = [task for task in tasks if task["data"]["first_step"] == 3]
    chosen = sorted(tuple(item["result"][0]["value"]["choices"]) for item in loop["annotations"])
    assert chosen == [("no failure",), *[(f"{LOOP}@mast",)] * 3]
    assert [item["ground_truth"] for item in loop["annotations"]].count(True) == 1
    assert {who[str(item["completed_by"])] for item in loop["annotations"] if item["ground_truth"]} == {"gold"}
    assert "run 1 counts step 3" in loop["data"]["text"]
    predictions = [item for task in tasks for item in task["predictions"]]
    assert [(item["model_version"], item["score"]) for item in predictions] == [("repetition 3", 0.7)]
    config = (made.path / "config.xml").read_text()
    assert f'value="{LOOP}@mast"' in config


def test_openai_chat_is_of_the_train_split_only(released: Desk, three: Desk):
    made = export(released, "openai-chat")
    rows = jsonl(made.path / "train.jsonl")
    assert len(rows) == 6
    answers = [json.loads(row["messages"][2]["content"]) for row in rows]
    assert {"modes": [{"mode": LOOP, "steps": [[3, 3], [3, 4]]}]} in answers
    for row in rows:
        assert [message["role"] for message in row["messages"]] == ["system", "user", "assistant"]
    disputed = next(row for row in rows if "run 1 counts step 6" in row["messages"][1]["content"])
    assert f"- {SKIP}:" not in disputed["messages"][0]["content"]
    nothing = Options("none", splits=Splits.parse("s", ["test=1"]))
    release(three.store, three.folder / "test-only", nothing, Review())
    with pytest.raises(UserError, match="nothing in this release"):
        exporting.export(three.folder / "test-only", "openai-chat", three.folder / "x")
    assert not (three.folder / "x").exists()


def test_csv_cells_are_no_formulas_and_null_is_empty(released: Desk):
    made = export(released, "csv")
    with (made.path / "votes.csv").open(newline="") as file:
        votes = list(csv.DictReader(file))
    assert [row["note"] for row in votes if row["note"]] == ["'=1+1"]
    with (made.path / "gold.csv").open(newline="") as file:
        gold = list(csv.DictReader(file))
    assert len(gold) == 6 * 14
    assert {row["present"] for row in gold} == {"True", "False", ""}
    loops = [row for row in gold if row["mode"] == LOOP and row["present"] == "True"]
    assert [(row["first_step"], row["steps"], row["votes_present"], row["votes_absent"]) for row in loops] == [
        ("3", "[[3,3],[3,4]]", "2", "1")
    ]
    first = [row for row in gold if (row["mode"], row["first_step"], row["last_step"]) == (LOOP, "1", "2")]
    absent = next(row for row in first if row["present"] == "False")
    assert (absent["votes_present"], absent["votes_absent"], absent["settled_by"]) == ("0", "3", "unanimous")


def test_croissant_hashes_are_those_of_the_files(released: Desk):
    from hashlib import sha256

    made = export(released, "croissant")
    document = json.loads((made.path / "croissant.json").read_text())
    for item in document["distribution"]:
        assert sha256((made.path / item["contentUrl"]).read_bytes()).hexdigest() == item["sha256"]
    columns = {record["name"]: len(record["field"]) for record in document["recordSet"]}
    assert set(columns) == {"gold", "labels", "votes", "runs"}
    assert document["version"] == "1.0.0"


def test_huggingface_never_has_an_empty_split_and_one_format(released: Desk):
    made = export(released, "huggingface")
    card = (made.path / "README.md").read_text()
    assert card.startswith("---\nconfigs:\n- config_name: gold\n  default: true\n")
    assert "split: test" not in card
    suffixes = {Path(name).suffix for name in made.files if name != "README.md"}
    assert len(suffixes) == 1
    assert {Path(name).parent.name for name in made.files if name != "README.md"} == {"gold", "labels", "votes", "runs"}
    assert all(size > 0 for size in made.files.values())


def test_a_release_without_mast_has_no_mast_rows(desk: Desk):
    from labels.codebook import BUILT_IN as FOLDER
    from labels.codebook import load
    from labels.maintenance import remember_codebook
    from labels.model import SetNone

    safety = load(FOLDER / "safety.toml")
    remember_codebook(desk.store, safety)
    desk.store.raw_connection().execute("DELETE FROM codebook WHERE id = 'mast'")
    desk.say("ann", desk.run(), None, SetNone(codebook=safety.ref))
    release(desk.store, desk.folder / "rel", Options("demo"), Review())
    with pytest.raises(UserError, match="no labels of the codebook mast"):
        export(desk, "mast")
    assert not (desk.folder / "mast").exists()


def test_hostile_text_stays_data(desk: Desk):
    hostile = 'a\0b\r\n"x",</View>\u2028\x1b[31m'
    run = desk.run(1, [*texts(1, 1), hostile, "=cmd|calc"])
    desk.say("ann", run, 1, NONE, SetNote(text=hostile))
    release(desk.store, desk.folder / "rel", Options("demo", splits=Splits.parse("s", ["train=1"])), Review())
    for to in ("csv", "label-studio", "openai-chat", "croissant", "mast", "huggingface"):
        made = export(desk, to)
        for name in made.files:
            if name.endswith(".csv"):
                assert b"\0" not in (made.path / name).read_bytes()
    with (desk.folder / "csv" / "runs.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 1
