"""Turn marks that single agent systems write into their logs: the systems of the MAST corpus (2025).

One family per way of logging, found by looking at real logs; log_marks.py says what a family is. AG2's own are message
lists (ag2.py) or, in part of MAST's full set, an indented listing of them; Magentic-One writes AutoGen's banners.
"""

from __future__ import annotations

import re

from sessions.readers.ag2 import named_role
from sessions.readers.log_marks import BANNER, DATE_TIME, MARK_LENGTH, Family, Mark, by_pattern, iso, note

# --- ChatDev: `[2025-17-01 11:36:43 INFO] Programmer: **Programmer<->Code Reviewer on : CodeReview, turn 0**`

_CHATDEV = re.compile(r"\[(?P<y>\d{4})-(?P<d>\d\d)-(?P<m>\d\d) (?P<time>\d\d:\d\d:\d\d) [A-Z]+\] ")
_CHATDEV_SPEAKER = re.compile(r"(?P<actor>[A-Z][\w ]{1,50}): \*\*(?P<what>[^*]{1,200})\*\*")
_CHATDEV_PHASE = re.compile(r" on : (\w+), turn \d+")
_CHATDEV_NOISE = re.compile(r"flask app|HTTP Request|\*\*\[OpenAI_Usage_Info")


def _chatdev(line: str) -> Mark | None:
    found = _CHATDEV.match(line)
    if found is None:
        return None
    rest = line[found.end() :]
    if _CHATDEV_NOISE.match(rest):
        return note(line)
    month, day = (found["m"], found["d"]) if int(found["m"]) <= 12 else (found["d"], found["m"])
    at = iso(f"{found['y']}-{month}-{day}", found["time"])
    speaker = _CHATDEV_SPEAKER.match(rest)
    if speaker is None:
        return Mark("ChatDev", "environment", text=rest, at=at, merges=True)
    if speaker["actor"] == "System":
        return Mark("System", "system", text=rest[speaker.start("what") - 2 :], at=at, merges=True)
    phase = _CHATDEV_PHASE.search(speaker["what"])
    return Mark(speaker["actor"], text=rest[speaker.start("what") - 2 :], at=at, stage=phase[1] if phase else None)


CHATDEV = Family("chatdev", _chatdev, stage=re.compile(r"\| \*\*phase_name\*\* \| (\w+) \|"))


# --- HyperAgent: `HyperAgent_astropy__astropy-12907 - INFO - Planner's Response: ...`, `...Navigator->Planner: ...`


def _hyperagent(found: re.Match[str], rest: str) -> Mark | None:
    actor = found["speaker"] or found["reporter"]
    if actor is None:
        return note(found.string)
    inner = actor.startswith("Inner-") or found["reporter"] is not None
    name = f"-> {found['to']}" if found["to"] else None
    return Mark(actor, text=rest, depth=1 if inner else 0, name=name)


HYPERAGENT = by_pattern(
    "hyperagent",
    r"HyperAgent_\S{1,100} - [A-Z]+ - "
    r"(?:(?P<speaker>[\w \-]{1,50})'s Response: ?|(?P<reporter>[\w \-]{1,50})->(?P<to>[\w \-]{1,50}): ?)?",
    _hyperagent,
)


# --- AppWorld: `Response from Supervisor Agent`, `    Message to Spotify Agent`, `Code Execution Output`, ...

_APPWORLD = re.compile(
    r"(?P<indent> {0,40})(?:(?P<speaks>Response from|Reply from) (?P<actor>[\w ]{1,40}? Agent)(?: to [\w ]{1,40})?"
    r"|(?P<hears>Message to [\w ]{1,40} Agent|Response from send_message API)"
    r"|(?P<loop>(?:Entering|Exiting) [\w ]{1,40} Agent message loop)"
    r"|(?P<result>Code Execution Output)|(?P<evaluation>Evaluation))\s*$"
)
_APPWORLD_TASK = re.compile(r"\*{10,} Task \d+/\d+ \([\w-]+\)\s+\*{10,}\s*$")


def _appworld(line: str) -> Mark | None:
    if _APPWORLD_TASK.match(line):
        return Mark("user", "user", name=line.strip("* "))
    found = _APPWORLD.match(line, 0, MARK_LENGTH)
    if found is None:
        return None
    depth = len(found["indent"]) // 4
    if found["speaks"]:
        return Mark(found["actor"], depth=depth, name="reply" if found["speaks"] == "Reply from" else None)
    if found["result"]:
        return Mark("environment", "environment", "tool_result", depth=depth)
    if found["loop"]:
        return note(line)
    if found["evaluation"]:
        return Mark("environment", "environment", judges=True) if not depth else None
    return Mark("environment", "environment", name=found["hears"], depth=depth)


