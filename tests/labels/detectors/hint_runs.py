"""Small runs in the tool shapes of several formats, and what a detector says of them, for the tests of the hints."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

from labels import detectors
from labels.codebook import BUILT_IN, Codebooks, load
from labels.detecting import Watching, meta_of, numbered, stands_there
from labels.suggestions import Suggestion
from sessions.run import Header, Part, Role, Run, Step, arguments_text

#: Texts that make careless expressions and parsers slow, or break positions.
HOSTILE = [
    "a" * 100_000,
    " " * 100_000,
    "\n" * 100_000,
    "'" * 30_000,
    '"\\' * 30_000,
    "```" * 20_000,
    "\u0130" * 50_000,
    "x.y/" * 20_000,
    "**Coder:**\n" * 5_000,
    "never " * 20_000,
    "no migrations, " * 5_000,
    "don't run `" * 10_000,
    "all tests " * 15_000,
    "i ran the " * 15_000,
    "1 passed in 1." * 10_000,
    "- create `a.b`\n" * 5_000,
    "<<A " * 15_000,
    "(((" * 20_000,
    "insert into audit_log f'{i" * 4_000,
    "delete from " * 10_000,
    "TERMINATE thanks " * 8_000,
    "missing required argument: '" * 4_000,
    "*** Update File: " * 5_000,
    "\u202e\u0000\x1b[31m" * 10_000,
    '{"keystrokes": "' * 2_000,
]


def user(text: str) -> Step:
    return Step("user", "user", [Part("text", text)])


def system(text: str, actor: str = "system") -> Step:
    return Step(actor, "system", [Part("text", text)])


def say(text: str, actor: str = "agent", role: Role = "agent") -> Step:
    return Step(actor, role, [Part("text", text)])


def think(thought: str, *calls: list[Part], actor: str = "agent") -> Step:
    return Step(actor, "agent", [Part("reasoning", thought), *_parts(calls)])


def do(text: str, *calls: list[Part], actor: str = "agent") -> Step:
    """A step with words and calls, as `call` and its friends make them."""
    return Step(actor, "agent", [*([Part("text", text)] if text else []), *_parts(calls)])


def _parts(calls: tuple[list[Part], ...]) -> list[Part]:
    """Calls first, then their results, as readers order them."""
    parts = [part for call in calls for part in call]
    return sorted(parts, key=lambda part: part.kind == "tool_result")


_numbers = iter(range(1, 10**9))


def call(name: str, arguments: Any, result: str | None = "", error: bool | None = None) -> list[Part]:
    """A tool call and its result (none for None)."""
    call_id = f"call-{next(_numbers)}"
    made = Part("tool_call", arguments_text(arguments), name=name, call_id=call_id, arguments=arguments)
    if result is None:
        return [made]
    return [made, Part("tool_result", result, name=name, call_id=call_id, is_error=error)]


def bash(command: str, result: str | None = "", error: bool | None = False) -> list[Part]:
    """Claude Code's shell."""
    return call("Bash", {"command": command, "description": "Run a command"}, result, error)


def codex(command: str, result: str | None = "", error: bool | None = None) -> list[Part]:
    """Codex's shell."""
    return call("exec_command", {"cmd": command, "workdir": "/srv/app"}, result, error)


def old_codex(command: str, result: str | None = "", error: bool | None = None) -> list[Part]:
    """Codex's shell as it was: words, not a line."""
    return call("shell", {"command": ["bash", "-lc", command]}, result, error)


def mini(command: str, result: str | None = "", error: bool | None = False) -> list[Part]:
    """mini-swe-agent's and SWE-agent's shell."""
    return call("bash", {"command": command}, result, error)


def patch(kind: str, path: str, body: str = "+x") -> list[Part]:
    """Codex's apply_patch."""
    text = f"*** Begin Patch\n*** {kind} File: {path}\n{body}\n*** End Patch"
    return call("apply_patch", text, "Success. Updated the following files:\nM " + path)


def edit(path: str, old: str = "a", new: str = "b") -> list[Part]:
    """Claude Code's Edit."""
    arguments = {"file_path": path, "old_string": old, "new_string": new}
    return call("Edit", arguments, f"The file {path} has been updated.", False)


def read(path: str, result: str = "content") -> list[Part]:
    """Claude Code's Read."""
    return call("Read", {"file_path": path}, result, False)


@cache
def books() -> Codebooks:
    return Codebooks((load(BUILT_IN / "mast.toml"), load(BUILT_IN / "safety.toml")))


def found(
    detector: str, *steps: Step, task: str | None = None, format: str = "", batch: int = 3, system: str | None = None
) -> list[Suggestion]:
    """What a detector says of a run. It must not have been switched off, nothing of what it says may be dropped, and
    every quote must stand where it says."""
    run = Run(Header(format, task=task, system=system), list(steps))
    watching = Watching(meta_of(run), [detectors.load(detector)], books())
    stored = numbered(run)
    suggestions = []
    for start in range(0, len(stored), batch):
        suggestions += watching.feed(stored[start : start + batch])
    suggestions += watching.finish()
    (state,) = watching.progress
    assert state.off is None
    assert state.dropped == 0
    for suggestion in suggestions:
        assert suggestion.rationale
        assert 0 < suggestion.score <= 1
        for item in suggestion.evidence:
            assert stands_there(stored[item.step.index], item.part, item.start, item.quote)
    return suggestions


def quotes(suggestion: Suggestion) -> str:
    """All its evidence as one text."""
    return "\n".join(item.quote for item in suggestion.evidence)


def numbers(suggestions: list[Suggestion]) -> list[tuple[int, int]]:
    """First and last step of each, counted from 1."""
    return [(item.first.index + 1, item.last.index + 1) for item in suggestions]


def check_hostile(detector: str) -> None:
    """Every hostile text in every place of a run: never switched off, and never slow.

    20 ms a step is the budget of a chunk; here a step holds a hostile text five times, on a busy machine, hence 10 x.
    """
    for text in HOSTILE:
        steps = [
            system(text),
            user(text),
            Step("Planner", "agent", [Part("text", text), Part("reasoning", text), *bash(text, text, True)]),
            Step("Coder", "agent", [Part("text", text), *call("run_sql", text, text), *edit(text, text, text)]),
            Step("agent", "agent", [Part("raw", text, name="x"), *call("TodoWrite", {"todos": [{"content": text}]})]),
            say(text),
        ]
        began = time.process_time()
        found(detector, *steps, task=text, format="codex")
        assert time.process_time() - began < 0.5 * len(steps), f"slow on {text[:20]!r}"
