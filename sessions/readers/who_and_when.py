"""Who&When: failed multi-agent runs with the agent and the step at fault (ag2ai/Agents_Failure_Attribution, 2025).

One JSON object per run, `{question, question_ID, ground_truth, level, is_correct|is_corrected, history, mistake_agent,
mistake_step, mistake_reason, mistake_type?, system_prompt?}`, or a list or JSONL of them. Two forms of `history`:
- Algorithm-Generated (AG2's CaptainAgent): `{content, role: user|assistant, name}`, where `name` is the agent;
- Hand-Crafted (Magentic-One): `{content, role}`, where `role` is the agent: `human`, `WebSurfer`,
  `Orchestrator (thought)`, `Orchestrator (-> WebSurfer)`.

`mistake_step` is a string and counts messages from 0, so every message is one step here. Fields that are not known are
kept in the reference like the labels, because one file has a further label under a name of its own. The files are
written once; they do not grow.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessions.jsontext import dump_bytes
from sessions.readers.ag2 import conversation_step
from sessions.readers.base import Head, Source
from sessions.readers.leftovers import text_or_none
from sessions.readers.rows import row_prefix, rows
from sessions.readers.shared import raw_part, title_of
from sessions.run import Header, Problem, Record, Step

_SHOWN = ("question", "question_ID", "history", "system_prompt")
#: Any of these beside a history is a mark that no other format has.
_MARKS = ("mistake_agent", "mistake_step", "mistake_reason", "question_ID")


class WhoAndWhenReader:
    """See the module's docstring."""

    name = "who-and-when"
    title = "Who&When failure attribution"
    versions = "2025"
    gaps = "Only the two published sets are known; their steps have no times."

    def sniff(self, head: Head) -> float:
        prefix = row_prefix(head)
        if prefix is None or f"{prefix}history" not in head.outline:
            return 0.0
        has_messages = f"{prefix}history.item.content" in head.outline
        if any(prefix + key in head.outline for key in _MARKS):
            return 0.95 if has_messages else 0.6
        # Hand-Crafted files start with the history, which may fill the head, so the labels after it are not seen.
        first_role = head.outline.get(f"{prefix}history.item.role")
        return 0.7 if has_messages and first_role == "human" and not head.whole else 0.0

    def read(self, source: Source) -> Iterator[Record]:
        for entry in rows(source, "history"):
            if isinstance(entry, Problem):
                yield entry
            else:
                yield from _run(source, *entry)


def _run(source: Source, item: int, row: dict[str, Any]) -> Iterator[Record]:
    history = row.get("history")
    messages = history if isinstance(history, list) else []
    header = Header("who-and-when", item=item, task=text_or_none(row.get("question")))
    header.native_id = text_or_none(row.get("question_ID"))
    header.title = title_of(header.task) or title_of(header.native_id) or f"run {item + 1}"
    header.system = _system(messages)
    header.reference = {key: value for key, value in row.items() if key not in _SHOWN} or None
    if row.get("system_prompt"):
        header.facts["system_prompts"] = row["system_prompt"]
    yield header
    if not isinstance(history, list):
        yield source.problem(f"row {item + 1}: there is no list of messages under `history`")
        if history is not None:
            yield Step("environment", "environment", [raw_part("history", history)], raw=[dump_bytes(history)])
    for message in messages:
        yield conversation_step(message)


def _system(messages: list[Any]) -> str | None:
    """Which of the two systems made the run: only Magentic-One has an Orchestrator, only CaptainAgent names names."""
    for message in messages:
        if not isinstance(message, dict):
            continue
        if str(message.get("role")).startswith("Orchestrator"):
            return "Magentic-One"
        if message.get("name"):
            return "AG2 CaptainAgent"
    return None
