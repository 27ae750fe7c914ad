"""What is exported comes back as votes with the same labels, through the importers of corpora."""

from collections import Counter

from gold_desk import Desk

from labels.codebook import load_all
from labels.gold import export as exporting
from labels.gold.books import books_of
from labels.gold.people import People
from labels.gold.reading import Release
from labels.gold.rule import Rule
from labels.gold.settle import summary
from labels.gold.status import settled
from labels.importing import import_labels
from labels.ledger import Ledger
from sessions import catalog
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


def test_canonical(released: Desk):
    with Store.open(released.folder / "back.db") as store:
        import_file(store, released.folder / "rel" / "runs.jsonl")
        runs = {run.content_id: run for run in catalog.runs(store)}
        for found in Release(released.folder / "rel").runs():
            reference = catalog.reference(store, runs[found.run_id])
            assert reference is not None
            assert reference["gold"]["units"] == found.gold
        assert len(runs) == 3
