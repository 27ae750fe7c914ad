"""Reading a file as an import would, without keeping anything: what would be read of it, and what not?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from sessions.identity import Identity
from sessions.ingest import MAX_PROBLEMS
from sessions.keys import path_text
from sessions.readers import Guess, read, sniff
from sessions.run import Facts, Header, Problem, Step, apply_facts

#: Kinds of records kept raw that are told by name; further ones are counted together.
MAX_KINDS = 20
OTHERS = "others"


@dataclass
class Preview:
    """One run of a file.

    parts: how many of each kind ("text", "tool_call" ...). unanswered: calls without a result. errors: results that the
    source states to be errors; errors_inferred: those that only look like it. raw: the kinds of records that no part of
    the program understands, and how many of each are kept as they are.
    """

    header: Header
    steps: int = 0
    content_id: str = ""
    parts: Counter[str] = field(default_factory=Counter)
    unanswered: int = 0
    errors: int = 0
    errors_inferred: int = 0
    raw: Counter[str] = field(default_factory=Counter)

    def add(self, step: Step) -> None:
        self.steps += 1
        open_calls = 0
        for part in step.parts:
            self.parts[part.kind] += 1
            if part.kind == "tool_call":
                open_calls += 1
            elif part.kind == "tool_result":
                open_calls -= 1
                self.errors += part.is_error is True and not part.error_inferred
                self.errors_inferred += bool(part.is_error and part.error_inferred)
            elif part.kind == "raw":
                kind = part.name or "unknown"
                self.raw[kind if kind in self.raw or len(self.raw) < MAX_KINDS else OTHERS] += 1
        self.unanswered += max(0, open_calls)


@dataclass
class PreviewReport:
    """What is in one file. problem_count may exceed len(problems), as in an import. could_be: the formats that the file
    looks like, the likeliest first; more than one where its content does not tell them apart for certain."""

    path: str
    runs: list[Preview] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    problem_count: int = 0
    could_be: list[Guess] = field(default_factory=list)


def preview_file(path: Path, format: str | None = None) -> PreviewReport:
    """Stream a file once. Raises UserError if it cannot be opened or is in no known format."""
    report = PreviewReport(path_text(path), could_be=sniff(path))
    identity = Identity()
    for record in read(path, format):
        if isinstance(record, Step):
            identity.step_id(record)
            report.runs[-1].add(record)
        elif isinstance(record, Header):
            _close(report, identity)
            identity = Identity()
            report.runs.append(Preview(record))
        elif isinstance(record, Facts):
            apply_facts(report.runs[-1].header, record)
        else:
            report.problem_count += 1
            if len(report.problems) < MAX_PROBLEMS:
                report.problems.append(record)
    _close(report, identity)
    return report


def _close(report: PreviewReport, identity: Identity) -> None:
    if report.runs:
        report.runs[-1].content_id = identity.content_id()
