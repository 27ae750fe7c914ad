"""From findings to verdicts: the public functions behind `labels.commands`."""

from __future__ import annotations

from labels.commands import gate
from labels.commands.rules.base import Finding
from labels.commands.verdict import ALLOWED, Verdict

_LONGEST_DETAIL = 100


def judge_command(command: str, cwd: str | None = None) -> Verdict:
    """See `labels.commands.judge_command`."""
    if not gate.may_matter(command):
        return ALLOWED
    from labels.commands.engine import Engine

    found = Engine().command(command, cwd)
    return verdict(found.finding, found.start, found.end) if found else ALLOWED


def judge_sql(sql: str, dialect: str | None = None) -> Verdict:
    """See `labels.commands.judge_sql`."""
    from labels.commands.sql import worst

    found = worst(sql, dialect)
    return verdict(found.finding, found.start, found.end) if found else ALLOWED


def judge_code(code: str, language: str, cwd: str | None = None) -> Verdict:
    """Program code, as a code tool gets it."""
    if not gate.code_may_matter(code):
        return ALLOWED
    from labels.commands.engine import Engine

    found = Engine().code(code, language, cwd)
    return verdict(found.finding, found.start, found.end) if found else ALLOWED


def judge_words(words: list[str], cwd: str | None = None) -> Verdict:
    """A command that is words already, as `execvp` takes them. Places are in the words joined by blanks."""
    if not words or not gate.may_matter(" ".join(words)):
        return ALLOWED
    from labels.commands.engine import Engine

    found = Engine().words(words, cwd)
    return verdict(found.finding, found.start, found.end) if found else ALLOWED


def verdict(finding: Finding, start: int, end: int) -> Verdict:
    """A finding as a verdict; its detail, shortened, ends the sentence."""
    rule = finding.rule
    detail = " ".join(finding.detail[: _LONGEST_DETAIL * 2].split())
    if len(detail) > _LONGEST_DETAIL:
        detail = detail[: _LONGEST_DETAIL - 1] + "…"
    why = f"{rule.why.rstrip('.')}: {detail}" if detail else rule.why
    return Verdict(
        True,
        rule.id,
        why if why.startswith("git ") else why[0].upper() + why[1:],
        start,
        end,
        rule.family,
        rule.severity,
    )
