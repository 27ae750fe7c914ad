from __future__ import annotations

from typing import Any

from labels.commands.verdict import ALLOWED, Verdict


def judge_command(command: str, *, cwd: str | None = None) -> Verdict:
    from labels.commands import judge

    return judge.judge_command(command, cwd)


def judge_sql(sql: str, dialect: str | None = None) -> Verdict:
    from labels.commands import judge

    return judge.judge_sql(sql, dialect)
