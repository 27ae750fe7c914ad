"""What is known of a run besides its steps, and the list of keys: both as text for the reader window."""

from __future__ import annotations

from review_tui.actions import Action, key_name
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.jsontext import dumps
from sessions.store import Store

Blocks = list[tuple[str, str]]


def about_run(store: Store, run: RunInfo) -> Blocks:
    """Task, system, source, identity, and what could not be read. Never what the source knows of the answer."""
    facts = [
        ("title", run.title),
        ("system", run.system),
        ("model", run.model),
        ("format", run.format),
        ("source", run.path if run.item == 0 else f"{run.path} (run {run.item + 1} in it)"),
        ("further files", ", ".join(run.files)),
        ("started", run.started_at or "time unknown"),
        ("steps", f"{run.steps:,}, {run.chars:,} characters, {run.errors:,} with errors"),
        ("actors", ", ".join(run.actors)),
        ("run id", run.id),
        ("content id", run.content_id or "not yet: the run is still being read"),
    ]
    blocks: Blocks = [(f"{name:<14}{value}", "text") for name, value in facts if value]
    if run.task:
        blocks += [("", "text"), ("TASK", "heading"), (run.task, "text")]
    if run.facts:
        blocks += [("", "text"), ("FACTS", "heading")]
        blocks += [
            (f"{name}: {value if isinstance(value, str) else dumps(value)}", "text")
            for name, value in run.facts.items()
        ]
    problems = catalog.problems(store, run)
    blocks += [("", "text"), ("PROBLEMS WHILE READING", "heading")]
    for problem in problems:
        where = f"line {problem.line:,}: " if problem.line else ""
        blocks.append((f"{where}{problem.reason}", "error"))
    if not problems:
        blocks.append(("none", "good"))
    if catalog.reference(store, run) is not None:
        blocks += [
            ("", "text"),
            ("The source also knows the answer; it is kept apart and not shown to reviewers.", "faint"),
        ]
    return blocks


def keys_help(actions: list[Action]) -> Blocks:
    """The keys of a screen, by group."""
    blocks: Blocks = []
    for group in dict.fromkeys(action.group for action in actions):
        blocks += [("", "text")] if blocks else []
        blocks.append((group.upper(), "heading"))
        for action in actions:
            if action.group == group:
                keys = " ".join(key_name(key) for key in action.keys)
                blocks.append((f"{keys:<12} {action.title}. {action.help}", "text"))
    blocks += [
        ("", "text"),
        ("Ctrl+P opens the command palette, which has every action.", "faint"),
        ("The mouse works: click a row, a fold mark or the map at the right, drag over text to select.", "faint"),
    ]
    return blocks
