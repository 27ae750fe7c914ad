"""MAST-Data: one JSON list of rows `{mas_name, llm_name, benchmark_name, trace_id, trace: {key, index, trajectory},
mast_annotation}` (mcemri/MAST-Data, 2025).

1 where any chunk or the run has the gold label; 0 only where the whole run, or every step of it, was judged; null
otherwise. The trace id is the run's content id, never a running number. Modes go by the numbers of that data set
(crosswalk of the codebook `mast`).
"""

from __future__ import annotations

from labels.gold.export import Export
from labels.gold.reading import ReleasedRun
from labels.gold.settle import Row, summary
from labels.gold.transcript import step_text
from sessions.errors import UserError
from sessions.jsontext import dump_bytes, dumps

BOOK = "mast"
DATA_SET = "MAD_full_dataset.json"


def export(export: Export) -> None:
    """Writes MAD_full_dataset.json. Raises UserError where the release has no labels of MAST."""
    book = export.books.main.get(BOOK)
    table = book.crosswalk(DATA_SET) if book else None
    if table is None:
        raise UserError("this release has no labels of the codebook mast.", "The shape holds only those.")
    numbers = {entry.number: entry.to[0] for entry in table.entries if len(entry.to) == 1}
    file = export.folder.file(DATA_SET)
    file.write(b"[")
    for index, run in enumerate(export.runs()):
        file.write((b",\n" if index else b"\n") + dump_bytes(_row(run, index, numbers)))
        file.rows += 1
    file.write(b"\n]\n")


def _row(run: ReleasedRun, index: int, numbers: dict[str, str]) -> Row:
    modes = summary(run.gold, len(run.steps)).get(BOOK, {})
    messages = [{"content": step_text(step), "role": step.role, "name": step.actor} for step in run.steps]
    facts = run.header.facts
    return {
        "mas_name": run.header.system or "unknown",
        "llm_name": facts.get("llm_name") or run.header.model or "unknown",
        "benchmark_name": facts.get("benchmark_name") or facts.get("benchmark") or "unknown",
        "trace_id": run.run_id,
        "trace": {"key": run.run_id, "index": index, "trajectory": dumps(messages)},
        "mast_annotation": {number: modes.get(slug) for number, slug in numbers.items()},
    }
