"""What must hold for whatever a reader is given. Each is a promise to users or to the code behind the readers."""

from __future__ import annotations

import faulthandler
import time
from pathlib import Path

from sessions import readers
from sessions.errors import UserError
from sessions.identity import content_id
from sessions.jsontext import dump_bytes
from sessions.readers.base import Head
from sessions.run import PART_KINDS, ROLES, Header, Problem, Run, Span, Step

#: Processor time for a damaged file of a few kilobytes. Whoever needs more is caught in something.
SECONDS = 10.0
#: After so many seconds a reader hangs: the stack is printed and the process ends.
HANGS_S = 120


class Broken(AssertionError):
    """A promise is broken; the message says which."""


def expect(true: object, what: str, *shown: object) -> None:
    if not true:
        raise Broken(f"{what}: {', '.join(repr(item)[:200] for item in shown)}")


def check(path: Path, format: str) -> tuple[list[Run], list[Problem]]:
    """The reader of that format, then the one that the file looks like, read the file to its end.

    Raises Broken, or whatever a reader let out. Gives what the first one gave.
    """
    began = time.process_time()
    faulthandler.dump_traceback_later(HANGS_S, exit=True)
    try:
        found = _read(path, format)
        for guess in _sniffed(path)[:1]:
            if guess.format != format:
                _read(path, guess.format)
    finally:
        faulthandler.cancel_dump_traceback_later()
    taken = time.process_time() - began
    expect(taken < SECONDS, "it took too long", taken)
    return found


def _sniffed(path: Path) -> list[readers.Guess]:
    head = Head.of(path)
    for name in readers.names():
        if head.data and (not head.is_binary or getattr(readers.load(name), "binary", False)):
            sure = readers.load(name).sniff(head)  # not `likeness`, which hides what it raises
            expect(0 <= sure <= 1, "a confidence is a share", name, sure)
    guesses = readers.sniff(path)
    if not guesses:
        try:
            readers.choose(path)
        except UserError as error:
            expect("\n" not in str(error), "an error is a line", str(error))
        else:
            raise Broken("nobody wants the file, and nobody says so")
    return guesses


def _read(path: Path, format: str) -> tuple[list[Run], list[Problem]]:
    try:
        runs, problems = readers.collect(readers.read(path, format))
    except UserError as error:
        expect("\n" not in str(error) and len(str(error)) < 1000, "an error is a line", str(error))
        return [], []
    for problem in problems:
        _problem(problem)
    for run in runs:
        _header(run.header)
        for step in run.steps:
            _step(step, format)
        expect(len(content_id(run.steps)) == 64, "the run can be identified")
    expect(
        len({run.header.item for run in runs}) == len(runs), "runs have places", [run.header.item for run in runs][:20]
    )
    return runs, problems


def _problem(problem: Problem) -> None:
    expect(isinstance(problem.reason, str) and 0 < len(problem.reason) < 300, "a reason is a line", problem)
    expect("stopped here" not in problem.reason, "the reader raised", problem.reason)
    expect("\n" not in problem.reason, "a reason is a line", problem.reason)
    expect(problem.line is None or (type(problem.line) is int and problem.line >= 1), "lines count from 1", problem)


def _header(header: Header) -> None:
    for name in ("task", "system", "model", "native_id", "started_at"):
        value = getattr(header, name)
        expect(value is None or isinstance(value, str), f"{name} is a text", value)
    expect(isinstance(header.title, str) and len(header.title) < 2000, "the title is short", header.title)
    expect(type(header.item) is int and header.item >= 0, "a run has a place", header.item)
    expect(isinstance(header.facts, dict), "facts have names", header.facts)
    expect(header.reference is None or header.reference, "an empty reference is none")
    dump_bytes(header.facts)
    dump_bytes(header.reference)


def _step(step: Step, format: str) -> None:
    expect(isinstance(step.actor, str) and step.actor, "an actor has a name", step.actor)
    expect(step.role in ROLES, "a role is one of five", step.role)
    for name in ("at", "native_id", "model", "parent_call", "branch", "stage"):
        value = getattr(step, name)
        expect(value is None or isinstance(value, str), f"{name} is a text", value)
    for name in ("tokens_in", "tokens_out"):
        value = getattr(step, name)
        # What the store takes: SQLite's integers.
        expect(value is None or (type(value) is int and 0 <= value < 2**63), f"{name} is a count", value)
    expect(step.cost is None or isinstance(step.cost, float), "cost is a number", step.cost)
    expect(type(step.depth) is int and step.depth >= 0, "depth counts from 0", step.depth)
    # A file of ours may say that the source's records are gone.
    expect(step.raw or format == "canonical", "a step has its source's records", step)
    expect(all(isinstance(raw, (bytes, Span)) for raw in step.raw), "raw records are bytes or places", step.raw[:3])
    for part in step.parts:
        expect(part.kind in PART_KINDS, "a part is of a kind", part.kind)
        expect(isinstance(part.text, str), "a part has a text", part.text)
        expect(part.name is None or isinstance(part.name, str), "a name is a text", part.name)
        expect(part.call_id is None or isinstance(part.call_id, str), "a call's id is a text", part.call_id)
        expect(part.is_error in (None, True, False), "an error is one or not", part.is_error)
        if part.arguments is not None:
            dump_bytes(part.arguments)
