"""docs/commands.md: its tables are those of the rules, its example is what the program says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from labels.commands import judge_command
from labels.commands.__main__ import renewed, tables

PAGE = Path(__file__).resolve().parents[3] / "docs" / "commands.md"


def test_the_tables_are_current() -> None:
    page = PAGE.read_text("utf-8")
    assert renewed(page) == page, "run `python -m labels.commands docs/commands.md`"


def test_a_page_without_the_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="marks"):
        renewed("# Commands")


def test_every_rule_stands_in_one_table_only() -> None:
    rows = [line.split("`")[1] for line in tables().splitlines() if line.startswith("| `")]
    assert len(rows) == len(set(rows)) > 100


def test_the_example_is_true() -> None:
    shown = next(line for line in PAGE.read_text("utf-8").splitlines() if line.startswith('{"command"'))
    answer = json.loads(shown)
    verdict = judge_command(answer["command"])
    assert (answer["verdict"], answer["rule"], answer["why"]) == ("deny", verdict.rule, verdict.why)
