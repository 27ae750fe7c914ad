"""What a step does: its tool calls in every format's names, what kind of thing each does, and how it went.

`calls_of` is the one place that knows that Claude Code says `Bash` and `Edit`, Codex `exec_command` and `apply_patch`,
SWE-agent `edit 3:5`, Terminus `keystrokes` in its text, and AG2 an `exitcode:` after a code block. Whether a call
changes the world is `sessions.effects`'s answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from labels.detectors.base import Quote, quote_line
from labels.detectors.programs import acts_of, writes_in_code
from labels.detectors.shell_words import LONGEST, Simple, simple_commands
from labels.detectors.words import small
from sessions.bodies import StoredStep
from sessions.effects import changes_world
from sessions.jsontext import BadJson, loads
from sessions.run import Part

#: read: looks at files, data or state. write: changes a file's content. run: executes a program or code. test: a test
#: run. check: a build, linter, type check or a look at the outcome of a change (a diff, a rollout's status). search: on
#: the web or in files. todo, ask, finish, think: what the tool's name says.
Act: TypeAlias = Literal["read", "write", "run", "test", "check", "search", "todo", "ask", "finish", "think"]

_SHELLS = frozenset(
    "bash shell sh zsh exec exec_command execute_bash run_command terminal local_shell run_shell command powershell "
    "bash_command execute_command shell_command command_execution run_shell_command run_in_terminal run_terminal_cmd "
    "cmd execute_shell shell_exec container_exec".split()
)
_CODE = frozenset(
    "python python_execute ipython execute_ipython_cell run_python code_interpreter execute_code run_code jupyter "
    "run_ipython python_repl execute_python repl execute_ipython".split()
)
_NAMED: dict[str, Act] = {
    **dict.fromkeys(
        "read read_file view view_file open open_file cat notebookread read_many_files get_file_contents "
        "scroll_down scroll_up goto list_files list_dir list_directory ls tree taskoutput bashoutput "
        "read_text_file".split(),
        "read",
    ),
    **dict.fromkeys(
        "grep glob find_file search_dir search_file search_files search_file_content websearch web_search webfetch "
        "web_fetch google_web_search codebase_search file_search browser_use search grep_search toolsearch".split(),
        "search",
    ),
    **dict.fromkeys(
        "write edit multiedit notebookedit apply_patch create create_file write_file write_to_file edit_file "
        "str_replace replace insert insert_lines replace_in_file apply_diff edit_anthropic edit_notebook append "
        "search_and_replace replace_file_content file_change insert_content edit_existing_file".split(),
        "write",
    ),
    **dict.fromkeys("run_tests run_test test pytest execute_tests".split(), "test"),
    **dict.fromkeys(
        "todowrite todo_write todoread update_plan write_todos taskcreate taskupdate tasklist taskget task_tracker "
        "todo_list update_todos manage_todo_list updatetodolist update_todo_list".split(),
        "todo",
    ),
    **dict.fromkeys(
        "askuserquestion ask_user ask_followup_question request_user_input ask_human ask_question ask_user_question "
        "request_human_input clarify human_input".split(),
        "ask",
    ),
    **dict.fromkeys(
        "finish submit terminate attempt_completion task_complete complete_task mark_task_complete done "
        "submit_answer final_answer stop end_run".split(),
        "finish",
    ),
    **dict.fromkeys("think thinking sequentialthinking".split(), "think"),
}  # fmt: skip
_READING = re.compile(
    r"(?:get|find|list|read|view|check|lookup|look_up|fetch|show|describe|query|count|inspect)(?:_|$)"
)
_EDITORS = ("str_replace_editor", "str_replace_based_edit_tool", "text_editor", "file_editor", "editor")
_PATH_KEYS = ("path", "file_path", "filename", "file", "notebook_path", "target_file", "absolute_path", "filepath",
              "relative_workspace_path", "TargetFile", "filePath")  # fmt: skip
_COMMAND_KEYS = ("command", "cmd", "script", "code", "keystrokes", "CommandLine", "input", "commands")
_PATCHED = re.compile(r"^\*\*\* (Add|Update|Delete) File: (.+)$|^\*\*\* Move to: (.+)$", re.MULTILINE)
_EXIT_CODE = re.compile(r"\s*exitcode: (-?\d{1,5}) \(")
_BY_NAME = {name.replace("_", ""): act for name, act in _NAMED.items()}


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a step. part: its part's place. name: as the source has it; tool: in small letters, without its server
    or namespace. text: of the part, its first 20,000 characters. command: a shell command, or code; "" for other
    tools. simple: its simple commands. paths: files it names, those it writes first. outputs: files it writes. acts:
    what it does. changes: whether it changes the world. result: its result's place, None without one. failed: whether
    the result says so, None where it does not say."""

    index: int
    part: int
    name: str
    tool: str
    text: str
    command: str
    simple: tuple[Simple, ...]
    paths: tuple[str, ...]
    outputs: tuple[str, ...]
    acts: frozenset[Act]
    changes: bool
    result: int | None = None
    failed: bool | None = None

    def quote(self, stored: StoredStep, words: str = "") -> Quote:
        """A line of the call that tells which it is: with these words in it (in small letters), or else the command's
        first line. Empty, and so left out by whoever checks, where the call has no arguments."""
        text = stored.step.parts[self.part].text
        lower = small(text[:LONGEST])
        for wanted in (words, small(self.command.strip()[:60]).split("\n", 1)[0]):
            place = lower.find(wanted) if wanted.strip() else -1
            if place >= 0:
                return quote_line(stored, self.part, place)
        return quote_line(stored, self.part, len(text) - len(text.lstrip()))

    @property
    def content(self) -> str:
        """What it does in its own words, small: its command or code, or else its arguments."""
        return small(self.command or self.text)

    @property
    def target(self) -> str:
        """What it works on, in small letters: its paths and its command or arguments."""
        return "\n".join((*self.paths, self.command or self.text[:2_000])).lower()


