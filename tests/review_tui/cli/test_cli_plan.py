"""`review-tui plan`, as people and programs call it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from labels.planning.model import Costs, Plan, with_review
from review_tui.cli.group import cli
from review_tui.cli.plan_report import number, percent
from sessions.store import Store
from tests.review_tui.cli.conftest import HOSTILE


def plan(*args: str) -> dict[str, Any]:
    result = CliRunner().invoke(cli, ["plan", *args, "--json"])
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def text(*args: str) -> str:
    result = CliRunner().invoke(cli, ["plan", *args])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_figures_of_the_first_page() -> None:
    found = plan("--steps", "20", "--success", "0.95")
    assert found["schema"] == "review-tui/plan/1"
    assert found["success_without_review"] == 0.95**20
    assert found["success_per_chunk"] == 0.95**5
    assert "36 %" in (shown := text("--steps", "20", "--success", "0.95"))
    assert "77 %" in shown


def test_every_option_reaches_the_plan() -> None:
    found = plan(
        "--steps", "17", "--success", "90%", "--chunk", "6", "--catch", "0.5", "--late-catch", "30%",
        "--false-alarm", "0.15", "--retries", "1", "--step-cost", "2", "--review-cost", "3", "--read-cost", "0.5",
        "--wrong-cost", "9",
    )  # fmt: skip
    expected = with_review(Plan(17, 0.9, 6, 0.5, 0.3, 0.15, 1, Costs(2, 3, 0.5, 9)))
    for name in ("right", "wrong", "given_up", "steps", "reviews", "cost", "cost_per_right"):
        assert found["with_review"][name] == pytest.approx(getattr(expected, name))
    assert (found["chunks"], found["last_chunk"], found["success_last_chunk"]) == (3, 5, pytest.approx(0.9**5))
    assert found["costs"] == {"step": 2, "review": 3, "read": 0.5, "wrong": 9}


def test_the_curve_the_best_and_the_sensitivity_are_in_the_document() -> None:
    found = plan("--steps", "20", "--success", "0.95")
    assert [point["chunk"] for point in found["curve"]] == list(range(1, 21))
    cheapest = min(found["curve"], key=lambda point: point["cost_per_right"])
    assert found["best"]["cheapest"] == cheapest
    assert [(item["changed"], item["errors_times"]) for item in found["sensitivity"]] == [
        ("success", 0.5), ("success", 2.0), ("catch", 0.5), ("catch", 2.0),
    ]  # fmt: skip


def test_what_never_ends_is_null_and_said() -> None:
    options = "--steps", "20", "--success", "0", "--catch", "1", "--retries", "unlimited"
    found = plan(*options)
    assert found["retries"] is None
    assert found["with_review"]["endless"] == 1
    assert found["with_review"]["steps"] is None
    assert found["with_review"]["cost_per_right"] is None
    shown = text(*options)
    assert "goes on for ever" in shown
    assert "cannot be saved" in shown


def test_people_see_the_best_size_and_their_own() -> None:
    rows = text("--steps", "200", "--success", "0.99", "--chunk", "37").splitlines()
    marked = [row.split()[0] for row in rows if row.endswith(("yours", "cheapest", "surest"))]
    assert "37" in marked
    assert len(marked) == 3
    assert max(map(len, rows)) <= 100
    assert "one review, at its end" in text("--steps", "5", "--success", "0.9", "--chunk", "9")


@pytest.mark.parametrize(
    "args",
    [
        ["--steps", "20"],
        ["--success", "0.9"],
        ["--steps", "0", "--success", "0.9"],
        ["--steps", "two", "--success", "0.9"],
        ["--steps", "20", "--success", "nan"],
        ["--steps", "20", "--success", "95"],
        ["--steps", "20", "--success", "0.9", "--chunk", "-1"],
        ["--steps", "20", "--success", "0.9", "--catch", "110%"],
        ["--steps", "20", "--success", "0.9", "--retries", "many"],
        ["--steps", "20", "--success", "0.9", "--retries", "-1"],
        ["--steps", "20", "--success", "0.9", "--review-cost", "inf"],
        ["--steps", "9" * 30, "--success", "0.9"],
    ],
)
def test_nonsense_is_one_line_and_exit_2(args: list[str]) -> None:
    result = CliRunner().invoke(cli, ["plan", *args])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("review-tui: ")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0 %"), (1, "100 %"), (0.3585, "36 %"), (0.996, "99.6 %"), (0.9999, "99.99 %"), (1e-9, "under 0.0001 %"),
     (1 - 1e-9, "over 99.9999 %")],
)  # fmt: skip
def test_nearly_never_and_nearly_always_are_not_never_and_always(value: float, shown: str) -> None:
    assert percent(value) == shown


def test_numbers_stay_short() -> None:
    assert [number(value) for value in (4.87, 1234.5, 3e12, float("inf"))] == ["4.9", "1,234", "3.0e+12", "no end"]


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys; from review_tui.cli.group import cli\n"
        "cli(['plan', '--steps', '20', '--success', '0.95', '--json'], standalone_mode=False)\n"
        "print(sorted({'textual', 'rich', 'numpy', 'pydantic', 'sqlite3', 'sqlite_utils'} & set(sys.modules)))"
    )
    env = {name: value for name, value in os.environ.items() if not name.startswith("COV")}  # it imports sqlite3
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert done.stdout.splitlines()[-1] == "[]"


# -- from one's own reviews ------------------------------------------------------------------------------------------


def reviewed(call: Any, run: str, system: str) -> None:
    """Name the run's system, and approve its first chunk."""
    with Store.open(Path(os.environ["REVIEW_TUI_DB"])) as store, store.write() as tx:
        tx.execute("UPDATE run SET system = ?", [system])
    assert call("decide", run, "--chunk", "1", "--verdict", "approve").code == 0


