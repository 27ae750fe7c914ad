"""What an agent did, as things that can be done again: tool calls with their results, or, where a source has no typed
calls (plain logs, group chats), what it said and the code it wrote.

For detectors that compare actions with each other. Nothing here reads an action for what it means beyond three
questions: does it only look, does it only wait, and does it ask how something stands that moves by itself?
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from labels.detectors.patterns import Pattern
from labels.detectors.similar import Shingles, Wording, shingles_of
from sessions.bodies import StoredStep
from sessions.jsontext import dumps
from sessions.run import Flag, Part

#: Characters that are kept of an action's text, of its key, of each end of a result and of a remark.
KEPT, KEPT_KEY, KEPT_RESULT, KEPT_REMARK = 6_000, 2_000, 1_500, 500
#: Spacing is not smoothed in longer texts, and more calls of one step are not looked at.
LONGEST_PLAIN, MOST_CALLS = 20_000, 200
#: A text with fewer words is a courtesy or a command word ("Continue.", "TERMINATE"), no piece of work.
LEAST_WORDS = 8
#: A text with more words is a report; one with fewer is a request, which can be made again in other words.
SHORT_WORDS = 80
#: Clocks and durations make two answers differ in length by no more than this.
CLOCKS = 32
#: A code block of fewer characters is a word in code type, one of more is a file.
LEAST_CODE, LONGEST_CODE = 20, 1_500
#: Arguments in which an agent talks about the call; another wording does not make another call.
_TALK = frozenset("description explanation reason reasoning thought thoughts justification comment intent summary "
                  "security_risk task_progress toolaction toolsummary requires_approval".split())  # fmt: skip
_WAITING_TOOL = Pattern(r"(?:^|[_.-])(?:wait|sleep|pause|delay)(?:[_.-]|$)|^(?:wait|sleep)[A-Z]")
_WAITING = Pattern(
    r"(?:^|[\s;&|(])sleep\s+\S|\bkubectl\b.{0,200}?\s(?:wait\b|rollout\s+status\b|-w\b|--watch\b)|\bwatch\s+(?:-\S+\s+)*\S"
    r"|\btail\s+(?:-\S+\s+)*(?:-\w*[fF]\b|--follow)|\bjournalctl\b.{0,100}?\s(?:-\w*f\b|--follow)|\binotifywait\b"
    r"|\b(?:docker|podman)\s+wait\b|\bgh\s+run\s+watch\b|\baws\b.{0,100}?\swait\s|\bwait-for-\w|\btime\.sleep\("
)
_ENDING_TOOL = Pattern(
    r"^(?:finish|terminate|submit|done|stop|complete|task_?complete|attempt_?completion|final_?answer)\w*$",
    re.IGNORECASE,
)
_ASKING_TOOL = Pattern(
    r"(?:^|[_.-])(?:status|state|health|progress|poll|ping|ready|readiness|heartbeat|output)(?:[_.-]|$)", re.IGNORECASE
)
_CAMEL = Pattern(r"(?<=[a-z0-9])(?=[A-Z])")
_ASKING = Pattern(
    r"^\W*(?:sudo\s+)?(?:kubectl\s+(?:-\S+\s+(?:[^-\s]\S*\s+)?)*(?:get|describe|top|logs|events)\b|oc\s+get\b"
    r"|(?:docker|podman)\s+(?:compose\s+)?(?:ps|logs|inspect|stats)\b|systemctl\s+(?:--\S+\s+)*(?:status|is-)"
    r"|service\s+\S+\s+status|gh\s+(?:run|pr)\s+(?:view|list|checks|status)|helm\s+(?:status|list|ls)\b"
    r"|squeue|qstat|sacct|pgrep|ps\s|jobs\b|nvidia-smi|uptime|ping\s|nc\s+-\w*z|pg_isready|df\b|free\b|top\s+-b"
    r"|(?:curl|wget|http)\b.{0,200}?(?:health|status|ready|live|ping|localhost|127\.0\.0\.1)"
    r"|aws\b.{0,100}?\s(?:describe|get|list)-|gcloud\b.{0,100}?\s(?:describe|list)\b|az\b.{0,100}?\s(?:show|list)\b)"
)
_LOOKING_TOOL = Pattern(
    r"^(?:get|find|list|read|view|open|cat|ls|glob|grep|search|fetch|show|describe|look|query|count|inspect|check|scroll|"
    r"goto|think|calculate|web_?search|web_?fetch|todo_?read)(?:[_A-Z.-]|\d|$)",
    re.IGNORECASE,
)
_LOOKING = frozenset(
    "cat head tail less more nl grep egrep fgrep rg ag ls find fd wc diff cmp stat file tree jq sort uniq cut pwd echo "
    "printf which type env date whoami id hostname cd df du ps printenv true sqlite3 psql mysql open goto scroll_down "
    "scroll_up search_dir search_file find_file awk strings xxd od sha256sum md5sum test [".split()
)
_LOOKING_GIT = frozenset("status diff log show branch blame ls-files grep rev-parse remote describe".split())
_SHELLS = frozenset(("bash", "sh", "zsh", "dash"))
_PIECES = Pattern(r"&&|\|\||[;|\n]")
_CLOCK = Pattern(
    r"\d{4}-\d\d-\d\d[T ]?|\b\d{1,2}:\d\d(?::\d\d)?(?:[.,]\d+)?\w{0,2}"
    r"|\b\d+(?:\.\d+)?\s?(?:ms|s|secs?|seconds?|us|µs)\b"
    r"|0x[0-9a-fA-F]{6,}|\bpid[ =:]+\d+|\b1[5-9]\d{8}(?:\d{3}|\.\d+)?\b"
)


@dataclass(slots=True, eq=False)
class Action:
    """Something an agent did in a step.

    index, part: where it stands. name: the tool's, "" for what was said. key: what is compared for equality. head: the
    first characters of the part, for quoting. said: whether it is a text and no call; code: whether it is known by the
    code in it. effect: whether its step changes the world. remark: the first text of a call's step, with its part.
    result: the start and the end of the answer; None while nobody has answered, or where answers are not told. error:
    whether the answer is one.
    """

    index: int
    part: int
    name: str
    key: str
    head: str
    said: bool = False
    code: bool = False
    effect: bool = False
    remark: tuple[int, str] | None = None
    result: str | None = None
    result_part: int | None = None
    error: bool | None = None
    _shingles: Shingles | None = field(default=None, repr=False)
    _wording: Wording | None = field(default=None, repr=False)

    @property
    def shingles(self) -> Shingles:
        if self._shingles is None:
            self._shingles = Shingles(self.head)
        return self._shingles

    @property
    def wording(self) -> Wording | None:
        """What a short text is about; None of anything else."""
        if self._wording is None and self.said and not self.code and self.shingles.count <= SHORT_WORDS:
            self._wording = Wording(self.head)
        return self._wording


@dataclass(slots=True, eq=False)
class Called:
    """A step's calls in order, each with the source's id of it, and results in it that belong to none of them."""

    calls: list[tuple[str | None, Action]]
    late: list[Part]


_recent: dict[int, tuple[StoredStep, Called]] = {}


def calls_of(stored: StoredStep) -> Called:
    """The calls of a step with those results that stand in it. Two detectors ask this of the same steps one after the
    other, so the last few answers are kept."""
    known = _recent.get(id(stored))
    if known is not None and known[0] is stored:
        return known[1]
    found = Called([], [])
    remark: tuple[int, str] | None = None
    effect = bool(stored.flags & Flag.EFFECT)
    for place, part in enumerate(stored.step.parts):
        if part.kind == "tool_call" and len(found.calls) < MOST_CALLS:
            name = part.name or ""
            key = f"{name}\n{_arguments_key(part)}"
            action = Action(stored.index, place, name, key, part.text[:KEPT], effect=effect, remark=remark)
            found.calls.append((part.call_id, action))
        elif part.kind == "tool_result":
            if len(found.late) < MOST_CALLS and not answer(found.calls, part, place):
                found.late.append(part)
        elif part.kind == "text" and remark is None and part.text.strip():
            remark = (place, part.text[:KEPT_REMARK])
    if len(_recent) >= 24:
        _recent.clear()
    _recent[id(stored)] = (stored, found)
    return found


def answer(calls: Iterable[tuple[str | None, Action]], part: Part, place: int | None) -> bool:
    """Give a result to its call: by id, or to the first that has none. place: of the part, where it is in the call's
    own step. Whether there was such a call."""
    for call_id, action in calls:
        if action.result is None and (part.call_id is None or call_id is None or part.call_id == call_id):
            action.result, action.result_part, action.error = ends(part.text), place, part.is_error
            return True
    return False


def ends(text: str) -> str:
    """A result as it is kept: a long one's start, length and end."""
    if len(text) <= 2 * KEPT_RESULT:
        return text
    return f"{text[:KEPT_RESULT]}\n{len(text)}\n{text[-KEPT_RESULT:]}"