def tool_of(name: str | None) -> str:
    """A tool's own name, small, without namespace or server: `functions.exec_command`, `mcp__fs__read_file`."""
    tail = (name or "").rsplit("__", 1)[-1].rsplit(".", 1)[-1].rsplit(":", 1)[-1].rsplit("/", 1)[-1]
    return tail.strip().lower()[:80]


_recent: dict[int, tuple[StoredStep, tuple[Call, ...]]] = {}


def calls_of(stored: StoredStep) -> tuple[Call, ...]:
    """The calls of a step, in order. Eleven detectors ask this of the same steps one after another, so the last few
    answers are kept."""
    known = _recent.get(id(stored))
    if known is not None and known[0] is stored:
        return known[1]
    calls = _calls(stored)
    if len(_recent) >= 24:
        _recent.clear()
    _recent[id(stored)] = (stored, calls)
    return calls


def _calls(stored: StoredStep) -> tuple[Call, ...]:
    parts = stored.step.parts
    found = [_call(stored.index, place, part) for place, part in enumerate(parts[:400]) if part.kind == "tool_call"]
    if not found and stored.step.role == "agent":
        found = _typed_keys(stored)
    results = [place for place, part in enumerate(parts) if part.kind == "tool_result"]
    if not results:
        return tuple(found)
    by_id = {parts[place].call_id: place for place in results if parts[place].call_id is not None}
    answered = []
    for number, call in enumerate(found):
        call_id = parts[call.part].call_id if parts[call.part].kind == "tool_call" else None
        place = by_id.get(call_id) if call_id is not None else None
        if place is None and call_id is None:
            place = results[min(number, len(results) - 1)]
        answered.append(call if place is None else _with_result(call, place, parts[place]))
    return tuple(answered)


def _with_result(call: Call, place: int, result: Part) -> Call:
    return replace(call, result=place, failed=result.is_error)


def _call(index: int, place: int, part: Part) -> Call:
    tool = tool_of(part.name)
    text = part.text[:LONGEST]
    arguments = part.arguments
    command = ""
    if tool in _SHELLS or tool in _CODE:
        command = _command(arguments, text)
    simple = tuple(simple_commands(command)) if tool in _SHELLS else ()
    changes = changes_world(part.name, arguments, command or text)
    acts, outputs, reads = _acts(tool, arguments, text, command, simple)
    return Call(
        index, place, part.name or "", tool, text, command, simple, (*outputs, *reads), outputs, acts, changes
    )  # fmt: skip


def _command(arguments: Any, text: str) -> str:
    """The command among a call's arguments: a string, or a list of words as in `["bash", "-lc", "ls"]`."""
    value = arguments
    if isinstance(arguments, dict):
        value = next((arguments[key] for key in _COMMAND_KEYS if arguments.get(key)), None)
    if isinstance(value, list) and value and all(isinstance(word, str) for word in value):
        if len(value) == 3 and value[1].startswith("-") and value[1].endswith("c"):
            return str(value[2])[:LONGEST]
        value = " ".join(value)
    return value[:LONGEST] if isinstance(value, str) else text


