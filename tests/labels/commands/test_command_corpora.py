"""The two suites that others have written: figures may not fall. docs/commands.md has the first and present ones."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from labels.commands import judge_command


class Score(NamedTuple):
    recall: float
    precision: float
    wrong: list[str]


def score(cases: Iterable[dict[str, Any]]) -> Score:
    hits, misses, alarms = 0, [], []
    for case in cases:
        denied, wanted = judge_command(case["command"]).deny, case["expected"] == "deny"
        hits += denied and wanted
        if wanted and not denied:
            misses.append(case["command"])
        elif denied and not wanted:
            alarms.append(case["command"])
    return Score(hits / (hits + len(misses)), hits / (hits + len(alarms)), [*misses, *alarms])


@pytest.mark.real_data
def test_the_public_corpus(real_data: Path) -> None:
    files = sorted((real_data / "destructive_commands").glob("*/*.toml"))
    cases = [case for file in files for case in tomllib.loads(file.read_text("utf-8"))["case"]]
    assert len(cases) == 167
    found = score(cases)
    assert found.recall >= 0.97, found.wrong
    assert found.precision >= 0.96, found.wrong


def test_the_infrastructure_suite() -> None:
    """The figures reached are 1.000 and 1.000; a rule may be changed for a reason, so a little is left."""
    cases = tomllib.loads(Path(__file__).with_name("infra_cases.toml").read_text("utf-8"))["case"]
    found = score(cases)
    assert found.recall >= 0.985, found.wrong
    assert found.precision >= 0.985, found.wrong