def said(stored: StoredStep) -> Action | None:
    """The action that a step without calls is: its longest text; None where it says next to nothing."""
    place, text = -1, ""
    for number, part in enumerate(stored.step.parts[:100]):
        if part.kind == "text" and len(part.text) > len(text):
            place, text = number, part.text
    if len(text) < 3 * LEAST_WORDS:
        return None
    shingles = shingles_of(text)
    if shingles.count < LEAST_WORDS:
        return None
    code = _only_code(text)
    action = Action(stored.index, place, "", _plain(code or text), text[:KEPT], said=True, code=bool(code))
    action._shingles = shingles
    return action


def _only_code(text: str) -> str:
    """The code of a text that is an action in a code block (some agents' only way to act); "" where there is no block,
    or several, or where it is longer than an action: a text that shows files is compared whole."""
    start = text.find("```", 0, KEPT)
    begin = text.find("\n", start, start + 40) if start >= 0 else -1
    end = text.find("```", begin, begin + LONGEST_CODE) if begin >= 0 else -1
    if end - begin <= LEAST_CODE or end < 0 or text.find("```", end + 3, 2 * KEPT) >= 0:
        return ""
    return text[begin:end]


def _arguments_key(part: Part) -> str:
    """A call's arguments as they are compared: without what only talks about the call, spacing aside."""
    arguments: Any = part.arguments
    if isinstance(arguments, Mapping) and arguments:
        values = [value for name, value in arguments.items() if str(name).lower() not in _TALK]
        return _plain("\n".join(map(_value, values or arguments.values())))
    return _plain(part.text)


