"""Inspect Scout: validation sets, JSONL rows `{id, split, labels: {mode: bool}}`, whose ids are those of transcripts.

Scout takes a missing label for a negative one. So that "not judged" does not become "absent", there is one file for
each mode, with the runs on which that mode is settled, and one for each codebook with the runs on which all its modes
are.
Ids hold no comma, at which Scout would cut them into a list.
"""

from __future__ import annotations

from labels.gold.export import Export
from labels.gold.folder import File
from labels.gold.settle import Row, summary


def export(export: Export) -> None:
    """Writes CODEBOOK/MODE.jsonl, and CODEBOOK.jsonl."""
    files: dict[str, File] = {}

    def put(name: str, row: Row) -> None:
        if name not in files:
            files[name] = export.folder.file(name)
        files[name].row(row)

    for run in export.runs():
        for book, modes in summary(run.gold, len(run.steps)).items():
            known = {mode: bool(value) for mode, value in modes.items() if value is not None}
            head = {"id": run.run_id, "split": run.split}
            for mode, value in known.items():
                put(f"{book}/{mode}.jsonl", {**head, "labels": {mode: value}})
            if len(known) == len(modes):
                put(f"{book}.jsonl", {**head, "labels": known})
    if not files:
        export.notes.append("no mode is settled on a whole run")
