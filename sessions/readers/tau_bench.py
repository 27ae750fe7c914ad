"""tau-bench results: one JSON list of `{task_id, reward, info, traj, trial}`, each a run.

Versions read: the first tau-bench (no version in the files). Growth: the whole file is rewritten after each run.
`traj` holds OpenAI chat messages: the user is played by another model, which gets `info.task.instruction` (here
`Header.task`). Reward, gold actions and expected outputs are what a grader knows: they go to `Header.reference`,
as does every field that is not known here, because the source's own `info` is mostly the grader's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessions.jsontext import dump_bytes
from sessions.readers.base import Head, Source
from sessions.readers.chat_messages import Assembler
from sessions.readers.leftovers import mapping, sequence, text_or_none
from sessions.readers.salvage import open_document
from sessions.readers.shared import string, title_of
from sessions.run import Header, Record

_MARKS = ("task_id", "traj", "reward", "trial", "info")
_PUBLIC_INFO = ("source", "user_cost", "error", "traceback")


class TauBenchReader:
    name = "tau-bench"
    title = "tau-bench results"
    versions = "1"
    gaps = "Results have neither times nor tokens. Errors of tools are inferred."

    def sniff(self, head: Head) -> float:
        outline = head.outline
        prefix = "item." if outline.get("") == "array" else ""
        if f"{prefix}traj" not in outline and f"{prefix}info.task.actions" not in outline:
            return 0.0
        found = sum(prefix + mark in outline for mark in _MARKS)
        return 0.95 if found >= 4 else 0.8 if found == 3 else 0.0

    def read(self, source: Source) -> Iterator[Record]:
        document = open_document(source, "traj")
        items = document.items
        if not document.is_list:
            traj = {"traj": list(items)} if document.found else {}
            items = iter([{**document.root, **traj}] if document.root or traj else [])
        for number, item in enumerate(items):
            yield from _run(source, item, number)
        if document.problem:
            yield source.problem(document.problem)


def _run(source: Source, item: Any, number: int) -> Iterator[Record]:
    if not isinstance(item, dict):
        yield source.problem(f"item {number} of the list is no run: {string(item)[:80]!r}")
        return
    traj = item.get("traj")
    yield _header(item, number)
    assembler = Assembler()
    for message in sequence(traj):
        yield from assembler.feed(message, dump_bytes(message))
    yield from assembler.flush()
    if not isinstance(traj, list):
        yield source.problem(f"item {number} of the list has no list `traj`")


def _header(item: dict[str, Any], number: int) -> Header:
    info, trial = item.get("info"), item.get("trial")
    task = info.get("task") if isinstance(info, dict) else None
    instruction = text_or_none(mapping(task).get("instruction"))
    task_id = text_or_none(item.get("task_id"))
    facts = {"benchmark": "tau-bench", "task_id": item.get("task_id"), "trial": trial}
    facts |= {key: info[key] for key in _PUBLIC_INFO if key in info} if isinstance(info, dict) else {}
    facts["user_id"] = mapping(task).get("user_id")
    native_id = f"{task_id}/{trial}" if task_id is not None and trial is not None else task_id
    return Header(
        "tau-bench",
        title_of(instruction) or title_of(_first_user_text(item.get("traj"))),
        instruction,
        native_id=native_id,
        item=number,
        reference=_reference(item, info, task),
        facts={key: value for key, value in facts.items() if value is not None},
    )


def _reference(item: dict[str, Any], info: Any, task: Any) -> dict[str, Any] | None:
    """Reward, gold actions, expected outputs and whatever else the grader wrote."""
    reference = {key: item[key] for key in item if key not in ("task_id", "trial", "traj", "info")}
    if not isinstance(item.get("traj"), list) and "traj" in item:
        reference["traj"] = item["traj"]
    if isinstance(info, dict):
        reference |= {key: info[key] for key in info if key not in (*_PUBLIC_INFO, "task")}
    else:
        reference["info"] = info
    if isinstance(task, dict):
        reference |= {key: task[key] for key in task if key not in ("instruction", "user_id")}
    else:
        reference["task"] = task
    return {key: value for key, value in reference.items() if value is not None} or None


def _first_user_text(traj: Any) -> str:
    for message in sequence(traj):
        if isinstance(message, dict) and message.get("role") == "user":
            return string(message.get("content"))
    return ""