def _value(value: Any) -> str:
    """An argument's value; of a command in words, as in `["bash", "-lc", "ls"]`, what the shell is to run."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(word, str) for word in value):
        shell = len(value) > 2 and value[0].rsplit("/", 1)[-1] in _SHELLS and value[1].startswith("-")
        return " ".join(value[2:] if shell else value)
    return dumps(value)


def _plain(text: str) -> str:
    """Spacing aside; of a long text the start, and a hash that tells only equal ones."""
    if len(text) <= LONGEST_PLAIN:
        text = " ".join(text.split())
    return text if len(text) <= KEPT_KEY else f"{text[:KEPT_KEY]} #{len(text)} {hash(text)}"


def _command(action: Action) -> str:
    """A call's arguments, spacing aside."""
    return action.key[len(action.name) + 1 :]


def ends_work(action: Action) -> bool:
    """Whether it only says that a piece of work is done."""
    return _ENDING_TOOL.match(action.name) is not None


def waits(action: Action) -> bool:
    """Whether it lets time pass: what it is followed by may have another answer."""
    text = action.key[:2_000]
    return _WAITING_TOOL.search(action.name) is not None or _WAITING.search(text) is not None


def asks_how_it_stands(action: Action) -> bool:
    """Whether it asks for a state that moves by itself (a rollout, a job, a service)."""
    if action.said:
        return False
    return _ASKING_TOOL.search(_CAMEL.sub("_", action.name)) is not None or any(
        _ASKING.match(piece.strip()) for piece in _PIECES.split(_command(action)[:500], 8)
    )


def only_looks(action: Action) -> bool:
    """Whether it changes nothing as far as its name or its commands tell."""
    if action.said:
        return not action.code
    name = action.name.rsplit("__", 1)[-1].rsplit(".", 1)[-1]
    if _LOOKING_TOOL.match(name):
        return True
    text = _command(action)
    if len(text) > 500 or ">" in text or "-delete" in text or "-exec" in text:
        return False
    lower = text.lower()
    if any(verb in lower for verb in ("insert ", "update ", "delete ", "drop ", "alter ", "create ", "tee ")):
        return False
    pieces = [piece.split() for piece in _PIECES.split(text) if piece.strip()]
    return bool(pieces) and all(_looks(words) for words in pieces)


def _looks(words: list[str]) -> bool:
    program = words[0].lower()
    if program == "git":
        return len(words) > 1 and words[1] in _LOOKING_GIT
    if program == "sed":
        return "-n" in words and "-i" not in words
    return program in _LOOKING


def same_answer(one: Action, other: Action) -> bool:
    """Whether both got the same result. Results that nobody tells are taken to be the same."""
    return one.result is None or other.result is None or same_text(one.result, other.result)


def same_text(one: str, other: str) -> bool:
    """Whether two answers are the same, as far as time does not tell them apart."""
    if one == other:
        return True
    return abs(len(one) - len(other)) <= CLOCKS and timeless(one) == timeless(other)


def timeless(text: str) -> str:
    """A text without clocks, durations, addresses and process numbers."""
    return _CLOCK.sub("", text)
