"""`review-tui show RUN`: a run as plain text, in order, for any reader and any screen reader."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import click

from labels.glance import decisions_of
from labels.queues import rule_for
from review_tui.cli import output
from review_tui.cli.decision_text import decision_json, decision_lines
from review_tui.cli.settings import (
    WORDS,
    chunks_option,
    cut,
    db_option,
    find_run,
    json_option,
    reviewer_option,
    settings,
)
from sessions import catalog
from sessions.bodies import StoredStep
from sessions.catalog import RunInfo
from sessions.chunks import Chunks, chunk_ref
from sessions.errors import UsageError
from sessions.run import Part
from sessions.store import Store


@dataclass(frozen=True)
class _View:
    """What is to be printed. only: one chunk (from 0), or None for all. raw: with the source's own records."""

    store: Store
    run: RunInfo
    policy: str
    chunks: Chunks
    only: int | None
    raw: bool
    decisions: list[dict[str, Any]]

    def steps(self, chunk: int | None) -> Generator[StoredStep]:
        """To be closed by the caller: a query must not outlive the database, whoever stops reading."""
        if self.chunks.total:
            first, last = self.chunks.bounds(chunk) if chunk is not None else (0, self.chunks.total - 1)
            yield from catalog.steps(self.store, self.run.no, first, last)


@click.command("show")
@click.argument("run", type=WORDS)
@click.option("--chunk", "number", type=int, metavar="N", help="Only this chunk, counted from 1.")
@chunks_option
@click.option("--raw", is_flag=True, help="The source's own records beside each step.")
@db_option
@reviewer_option
@json_option
@click.pass_context
def command(ctx: click.Context, run: str, number: int | None, policy: str | None, raw: bool, as_json: bool) -> None:
    """Print RUN as plain text, chunk by chunk, with your own decisions.

    RUN is the start of an id (4 characters or more), a file's path (FILE#2 for its second run) or a title.
    """
    store = settings(ctx).store(ctx)
    info = find_run(store, run)
    parsed, chunks = cut(store, info, policy, rule_for(store, info, settings(ctx).reviewer_name()))
    mine = decisions_of(store, catalog.ids_of(store, info.id), settings(ctx).reviewer_name())
    view = _View(store, info, str(parsed), chunks, chunk_index(chunks, number), raw, mine)
    (_emit if as_json else _print)(view)


def chunk_index(chunks: Chunks, number: int | None) -> int | None:
    """A chunk's place from 0. Raises UsageError for a number that no chunk has."""
    if number is None:
        return None
    if not 1 <= number <= len(chunks):
        raise UsageError(f"there is no chunk {number}.", f"This run has {output.count(len(chunks), 'chunk')}.")
    return number - 1


# -- as text ------------------------------------------------------------------------------------------------------


def _print(view: _View) -> None:
    _print_head(view)
    chosen = range(len(view.chunks)) if view.only is None else [view.only]
    for chunk in chosen:
        first, last = view.chunks.bounds(chunk)
        output.line()
        output.line(f"=== chunk {chunk + 1} of {len(view.chunks)}, {output.steps_text(first, last)}")
        with closing(view.steps(chunk)) as steps:
            for stored in steps:
                _print_step(view, stored)
        _print_decisions(_on_chunk(view, chunk))
    if view.only is None:
        _print_decisions([item for item in view.decisions if item["target"]["scope"] == "run"])


def _print_head(view: _View) -> None:
    run = view.run
    size = f"{output.count(run.steps, 'step')}, {output.count(len(view.chunks), 'chunk')} ({view.policy})"
    output.line(f"run {run.id[:8]}  {run.title or '(no title)'}")
    output.line(f"{run.format}, {size}, {output.count(run.errors, 'step')} with an error")
    for name, value in (("system", run.system), ("model", run.model), ("started", run.started_at), ("file", run.path)):
        if value:
            output.line(f"{name}: {value}")
    if run.task:
        output.line("task:")
        output.block(run.task)
    if not run.complete:
        live = run.state == "live"
        output.line("This run is live." if live else "This run was not read to its end: import it again.")
    if run.problems:
        output.line(f"{output.count(run.problems, 'record')} could not be read:")
        for problem in catalog.problems(view.store, run)[:5]:
            output.line(f"  {'' if problem.line is None else f'line {problem.line}: '}{problem.reason}")


