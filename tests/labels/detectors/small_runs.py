"""Small runs for the tests of detectors, told in a few words, and what a detector says of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from labels.codebook import load_all
from labels.detecting import Watching, meta_of, numbered
from labels.detectors import Detector, load
from labels.suggestions import Suggestion
from sessions import readers
from sessions.run import Header, Part, Role, Run, Step, arguments_text

BOOKS = load_all()


def say(text: str, actor: str = "agent") -> Step:
    return Step(actor, "agent", [Part("text", text)])


def user(text: str) -> Step:
    return Step("user", "user", [Part("text", text)])


def world(text: str) -> Step:
    return Step("environment", "environment", [Part("text", text)])


def call(
    arguments: Any, result: str | None = "", *, tool: str = "bash", error: bool | None = None, text: str = "",
    actor: str = "agent", role: Role = "agent",
) -> Step:  # fmt: skip
    """A step with one call and its result (None: nobody tells it)."""
    arguments = {"command": arguments} if isinstance(arguments, str) else arguments
    parts = [Part("text", text)] if text else []
    parts.append(Part("tool_call", arguments_text(arguments), name=tool, call_id="c", arguments=arguments))
    if result is not None:
        parts.append(Part("tool_result", result, name=tool, call_id="c", is_error=error))
    return Step(actor, role, parts)


def run_of(*steps: Step, task: str | None = None) -> Run:
    return Run(Header("test", task=task), list(steps))


def look(detector: str | Detector, *steps: Step, task: str | None = None, batch: int = 5) -> list[Suggestion]:
    """What a detector says of a run with these steps. It must stay on, and every quote must be true."""
    chosen = load(detector) if isinstance(detector, str) else detector
    run = run_of(*steps, task=task)
    watching = Watching(meta_of(run), [chosen], BOOKS)
    stored = numbered(run)
    found = [item for start in range(0, len(stored), batch) for item in watching.feed(stored[start : start + batch])]
    found += watching.finish()
    (progress,) = watching.progress
    assert progress.off is None
    assert progress.dropped == 0
    for item in found:
        assert item.rationale
        assert 0 < item.score <= 1
        assert item.evidence
        for evidence in item.evidence:
            text = run.steps[evidence.step.index].parts[evidence.part].text
            assert text[evidence.start : evidence.end] == evidence.quote
            assert evidence.quote.strip() == evidence.quote
    return found


def places(found: list[Suggestion]) -> list[tuple[int, int]]:
    """First and last step of each, by index."""
    return [(item.first.index, item.last.index) for item in found]


def read_runs(path: Path) -> list[Run]:
    return readers.collect(readers.read(path))[0]
