"""Label Studio: tasks.json to import, and config.xml, the labelling interface that they belong to.

A task is a chunk (or a whole run). Each vote that judged the modes is an annotation, `lead_time` its seconds; the gold
is one more, marked `ground_truth`, where all modes are settled. What detectors suggested are predictions, with
`model_version`. "No failure" is a choice of its own, because an empty annotation says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import quoteattr

from labels.gold.export import Export
from labels.gold.reading import ReleasedRun
from labels.gold.settle import Row, unit_order
from labels.gold.transcript import steps_text
from sessions.jsontext import dump_bytes

NONE = "no failure"
_GOLD = "gold"
#: The time of what was settled without any vote.
_NEVER = "1970-01-01T00:00:00.000+00:00"


def export(export: Export) -> None:
    """Writes tasks.json, config.xml and annotators.json (what `completed_by` stands for)."""
    export.folder.text("config.xml", _config(export))
    people = sorted({who for names in export.release.manifest["annotators"]["by_role"].values() for who in names})
    numbers = {name: number for number, name in enumerate([_GOLD, *people], 1)}
    export.folder.text("annotators.json", dump_bytes({str(n): name for name, n in numbers.items()}).decode() + "\n")
    file = export.folder.file("tasks.json")
    file.write(b"[")
    ids = _Ids()
    for run in export.runs():
        for task in _tasks(run, export, numbers, ids):
            file.write((b",\n" if file.rows else b"\n") + dump_bytes(task))
            file.rows += 1
    file.write(b"\n]\n")


class _Ids:
    """Numbers for tasks and annotations."""

    def __init__(self) -> None:
        self.task = self.annotation = 0


def _config(export: Export) -> str:
    choices = [
        f"    <Choice value={quoteattr(choice(book, mode))} hint={quoteattr(name['name'])}/>"
        for book, modes in export.modes.items()
        for mode, name in modes.items()
    ]
    return "\n".join(
        [
            "<View>",
            '  <Text name="text" value="$text"/>',
            '  <Choices name="modes" toName="text" choice="multiple">',
            f"    <Choice value={quoteattr(NONE)}/>",
            *choices,
            "  </Choices>",
            "</View>",
            "",
        ]
    )


def choice(book: str, mode: str) -> str:
    """A mode as a choice."""
    return f"{mode}@{book}"


def _tasks(run: ReleasedRun, export: Export, numbers: dict[str, int], ids: _Ids) -> Iterator[Row]:
    units = {row["unit"]["id"]: row["unit"] for row in (*run.votes, *run.gold)}
    for unit in sorted(units.values(), key=unit_order):
        first, last = unit["first"]["step_index"], unit["last"]["step_index"]
        text = steps_text((index, run.steps[index]) for index in range(first, last + 1))
        ids.task += 1
        yield {
            "id": ids.task,
            "data": {
                "text": text, "run_id": run.run_id, "unit_id": unit["id"], "scope": unit["scope"], "split": run.split,
                "first_step": first + 1, "last_step": last + 1,
            },
            "annotations": list(_annotations(run, unit, numbers, ids)),
            "predictions": list(_predictions(run, unit, export)),
        }  # fmt: skip


def _annotations(run: ReleasedRun, unit: Row, numbers: dict[str, int], ids: _Ids) -> Iterator[Row]:
    for vote in run.votes:
        if vote["unit"]["id"] == unit["id"] and vote["codebooks"]:
            chosen = [choice(said["id"], mode) for said in vote["codebooks"] for mode in said["present"]]
            unsure = any(said["unsure"] for said in vote["codebooks"])
            if chosen or not unsure:
                yield _annotation(chosen, numbers[vote["annotator"]], vote["at"], vote["seconds"], ids)
    gold = [row for row in run.gold if row["unit"]["id"] == unit["id"]]
    if gold and all(value is not None for row in gold for value in row["labels"].values()):
        chosen = [choice(row["codebook"]["id"], mode) for row in gold for mode, value in row["labels"].items() if value]
        # The gold is as old as the last vote; without a time, the converter of Label Studio fails on it.
        at = max((vote["at"] for vote in run.votes if vote["unit"]["id"] == unit["id"]), default=_NEVER)
        yield {**_annotation(chosen, numbers[_GOLD], at, None, ids), "ground_truth": True}


def _annotation(chosen: list[str], who: int, at: str, seconds: float | None, ids: _Ids) -> Row:
    ids.annotation += 1
    return {
        "id": ids.annotation, "completed_by": who, "was_cancelled": False, "ground_truth": False, "lead_time": seconds,
        "created_at": at, "updated_at": at, "result": [_result(f"r{ids.annotation}", chosen or [NONE])],
    }  # fmt: skip


def _result(key: str, chosen: list[str]) -> Row:
    return {"id": key, "from_name": "modes", "to_name": "text", "type": "choices", "value": {"choices": sorted(chosen)}}


def _predictions(run: ReleasedRun, unit: Row, export: Export) -> Iterator[Row]:
    """By detector; those for modes of no codebook here have no choice to stand for."""
    first, last = unit["first"]["step_index"], unit["last"]["step_index"]
    found: dict[str, list[Row]] = {}
    for item in run.suggestions:
        known = item["mode"] in export.modes.get(item["codebook"]["id"], {})
        if known and item["first"]["step_index"] <= last and first <= item["last"]["step_index"]:
            found.setdefault(f"{item['detector']} {item['version']}", []).append(item)
    for version, items in sorted(found.items()):
        chosen = sorted({choice(item["codebook"]["id"], item["mode"]) for item in items})
        score = max(item["score"] for item in items)
        yield {"model_version": version, "score": score, "result": [_result("p", chosen)]}
