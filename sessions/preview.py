"""Reading a file as an import would, without keeping anything: what would come of it?"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sessions.identity import Identity
from sessions.ingest import MAX_PROBLEMS
from sessions.keys import path_text
from sessions.readers import read
from sessions.run import Facts, Header, Problem, Step, apply_facts


@dataclass
class Preview:
    """One run of a file."""

    header: Header
    steps: int = 0
    content_id: str = ""


@dataclass
class PreviewReport:
    """What is in one file. problem_count may exceed len(problems), as in an import."""

    path: str
    runs: list[Preview] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    problem_count: int = 0


def preview_file(path: Path, format: str | None = None) -> PreviewReport:
    """Stream a file once. Raises UserError if it cannot be opened or is in no known format."""
    report = PreviewReport(path_text(path))
    identity = Identity()
    for record in read(path, format):
        if isinstance(record, Step):
            identity.step_id(record)
            report.runs[-1].steps += 1
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
