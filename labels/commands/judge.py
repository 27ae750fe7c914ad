"""From findings to verdicts: the public functions behind `labels.commands`.

Nothing that a text holds may end whoever asks: should a rule fail on it, the text counts as one that cannot be judged.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from labels.commands import gate
from labels.commands.rules.base import Finding
from labels.commands.rules.opaque import FAILED
from labels.commands.verdict import ALLOWED, Verdict

_LONGEST_DETAIL = 100


class _Found(Protocol):
    """A finding and its place, as the engine and the judge of SQL give them."""

    @property
    def finding(self) -> Finding: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


def judge_command(command: str, cwd: str | None = None) -> Verdict:
    """See `labels.commands.judge_command`."""
    if not gate.may_matter(command):
        return ALLOWED
    from labels.commands.engine import Engine

    return _safely(lambda: Engine().command(command, cwd), len(command))


def judge_sql(sql: str, dialect: str | None = None) -> Verdict:
    """See `labels.commands.judge_sql`."""
    from labels.commands.sql import worst

    return _safely(lambda: worst(sql, dialect), len(sql))


def judge_code(code: str, language: str, cwd: str | None = None) -> Verdict:
    """Program code, as a code tool gets it. language: as in `labels.commands.interpreters`, may be empty."""
    if not gate.code_may_matter(code):
        return ALLOWED
    from labels.commands.engine import Engine

    return _safely(lambda: Engine().code(code, language, cwd), len(code))


def judge_words(words: list[str], cwd: str | None = None) -> Verdict:
    """A command that is words already, as `execvp` takes them. Places are in the words joined by blanks."""
    if not words or not gate.may_matter(" ".join(words)):
        return ALLOWED
    from labels.commands.engine import Engine

    return _safely(lambda: Engine().words(words, cwd), len(" ".join(words)))


def _safely(judge: Callable[[], _Found | None], length: int) -> Verdict:
    try:
        found = judge()
    except Exception as error:  # a gate must hold where its check fails
        return verdict(Finding(FAILED, type(error).__name__), 0, length)
    return verdict(found.finding, found.start, found.end) if found else ALLOWED


def verdict(finding: Finding, start: int, end: int) -> Verdict:
    """A finding as a verdict; its detail, shortened, ends the sentence."""
    rule = finding.rule
    detail = " ".join(finding.detail[: _LONGEST_DETAIL * 2].split())
    if len(detail) > _LONGEST_DETAIL:
        detail = detail[: _LONGEST_DETAIL - 1] + "…"
    why = f"{rule.why.rstrip('.')}: {detail}" if detail else rule.why
    why = why if why.startswith("git ") else why[0].upper() + why[1:]
    return Verdict(True, rule.id, why, start, end, rule.family, rule.severity)
