"""Who&When (ag2ai/Agents_Failure_Attribution, 2025): one JSON file for each failed run, in the form of its
algorithm-generated part.

The decisive step is where the run went wrong by its gold: the first step of the earliest label that annotators called
the root cause or, where none is, of the earliest label. `mistake_step` is a string and counts messages from 0, as
there.
Runs without a gold label have no place in this shape.
"""

from __future__ import annotations

from collections import Counter

from labels.gold.export import Export
from labels.gold.reading import ReleasedRun
from labels.gold.settle import Row
from labels.gold.transcript import step_text
from sessions.jsontext import dump_bytes


def export(export: Export) -> None:
    """Writes RUN-ID.json for each."""
    left = 0
    for run in export.runs():
        row = row_of(run, export.modes)
        if row is None:
            left += 1
            continue
        file = export.folder.file(f"{run.run_id}.json")
        file.write(dump_bytes(row) + b"\n")
        file.rows += 1
        file.close()
    if left:
        export.notes.append(f"{left:,} runs without a gold label are left out: the shape holds failed runs")


def row_of(run: ReleasedRun, modes: dict[str, dict[str, Row]]) -> Row | None:
    """The run in this shape; None if nothing went wrong in it."""
    found = decisive(run)
    if found is None:
        return None
    step, book, detail = found
    header = run.header
    return {
        "is_correct": False,
        "question": header.task or "",
        "question_ID": run.run_id,
        "level": str(header.facts.get("level", "")),
        "ground_truth": "",
        "history": [{"content": step_text(item), "role": _role(item.role), "name": item.actor} for item in run.steps],
        "mistake_agent": _agent(run, step, detail),
        "mistake_step": str(step),
        "mistake_reason": _reason(run, book, detail, modes),
        "mistake_type": detail["mode"],
    }


def decisive(run: ReleasedRun) -> tuple[int, str, Row] | None:
    """(index of the step at which it went wrong, codebook, detail of the mode)"""
    found: list[tuple[bool, int, str, str, Row]] = []
    for row in run.gold:
        for detail in row["details"]:
            if detail["value"] and detail.get("steps"):
                first = min(span["first"]["step_index"] for span in detail["steps"])
                found.append((not detail.get("root_cause"), first, row["codebook"]["id"], detail["mode"], detail))
    if not found:
        return None
    _, step, book, _, detail = min(found, key=lambda item: item[:4])
    return step, book, detail


def _role(role: str) -> str:
    return "user" if role == "user" else "system" if role == "system" else "assistant"


def _agent(run: ReleasedRun, step: int, detail: Row) -> str:
    """Who most annotators blame; without any, who acts in the step."""
    agents: Counter[str] = Counter(detail.get("agents", {}))
    return max(sorted(agents), key=agents.__getitem__) if agents else run.steps[step].actor


def _reason(run: ReleasedRun, book: str, detail: Row, modes: dict[str, dict[str, Row]]) -> str:
    """The mode, and what annotators wrote of it."""
    name = modes[book][detail["mode"]]
    notes = [label["note"] for label in run.labels if label["mode"] == detail["mode"] and label["note"]]
    return ": ".join([f"{name['code']} {name['name']}".strip(), *([" / ".join(sorted(set(notes)))] if notes else [])])
