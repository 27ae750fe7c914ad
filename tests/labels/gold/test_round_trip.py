"""What is exported comes back as votes with the same labels, through the importers of corpora."""

from collections import Counter
from pathlib import Path

import pytest
from gold_desk import LOOP, SKIP, Desk

from labels.codebook import load_all
from labels.gold import export as exporting
from labels.gold.books import books_of
from labels.gold.exporters.who_and_when import decisive
from labels.gold.hiding import Review
from labels.gold.people import People
from labels.gold.piece import Options
from labels.gold.reading import Release
from labels.gold.release import release
from labels.gold.rule import Rule
from labels.gold.settle import summary
from labels.gold.status import settled
from labels.importing import import_labels
from labels.importing.released import NOT_ONE
from labels.ledger import Ledger
from sessions import catalog
from sessions.errors import UserError
from sessions.ingest import import_file
from sessions.store import Store


def test_mast(released: Desk):
    made = exporting.export(released.folder / "rel", "mast", released.folder / "mast")
    wanted = {run.run_id: summary(run.gold, len(run.steps))["mast"] for run in Release(released.folder / "rel").runs()}
    with Store.open(released.folder / "back.db") as store:
        import_labels(store, [made.path], load_all())
        got = {}
        for item in settled(store, books_of(store, load_all()), Rule(), People(named=True), Counter()):
            got[item.run.native_id] = summary(item.gold, item.run.steps)["mast"]
        assert got == wanted


def test_who_and_when(released: Desk):
    made = exporting.export(released.folder / "rel", "who-and-when", released.folder / "ww")
    with Store.open(released.folder / "back.db") as store:
        import_labels(store, [made.path], load_all())
        (run,) = catalog.runs(store)
        (said,) = Ledger(store, "anybody").decisions(run, everybody=True)
        (label,) = said.labels
        assert (label.first.index, label.agent) == (2, "agent")
        assert "Step repetition" in label.note


def test_who_and_when_of_several_runs(three: Desk):
    for number, (step, root) in enumerate([(4, 2), (6, None), (1, 6)], 11):
        run = three.run(number)
        three.say("ann", run, None, three.label(run, LOOP, step), *(
            [three.label(run, SKIP, root, root_cause=True, agent="Planner", id="root")] if root else []
        ))  # fmt: skip
    release(three.store, three.folder / "rel", Options("demo"), Review())
    wanted = {}
    for run in Release(three.folder / "rel").runs():
        if (found := decisive(run)) is not None:
            agents = found[2].get("agents")
            wanted[tuple(step.parts[0].text for step in run.steps)] = (
                found[0],
                next(iter(agents)) if agents else "agent",
            )
    assert sorted(step for step, _ in wanted.values()) == [1, 2, 5, 5]
    made = exporting.export(three.folder / "rel", "who-and-when", three.folder / "ww")
    with Store.open(three.folder / "back.db") as store:
        import_labels(store, [made.path], load_all())
        got = {}
        for run in catalog.runs(store):
            (label,) = [label for said in Ledger(store, "x").decisions(run, everybody=True) for label in said.labels]
            texts = tuple(item.step.parts[0].text for item in catalog.steps(store, run.no))
            got[texts] = (label.first.index, label.agent)
        assert got == wanted


def settled_labels(store: Store) -> dict[tuple[str, str, str], dict[str, bool | None]]:
    """(run, unit, codebook) -> mode -> gold."""
    return {
        (row["run_id"], row["unit"]["id"], row["codebook"]["id"]): row["labels"]
        for item in settled(store, books_of(store, load_all()), Rule(), People(named=True), Counter())
        for row in item.gold
    }


@pytest.mark.parametrize("what", ["", "runs.jsonl"])
def test_canonical_labels(released: Desk, what: str):
    """The release itself, imported as labels: the same gold on the same chunks, by the same evidence."""
    path = released.folder / "rel"
    with Store.open(released.folder / "back.db") as store:
        done = import_labels(store, [path / what], load_all())
        assert {source.annotator for source in done.sources.values()} == {"outside:gold demo"}
        wanted = {
            (row["run_id"], row["unit"]["id"], row["codebook"]["id"]): row["labels"]
            for run in Release(path).runs()
            for row in run.gold
            if any(value is not None for value in row["labels"].values())
        }
        assert len(wanted) > 3
        assert settled_labels(store) == wanted
        again = import_labels(store, [path / what], load_all())
        assert [(source.new, source.known > 0) for source in again.sources.values()] == [(0, True)]
        release(store, released.folder / "back", Options("demo"), Review())
        was, now = (list(Release(folder).runs()) for folder in (path, released.folder / "back"))
        for old, new in zip(was, now, strict=True):
            places = [
                [
                    (d["mode"], d.get("steps"), d.get("evidence"), d.get("root_cause"))
                    for r in run.gold
                    for d in r["details"]
                    if d["value"]
                ]
                for run in (old, new)
            ]
            assert places[0] == places[1]


def test_canonical_with_another_codebook_and_what_does_not_fit(released: Desk, tmp_path: Path):
    path = tmp_path / "runs.jsonl"
    text = (released.folder / "rel" / "runs.jsonl").read_text()
    path.write_text(text.replace('"sha256":"', '"sha256":"0'))
    with Store.open(tmp_path / "r.db") as store, pytest.raises(UserError, match="no labels"):
        import_labels(store, [path], load_all())
    path.write_text(
        text.replace('"step_index":2}', '"step_index":99}').replace('"labels":{', '"labels":{"no-such-mode":true,')
    )
    with Store.open(tmp_path / "r.db") as store:
        done = import_labels(store, [path], load_all())
        assert done.left_out[NOT_ONE] > 0


def test_canonical(released: Desk):
    with Store.open(released.folder / "back.db") as store:
        import_file(store, released.folder / "rel" / "runs.jsonl")
        runs = {run.content_id: run for run in catalog.runs(store)}
        for found in Release(released.folder / "rel").runs():
            reference = catalog.reference(store, runs[found.run_id])
            assert reference is not None
            assert reference["gold"]["units"] == found.gold
        assert len(runs) == 3
