"""TRAIL (Patronus AI, 2025): one JSON file for each run, `{errors: [{category, location, evidence, description,
impact}], scores}`.

A location is the span: the source's own id of the step where it has one, else the step's id. The impact follows from
the codebook: HIGH for fatal modes, MEDIUM for recoverable ones, LOW where it does not say. Scores were not given: the
list is empty. A run whose gold has no label, and not all of whose modes were judged, is left out: an empty list would
say that there is no error.
"""

from __future__ import annotations

from collections.abc import Iterator

from labels.gold.export import Export
from labels.gold.reading import ReleasedRun
from labels.gold.settle import Row, summary
from sessions.jsontext import dump_bytes

_IMPACT = {"fatal": "HIGH", "recoverable": "MEDIUM"}


def export(export: Export) -> None:
    """Writes RUN-ID.json for each run."""
    left = 0
    for run in export.runs():
        errors = list(_errors(run, export))
        values = [value for modes in summary(run.gold, len(run.steps)).values() for value in modes.values()]
        if not errors and (not values or None in values):
            left += 1
            continue
        file = export.folder.file(f"{run.run_id}.json")
        file.write(dump_bytes({"errors": errors, "scores": []}) + b"\n")
        file.rows += 1
        file.close()
    if left:
        export.notes.append(f"{left:,} runs without a gold label, not judged in full, are left out")


def _errors(run: ReleasedRun, export: Export) -> Iterator[Row]:
    for row in run.gold:
        book = export.books.main[row["codebook"]["id"]]
        for detail in row["details"]:
            if not detail["value"]:
                continue
            mode = book.by_slug[detail["mode"]]
            notes = {x["note"] for x in run.labels if x["unit_id"] == row["unit"]["id"] and x["mode"] == mode.slug}
            for span in detail["steps"]:
                first, last = span["first"]["step_index"], span["last"]["step_index"]
                quotes = [item["quote"] for item in detail["evidence"] if first <= item["step_index"] <= last]
                yield {
                    "category": mode.name,
                    "location": run.steps[first].native_id or run.step_ids[first],
                    "evidence": "\n".join(quotes),
                    "description": " / ".join(sorted(filter(None, notes))) or mode.name,
                    "impact": _IMPACT.get(mode.severity.level, "LOW"),
                }