def test_steps_and_success_from_a_systems_reviews(call: Any, run: str) -> None:
    reviewed(call, run, "Alpha")
    found = call("plan", "--system", "alpha", "--json").json
    (info,) = call("runs", "--json").json["runs"]
    assert found["steps"] == found["system"]["steps_median"] == info["steps"]
    assert found["system"]["name"] == "Alpha"
    assert (found["system"]["reviewed_chunks"], found["system"]["failed_chunks"]) == (1, 0)
    # Beta(19, 1) and five steps that were right.
    assert found["success"] == found["system"]["success"] == pytest.approx(24 / 25, abs=1e-6)
    assert found["system"]["low"] < 0.96 < found["system"]["high"]
    shown = call("plan", "--system", "Alpha").out
    assert "Alpha: by reviews of 1 chunk a step is right with 96.0%" in shown
    given = call("plan", "--system", "Alpha", "--steps", "7", "--success", "50%", "--json").json
    assert (given["steps"], given["success"]) == (7, 0.5)


def test_a_system_that_is_not_there_or_not_reviewed(call: Any, run: str, is_harmless: Any) -> None:
    unknown = call("plan", "--system", "nobody")
    assert (unknown.code, unknown.err.count("\n")) == (1, 1)
    with Store.open(Path(os.environ["REVIEW_TUI_DB"])) as store, store.write() as tx:
        tx.execute("UPDATE run SET system = ?", [HOSTILE])
    found = call("plan", "--system", HOSTILE)
    assert (found.code, found.err.count("\n")) == (1, 1)
    assert "counts yet" in found.err
    is_harmless(found.err)
    reviewed(call, run, HOSTILE)
    is_harmless(call("plan", "--system", HOSTILE).out)


def test_an_estimate_needs_a_database(call: Any) -> None:
    found = call("plan", "--system", "alpha")
    assert found.code == 1
    assert "there is no database" in found.err