def _acts(
    tool: str, arguments: Any, text: str, command: str, simple: tuple[Simple, ...]
) -> tuple[frozenset[Act], tuple[str, ...], tuple[str, ...]]:
    """What a call does, the files it writes, and the others it names."""
    acts: set[Act] = set()
    if tool in _SHELLS:
        outputs: list[str] = []
        reads: list[str] = []
        for one in simple:
            more, wrote, read = acts_of(one)
            acts |= more
            outputs += wrote
            reads += read
        return frozenset(acts), tuple(outputs[:40]), tuple(reads[:40])
    paths = _paths(arguments, text)
    if tool in _CODE:
        written = writes_in_code(command)
        return frozenset(("run", "write") if written else ("run",)), written, paths
    if tool.endswith(_EDITORS):
        looks = isinstance(arguments, dict) and arguments.get("command") == "view"
        return frozenset(("read",) if looks else ("write",)), () if looks else paths, paths if looks else ()
    known = _BY_NAME.get(tool.replace("_", "").replace("-", ""))
    if known is None and tool.startswith(("ask_", "askuser")):
        known = "ask"
    if known is None and _READING.match(tool):
        known = "read"
    if known is None:
        return frozenset(), (), paths
    return frozenset((known,)), paths if known == "write" else (), () if known == "write" else paths


def _paths(arguments: Any, text: str) -> tuple[str, ...]:
    """Files that a call's arguments name."""
    if "*** " in text:
        patched = [found[2] or found[3] for found in _PATCHED.finditer(text)]
        if patched:
            return tuple(path.strip() for path in patched[:40])
    if isinstance(arguments, dict):
        named = [arguments[key] for key in _PATH_KEYS if isinstance(arguments.get(key), str)]
        if named:
            return tuple(path[:500] for path in named)
        changed = arguments.get("changes")  # `file_change` of `codex exec --json`
        if isinstance(changed, list):
            return tuple(str(item["path"])[:500] for item in changed[:40] if isinstance(item, dict) and "path" in item)
        if len(arguments) == 1:
            text = str(next(iter(arguments.values())))
    return (text.strip(),) if 0 < len(text) < 300 and "\n" not in text and " " not in text.strip() else ()


def _typed_keys(stored: StoredStep) -> list[Call]:
    """Commands of agents that answer in JSON instead of calling tools: Terminus's `keystrokes`."""
    for place, part in enumerate(stored.step.parts[:20]):
        if part.kind != "text" or '"keystrokes"' not in part.text or len(part.text) > LONGEST:
            continue
        start, end = part.text.find("{"), part.text.rfind("}")
        try:
            value = loads(part.text[start : end + 1])
        except BadJson:
            continue
        batch = value.get("commands") if isinstance(value, dict) else None
        typed = [
            item["keystrokes"]
            for item in (batch if isinstance(batch, list) else [])
            if isinstance(item, dict) and isinstance(item.get("keystrokes"), str)
        ]
        return [_call(stored.index, place, Part("tool_call", keys, name="bash", arguments=keys)) for keys in typed[:50]]
    return []


#: Formats whose readers cannot always tell a tool's output from talk: logs that were written for people.
LOGS = frozenset(("mast", "text"))


class Ran:
    """Whether a run has executed anything so far, where its source would show that. unknown: it is a log in which
    nothing is marked as a result, so that silence proves nothing. called: whether there was any call."""

    __slots__ = ("called", "executed", "unknown")

    def __init__(self, format: str) -> None:
        self.executed = self.called = False
        self.unknown = format in LOGS

    @property
    def nothing(self) -> bool:
        return not self.executed and not self.unknown

    def feed(self, stored: StoredStep) -> None:
        """Take in a step. A tool that nobody knows may well run something."""
        calls = calls_of(stored)
        self.called = self.called or bool(calls)
        self.executed = (
            self.executed
            or any(call.acts & {"run", "test", "check"} or not call.acts for call in calls)
            or bool(executions_of(stored))
        )
        if self.unknown:
            self.unknown = not any(part.kind == "tool_result" for part in stored.step.parts)


def executions_of(stored: StoredStep) -> list[tuple[int, bool]]:
    """Code runs that the source shows without a call (AG2's `exitcode: 0 (...)` after a code block): the part, and
    whether it failed."""
    found = []
    for place, part in enumerate(stored.step.parts[:50]):
        if part.kind in ("text", "tool_result") and (code := _EXIT_CODE.match(part.text[:60])) is not None:
            found.append((place, int(code[1]) != 0))
    return found
