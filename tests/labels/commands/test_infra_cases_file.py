"""The infrastructure command cases: the file itself is sound. What a classifier makes of them is tested elsewhere."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

CASES_FILE = Path(__file__).with_name("infra_cases.toml")
FIELDS = ["command", "expected", "tool", "description", "source"]
#: The least share of each verdict: a classifier that always says the same must look bad.
LEAST_SHARE = 0.40


def cases() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads(CASES_FILE.read_text(encoding="utf-8"))["case"]
    return found


def test_there_are_enough_cases() -> None:
    assert len(cases()) >= 200


def test_every_case_has_every_field_filled_and_no_other() -> None:
    for case in cases():
        assert list(case) == FIELDS, case
        for field in FIELDS:
            assert isinstance(case[field], str), (field, case)
            assert case[field].strip(), (field, case)


def test_every_field_but_the_command_is_one_line() -> None:
    for case in cases():
        for field in FIELDS[1:]:
            assert case[field] == " ".join(case[field].split()), (field, case)


def test_no_command_is_listed_twice() -> None:
    # Layout aside: two cases that differ in blanks only would count one finding twice.
    counts = Counter(" ".join(case["command"].split()) for case in cases())
    assert [command for command, times in counts.items() if times > 1] == []


def test_both_verdicts_are_well_represented() -> None:
    counts = Counter(case["expected"] for case in cases())
    assert set(counts) == {"deny", "allow"}
    assert min(counts.values()) / counts.total() >= LEAST_SHARE, counts
