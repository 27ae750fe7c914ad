"""Exports, loaded by the real clients, unmodified: `make test-clients` installs them beside the project and runs this.

They are large, so that an ordinary test run does without; each test says which one it lacks.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from gold_desk import LOOP, SKIP, Desk

from labels import queues
from labels.gold import export as exporting
from labels.gold.hiding import Review
from labels.gold.piece import Options
from labels.gold.reading import Release
from labels.gold.release import release
from labels.gold.settle import summary
from labels.gold.splits import Splits

pytestmark = pytest.mark.clients


def client(name: str) -> Any:
    return pytest.importorskip(name, reason=f"{name} is not installed: `make test-clients` does that")


def export(desk: Desk, to: str) -> Path:
    return exporting.export(desk.folder / "rel", to, desk.folder / to).path


def expected(desk: Desk) -> dict[tuple[str, str, str], bool | None]:
    """(run, unit, mode) -> gold."""
    return {
        (run.run_id, row["unit"]["id"], mode): value
        for run in Release(desk.folder / "rel").runs()
        for row in run.gold
        for mode, value in row["labels"].items()
    }


def no_home(monkeypatch: pytest.MonkeyPatch, desk: Desk) -> None:
    """Nothing of the user's caches, and no network."""
    for name in ("HF_HOME", "HF_DATASETS_CACHE", "XDG_CACHE_HOME", "CROISSANT_CACHE"):
        monkeypatch.setenv(name, str(desk.folder / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.mark.parametrize("parquet", [True, False])
def test_datasets(released: Desk, monkeypatch: pytest.MonkeyPatch, parquet: bool):
    no_home(monkeypatch, released)
    datasets = client("datasets")
    if not parquet:
        from labels.gold.exporters import huggingface

        monkeypatch.setattr(huggingface, "_writer", huggingface._Jsonl)
    path = export(released, "huggingface")
    assert list(path.rglob("*.parquet" if parquet else "*.jsonl"))
    told = "parquet files here were written by pyarrow" in (path / "README.md").read_text()
    assert told is parquet  # its bytes are those of a version, unlike everything else
    cache = str(released.folder / f"cache-{parquet}")
    loaded = datasets.load_dataset(str(path), cache_dir=cache)
    assert list(loaded) == ["train"]
    got = {(row["run_id"], row["unit_id"], row["mode"]): row["present"] for row in loaded["train"]}
    assert got == expected(released)
    assert None in got.values()
    for table, rows in (("labels", 4), ("votes", 12), ("runs", 3)):
        assert datasets.load_dataset(str(path), table, cache_dir=cache)["train"].num_rows == rows
    labels = datasets.load_dataset(str(path), "labels", cache_dir=cache)["train"]
    assert labels.features["caused_by"].dtype == "string"  # a column of nulls has its type
    assert json.loads(labels[0]["evidence"])[0]["quote"] == "run"


def test_datasets_with_several_splits(three: Desk, monkeypatch: pytest.MonkeyPatch):
    no_home(monkeypatch, three)
    datasets = client("datasets")
    splits = Splits.parse("t", ["train=1", "test=1", "validation=0"])
    release(three.store, three.folder / "rel", Options("demo", splits=splits), Review())
    there = {run.split for run in Release(three.folder / "rel").runs()}
    loaded = datasets.load_dataset(str(export(three, "huggingface")), cache_dir=str(three.folder / "cache"))
    assert set(loaded) == there


def test_a_release_of_one_queue(three: Desk, monkeypatch: pytest.MonkeyPatch):
    no_home(monkeypatch, three)
    datasets, mlcroissant = client("datasets"), client("mlcroissant")
    key = queues.create(three.store, "q", [three.run(1)], policy="every:2", order="random", size=2, seed="s").id
    splits = Splits.parse("s", ["train=1", "test=0"])
    release(three.store, three.folder / "rel", Options("demo", splits=splits, queue=key), Review())
    (run,) = Release(three.folder / "rel").runs()
    wanted = {row["unit"]["id"]: (row["kind"], row["weight"]) for row in run.queue}
    assert set(wanted.values()) == {("all", 1.5)}
    loaded = datasets.load_dataset(str(export(three, "huggingface")), "queue", cache_dir=str(three.folder / "cache"))
    assert {row["unit_id"]: (row["kind"], row["weight"]) for row in loaded["train"]} == wanted
    dataset = mlcroissant.Dataset(jsonld=str(export(three, "croissant") / "croissant.json"))
    assert not dataset.metadata.issues.errors
    assert len(list(dataset.records("queue"))) == 2


def test_pandas(released: Desk):
    pandas = client("pandas")
    frame = pandas.read_csv(export(released, "csv") / "gold.csv")
    got = {
        (row.run_id, row.unit_id, row.mode): None if pandas.isna(row.present) else row.present in (True, "True")
        for row in frame.itertuples()
    }
    assert got == expected(released)
    raw = pandas.read_json(released.folder / "rel" / "gold.jsonl", lines=True)
    assert len(raw) == 6
    rows = pandas.read_json(export(released, "mast") / "MAD_full_dataset.json")
    assert len(rows) == 3


def test_duckdb(released: Desk):
    duckdb = client("duckdb")
    path = export(released, "mast") / "MAD_full_dataset.json"
    got = dict(duckdb.sql(f"SELECT trace_id, mast_annotation['1.3'] FROM read_json('{path}')").fetchall())
    wanted = {run.run_id: summary(run.gold, 6)["mast"][LOOP] for run in Release(released.folder / "rel").runs()}
    assert {key: None if value is None else int(value) for key, value in got.items()} == wanted
    raw = duckdb.sql(
        f"SELECT count(*) FROM read_json('{released.folder / 'rel' / 'gold.jsonl'}') WHERE labels['{LOOP}'] = true"
    ).fetchone()
    assert raw == (1,)
    client("pyarrow")
    parquet = export(released, "huggingface") / "gold" / "*.parquet"
    found = duckdb.sql(f"SELECT run_id, unit_id, mode, present FROM '{parquet}'").fetchall()
    assert {row[:3]: row[3] for row in found} == expected(released)


def test_inspect_scout(released: Desk):
    client("inspect_scout")
    from inspect_scout import validation_set

    path = export(released, "scout")
    wanted = {run.run_id: summary(run.gold, 6)["mast"] for run in Release(released.folder / "rel").runs()}
    for mode in (LOOP, SKIP):
        cases = validation_set(str(path / "mast" / f"{mode}.jsonl")).cases
        got = {case.id: case.labels[mode] for case in cases}
        assert got == {run: bool(modes[mode]) for run, modes in wanted.items() if modes[mode] is not None}
        assert {case.split for case in cases} == {"train"}


def test_label_studio(released: Desk):
    client("label_studio_sdk")
    from label_studio_sdk.label_interface import LabelInterface

    path = export(released, "label-studio")
    interface = LabelInterface((path / "config.xml").read_text())
    interface.validate()
    tasks = json.loads((path / "tasks.json").read_text())
    checked = 0
    for task in tasks:
        for annotation in task["annotations"]:
            assert interface.validate_annotation(annotation)
            checked += 1
        for prediction in task["predictions"]:
            assert interface.validate_prediction(prediction)
            checked += 1
    assert checked > 10
    wrong = json.loads(json.dumps(tasks[0]["annotations"][0]))
    wrong["result"][0]["value"]["choices"] = ["no such mode"]
    assert not interface.validate_annotation(wrong)


def test_label_studio_converter(released: Desk):
    client("label_studio_sdk")
    import csv

    from label_studio_sdk.converter import Converter

    path = export(released, "label-studio")
    out = released.folder / "converted"
    converter = Converter(str(path / "config.xml"), str(path))
    converter.convert_to_csv(str(path / "tasks.json"), str(out), is_dir=False, sep=",")
    (file,) = [out] if out.is_file() else list(out.rglob("*.csv"))
    with file.open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert any(LOOP in row["modes"] for row in rows)


def test_croissant(released: Desk, monkeypatch: pytest.MonkeyPatch):
    no_home(monkeypatch, released)
    mlcroissant = client("mlcroissant")
    path = export(released, "croissant")
    dataset = mlcroissant.Dataset(jsonld=str(path / "croissant.json"))
    assert not dataset.metadata.issues.errors
    assert not dataset.metadata.issues.warnings

    def plain(value: Any) -> Any:
        return value.decode() if isinstance(value, bytes) else value

    got = {}
    for record in dataset.records("gold"):
        row = {key.rpartition("/")[2]: plain(value) for key, value in record.items()}
        value = row["present"]
        got[row["run_id"], row["unit_id"], row["mode"]] = None if value is None or value != value else bool(value)
    assert got == expected(released)