APPWORLD = Family("appworld", _appworld, failed=re.compile(r"\s*Execution failed\b"))


# --- MetaGPT: loguru lines `... - Alice(SimpleCoder): to do SimpleWriteCode(SimpleWriteCode)`, or a message log

_LOGURU = rf"(?:[^|\n]{{0,40}}: )?{DATE_TIME}\s*\|\s*(?P<level>[A-Z]+)\s*\|\s*"
_METAGPT_TURN = re.compile(r"(?P<person>[\w ]{1,40})\((?P<actor>[\w ]{1,40})\): (?=to do |ready to )")


def _metagpt(found: re.Match[str], rest: str) -> Mark | None:
    turn = _METAGPT_TURN.match(rest)
    if turn is None:
        return note(found.string)
    return Mark(turn["actor"], text=rest[turn.end() :], at=iso(found["date"], found["time"]))


METAGPT = by_pattern("metagpt", _LOGURU + r"(?:metagpt\.[\w.]+|__main__):\w+:\d+ - ", _metagpt)


def _metagpt_messages(found: re.Match[str], rest: str) -> Mark | None:
    at = iso(found["date"], found["time"])
    if found["actor"] is None:
        return Mark("MetaGPT", "environment", at=at, text=rest, open_actor=True)
    role = named_role(found["actor"])
    return Mark("user" if role == "user" else found["actor"], role, name=rest.strip(), at=at)


METAGPT_MESSAGES = by_pattern(
    "metagpt-messages",
    rf"\[{DATE_TIME}\] (?:FROM: (?P<actor>[\w ]{{1,40}}?)(?= TO: )|NEW MESSAGES:)",
    _metagpt_messages,
)


# --- OpenManus: loguru lines of `app.agent...`, one `Executing step 3/20` per turn

_OPENMANUS = re.compile(_LOGURU + r"(?P<module>app\.[\w.]+):\w+:\d+ - ")
_OPENMANUS_TURN = re.compile(
    r"\W{0,4}(?P<what>Executing step \d+|\w+'s thoughts: ?|Tool arguments: ?|Tool '(?P<tool>\w+)' )"
)


def _openmanus(line: str) -> Mark | None:
    found = _OPENMANUS.match(line, 0, MARK_LENGTH)
    if found is None:
        return None
    at, rest = iso(found["date"], found["time"]), line[found.end() :]
    turn = _OPENMANUS_TURN.match(rest)
    if turn is None:
        is_plan = found["module"].startswith("app.flow")
        return Mark("planner", text=rest, at=at, merges=True) if is_plan else note(line)
    what, after = turn["what"], rest[turn.end() :]
    if what.startswith("Executing"):
        return Mark("Manus", text=rest, at=at)
    if what.startswith("Tool arguments"):
        return Mark("Manus", kind="tool_call", text=after, at=at, rank=2)
    if turn["tool"]:
        return Mark(None, kind="tool_result", text=after, name=turn["tool"], rank=3)
    return Mark("Manus", kind="reasoning", text=after, at=at, rank=1)


OPENMANUS = Family("openmanus", _openmanus)


# --- AG2 in part of MAST's full set: an indented listing, `      content:`, lines, `      role: user`, `      name: x`

AG2_LISTING = by_pattern(
    "ag2-listing",
    r" {2,12}content:(?=\s*$)",
    lambda _found, _rest: Mark("AG2", "agent", open_actor=True),
)

#: Systems by their names in MAST, in small letters, and how they log; the first family with marks is taken.
SYSTEMS: dict[str, tuple[Family, ...]] = {
    "chatdev": (CHATDEV,),
    "hyperagent": (HYPERAGENT,),
    "appworld": (APPWORLD,),
    "metagpt": (METAGPT, METAGPT_MESSAGES),
    "openmanus": (OPENMANUS,),
    "magentic": (BANNER,),
    "magentic-one": (BANNER,),
    "ag2": (AG2_LISTING,),
}
SYSTEM_FAMILIES: tuple[Family, ...] = (
    *(CHATDEV, HYPERAGENT, APPWORLD, OPENMANUS, METAGPT, METAGPT_MESSAGES, AG2_LISTING),
)