def _print_step(view: _View, stored: StoredStep) -> None:
    step = stored.step
    about = [step.actor, *([step.role] if step.role != step.actor else []), *([step.at] if step.at else [])]
    about += [f"branch {step.branch}"] if step.branch else []
    about += [f"sub-agent level {step.depth}"] if step.depth else []
    output.line()
    output.line(f"--- step {stored.number}: {', '.join(about)}")
    for part in step.parts:
        if heading := _heading(part):
            output.line(heading)
        if part.text:
            output.block(part.text)
    if view.raw:
        for record in catalog.raw(view.store, view.run, stored.index):
            output.line("source record:")
            output.block(record.decode("utf-8", "replace"))


def _heading(part: Part) -> str:
    match part.kind:
        case "text":
            return ""
        case "tool_call":
            return f"call {part.name or '(no name)'}:"
        case "tool_result":
            guess = ", as it seems" if part.error_inferred else ""
            return f"result{f' of {part.name}' if part.name else ''}{f' (error{guess})' if part.is_error else ''}:"
        case "raw":
            return f"unknown record {part.name or ''}".rstrip() + ":"
    return f"{part.kind}:"


def _print_decisions(decisions: list[dict[str, Any]]) -> None:
    for decision in decisions:
        output.line()
        output.line("--- your decision")
        for row in decision_lines(decision):
            output.line(row)


# -- as JSON ------------------------------------------------------------------------------------------------------


def _emit(view: _View) -> None:
    run = view.run
    head = {
        "run": {
            "id": run.id, "content_id": run.content_id, "state": run.state, "format": run.format, "title": run.title,
            "task": run.task, "system": run.system, "model": run.model, "native_id": run.native_id,
            "started_at": run.started_at, "path": run.path, "item_number": run.item + 1, "actors": run.actors,
            "facts": run.facts, "steps": run.steps, "chunks": len(view.chunks),
            "problems": [
                {"path": item.path, "line": item.line, "reason": item.reason}
                for item in catalog.problems(view.store, run)
            ],
        },
        "policy": view.policy,
        "chunk": None if view.only is None else _chunk(view, view.only),
        "decisions": [decision_json(item) for item in _chosen(view)],
    }  # fmt: skip
    with closing(view.steps(view.only)) as steps:
        output.emit_streamed("show", head, "steps", (_step(view, stored) for stored in steps))


def _chosen(view: _View) -> list[dict[str, Any]]:
    if view.only is None:
        return view.decisions
    return _on_chunk(view, view.only)


def _on_chunk(view: _View, chunk: int) -> list[dict[str, Any]]:
    if not view.decisions:
        return []
    ref = chunk_ref(view.store, view.run, view.chunks, chunk)
    return [item for item in view.decisions if item["target"]["id"] == ref.id]


def _chunk(view: _View, chunk: int) -> dict[str, Any]:
    ref = chunk_ref(view.store, view.run, view.chunks, chunk)
    return {
        "id": ref.id, "number": ref.number, "first_step_number": ref.first + 1, "last_step_number": ref.last + 1,
        "first_step_index": ref.first, "last_step_index": ref.last,
    }  # fmt: skip


def _step(view: _View, stored: StoredStep) -> dict[str, Any]:
    step = stored.step
    found: dict[str, Any] = {
        "step": stored.id, "step_number": stored.number, "step_index": stored.index,
        "chunk": view.chunks.of_step(stored.index) + 1, "actor": step.actor, "role": step.role, "at": step.at,
        "native_id": step.native_id, "model": step.model, "depth": step.depth, "parent_call": step.parent_call,
        "branch": step.branch, "stage": step.stage, "tokens_in": step.tokens_in, "tokens_out": step.tokens_out,
        "cost": step.cost, "parts": [_part(place, part) for place, part in enumerate(step.parts)],
    }  # fmt: skip
    if view.raw:
        records = catalog.raw(view.store, view.run, stored.index)
        found["raw"] = [record.decode("utf-8", "replace") for record in records]
    return found


def _part(place: int, part: Part) -> dict[str, Any]:
    return {
        "part": place, "kind": part.kind, "text": part.text, "name": part.name, "call_id": part.call_id,
        "arguments": part.arguments, "is_error": part.is_error, "error_inferred": part.error_inferred,
    }  # fmt: skip
