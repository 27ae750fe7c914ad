"""Turn marks of text logs: which lines open a turn, whose turn it is, and what of the line is text.

A family is a way of marking turns: AutoGen's console banners, ReAct's `Thought:`, `User:` and `Assistant:`, ... The
marks that single agent systems write are in log_systems.py; log_cuts.py chooses a family and cuts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from sessions.readers.ag2 import named_role
from sessions.readers.chat_roles import actor_and_role
from sessions.run import DEFAULT_ACTOR, PartKind, Role

#: Further than this into a line no mark is looked for.
MARK_LENGTH = 400
#: The actor of what stands before the first mark, and of logs without any.
LOG_ACTOR = "log"


@dataclass(slots=True)
class Mark:
    """What a line says that opens a turn or a part of one.

    actor: None for whoever has the turn: never opens a step.
    text: what of the line is text, without the mark itself.
    rank: 0 opens a step. Others open a part of the step at hand if they are greater than the last one's rank (a
        thought, then its action), else a step.
    merges: whether it goes on in the step before it if that has the same actor (a system's own chatter).
    open_actor: the actor is named by a later line (`SimpleCoder: ...`), up to then it is `actor`.
    judges: the turn says how the run was judged, which belongs in the reference.
    """

    actor: str | None
    role: Role = "agent"
    kind: PartKind = "text"
    text: str = ""
    name: str | None = None
    call_id: str | None = None
    at: str | None = None
    stage: str | None = None
    depth: int = 0
    rank: int = 0
    merges: bool = False
    open_actor: bool = False
    judges: bool = False


@dataclass(frozen=True)
class Family:
    """A way of marking turns. read: the mark in a line (without its newline), None if it has none.

    sure: whether such marks tell an agent's log from other texts; a README has `## Step 1` too.
    stage: a line that names the stage the run is in, as its first group.
    failed: how a result begins by which the system itself says that a call failed.
    """

    name: str
    read: Callable[[str], Mark | None]
    sure: bool = True
    stage: re.Pattern[str] | None = None
    failed: re.Pattern[str] | None = None


def note(line: str) -> Mark:
    """A line of the system's own bookkeeping: kept beside the turn at hand, folded."""
    return Mark(None, "environment", "raw", text=line, name="log", rank=-1)


def by_pattern(
    name: str, pattern: str, build: Callable[[re.Match[str], str], Mark | None], sure: bool = True
) -> Family:
    """A family whose marks are lines that begin with one pattern; `build` gets the match and the line's rest."""
    compiled = re.compile(pattern)

    def read(line: str) -> Mark | None:
        found = compiled.match(line, 0, MARK_LENGTH)
        return build(found, line[found.end() :]) if found else None

    return Family(name, read, sure)


def iso(date: str, time: str) -> str:
    return f"{date}T{time.replace(',', '.')}"


# --- AutoGen's console: `---------- WebSurfer ----------`, since 0.5 `---------- TextMessage (WebSurfer) ----------`

_TYPED = re.compile(r"(?P<type>\w+(?:Message|Event)) \((?P<actor>[^()]+)\)")
_TYPE_KINDS: dict[str, PartKind] = {"ThoughtEvent": "reasoning", "ToolCallExecutionEvent": "tool_result"}


def _banner(found: re.Match[str], rest: str) -> Mark | None:
    if rest.strip():
        return None
    typed = _TYPED.fullmatch(found["actor"])
    actor, role, remark = actor_and_role(typed["actor"] if typed else found["actor"])
    kind: PartKind = "reasoning" if remark == "thought" else "text"
    if typed:
        kind = _TYPE_KINDS.get(typed["type"], kind)
    return Mark(actor, role, kind, name=typed["type"] if typed else remark)


BANNER = by_pattern(
    "banner",
    r"-{5,}\s+(?P<actor>\w[\w.\-]{0,40}(?: \w[\w.\-]{0,30}){0,2}(?: \([^()]{1,40}\))?)\s+-{5,}(?=\s*$)",
    _banner,
)


# --- AutoGen 0.2 and AG2: `Coder (to Tester):`

#: The line after a message, and the one after a call or its result.
_RULES = re.compile(r"-{80}\s*|\*{20,200}\s*")
_TOOL_STARS = re.compile(r"\*{5} (?P<what>Suggested|Response from calling) (?:tool|function)[^()]*\((?P<id>[^()]*)\)")


def _to(found: re.Match[str], rest: str) -> Mark | None:
    if rest.strip():
        return None
    actor, role, _ = actor_and_role(found["actor"])
    return Mark(actor, role if role != "agent" else named_role(actor), name=f"to {found['to']}")


_TO = by_pattern("autogen", r"(?P<actor>\w[\w .-]{0,50}) \(to (?P<to>\w[\w .-]{0,50})\):", _to)


def _autogen(line: str) -> Mark | None:
    mark = _TO.read(line)
    if mark is not None or not line.startswith(("*****", "-----")):
        return mark
    if _RULES.fullmatch(line):
        return note(line)
    found = _TOOL_STARS.match(line, 0, MARK_LENGTH)
    if found is None:
        return None
    tool = line[found.end() :].strip(": *") or None
    if found["what"] == "Suggested":
        return Mark(None, kind="tool_call", name=tool, call_id=found["id"] or None, rank=10)
    return Mark(None, kind="tool_result", name=tool, call_id=found["id"] or None, rank=11)


AUTOGEN = Family("autogen", _autogen)


# --- ReAct: `Thought: ...`, `Action: search[...]`, `Action Input: ...`, `Observation: ...`

_REACT_PARTS: dict[str, tuple[PartKind, int]] = {
    "thought": ("reasoning", 1),
    "action": ("tool_call", 2),
    "observation": ("tool_result", 3),
    "final answer": ("text", 2),
}


def _react(found: re.Match[str], rest: str) -> Mark | None:
    word = found["word"].lower()
    if word in ("question", "task"):
        return Mark(DEFAULT_ACTOR["user"], "user", text=rest)
    kind, rank = _REACT_PARTS[word]
    actor = None if kind == "tool_result" else DEFAULT_ACTOR["agent"]
    return Mark(actor, "agent", kind, text=rest, rank=rank, name="final answer" if kind == "text" else None)


REACT = by_pattern(
    "react",
    r"(?i:(?P<word>thought|action|observation|final answer|question|task))(?:\s+\d{1,4})?\s*:[ \t]?",
    _react,
)


# --- `USER: ...`, `Assistant: ...`, and the same as Markdown headings

_SPEAKERS = {
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "ai": "assistant",
    "bot": "assistant",
    "agent": "assistant",
    "system": "system",
    "tool": "tool",
    "environment": "tool",
    "function": "tool",
}
_SPEAKER_WORDS = "|".join(_SPEAKERS)


def _speaker(found: re.Match[str], rest: str) -> Mark | None:
    word = found["actor"]
    if word.islower() and not found["mark"]:
        return None  # `user: name` is how configuration files look
    actor, role, _ = actor_and_role(_SPEAKERS[word.lower()])
    return Mark(actor, role, "tool_result" if role == "environment" else "text", text=rest)


def _heading(found: re.Match[str], rest: str) -> Mark | None:
    return None if rest.strip() else _speaker(found, rest)


SPEAKER = by_pattern(
    "speaker", rf"(?P<mark>\*\*|\[)?(?P<actor>(?i:{_SPEAKER_WORDS}))(?:\*\*:|:\*\*|\]:?|:)(?=\s|$)[ \t]?", _speaker
)
HEADING = by_pattern(
    "heading", rf"(?P<mark>#{{1,4}})\s*\W{{0,3}}\s*(?P<actor>(?i:{_SPEAKER_WORDS}))\b\W{{0,4}}$", _heading
)


# --- `[2025-03-27 01:21:03] planner: ...`

DATE_TIME = r"(?P<date>\d{4}-\d\d-\d\d)[T ](?P<time>\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)"


_LEVELS = ("debug", "info", "warn", "warning", "error", "critical", "trace", "fatal", "notice")


def _stamped(found: re.Match[str], rest: str) -> Mark | None:
    if found["actor"].lower() in _LEVELS:
        return None  # a program's log, which names no agents
    actor, role, remark = actor_and_role(_SPEAKERS.get(found["actor"].lower(), found["actor"]))
    kind: PartKind = "tool_result" if role == "environment" else "reasoning" if remark == "thought" else "text"
    return Mark(actor, role, kind, text=rest, name=remark, at=iso(found["date"], found["time"]))


STAMPED = by_pattern(
    "stamped",
    rf"\[?{DATE_TIME}\]?\s+(?:[\[(]?(?:DEBUG|INFO|WARN(?:ING)?|ERROR)[\])]?\s+)?"
    r"\[?(?P<actor>[A-Za-z][\w.\-]{0,40}(?: [\w\-]{1,30}){0,3}(?: \([^()]{1,40}\))?)\]?:(?=\s|$)[ \t]?",
    _stamped,
)


# --- `Step 3`, `=== STEP 3: search ===`

STEP = by_pattern(
    "step",
    r"[=#*\-\s\[]{0,12}(?i:step)\s+#?(?P<number>\d{1,6})(?=[\s:.\])/*=\-]|$)",
    lambda found, _: Mark(DEFAULT_ACTOR["agent"], text=found.string),
    sure=False,
)

#: In the order in which they are preferred where two have equally many marks.
GENERIC: tuple[Family, ...] = (BANNER, AUTOGEN, REACT, STAMPED, SPEAKER, HEADING, STEP)
