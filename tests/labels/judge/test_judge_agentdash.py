"""Importing answers of agentdash. The two documents are what its release 0.1.0 made of raw answers written for this."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from labels import suggestions, views
from labels.codebook import Codebook
from labels.judge.agentdash import import_annotation, matched, read_file
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.errors import UserError
from sessions.store import Store

CODES = ["1.1", "1.2", "1.3", "1.4", "1.5", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6", "3.1", "3.2", "3.3"]
RAW = "A. One thing.\nB. yes\nC.\n" + "\n".join(f"{code} {'yes' if code == '1.3' else 'no'}" for code in CODES)
PLAIN = {
    "failure_modes": {code: int(code == "1.3") for code in CODES},
    "summary": "One thing.",
    "task_completion": True,
    "total_failures": 1,
    "raw_response": RAW,
}
#: The model repeats the names of the modes: agentdash reads "No or Incorrect ...: yes" and "Ig-no-red ...: yes" as no.
ECHOED = {
    "failure_modes": dict.fromkeys(CODES, 0),
    "summary": 'The agent closes the incident on "step 4 of the work" alone.',
    "task_completion": False,
    "total_failures": 0,
    "raw_response": 'A. The agent closes the incident on "step 4 of the work" alone.\nB. no\nC.\n'
    "1.1 Disobey Task Specification: no\n1.3 Step Repetition: no\n2.5 Ignored Other Agent's Input: yes\n"
    "3.2 No or Incorrect Verification: yes\n3.3 Weak Verification: no\n",
}


def write(tmp_path: Path, value: Any) -> Path:
    path = tmp_path / "answer.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def test_a_yes_becomes_a_suggestion_that_says_it_has_no_evidence(
    store: Store, run: RunInfo, mast: Codebook, tmp_path: Path
) -> None:
    (annotation,) = read_file(write(tmp_path, PLAIN))
    done = import_annotation(store, run, annotation, mast, source="answer.json")
    (item,) = suggestions.suggestions_of(store, run)
    assert (item.mode, item.detector, item.version, item.score) == ("step-repetition", "agentdash", "0.1.0", 0.5)
    assert (item.first.index, item.last.index) == (0, 9)
    assert "names no step and no evidence" in item.rationale
    assert "One thing." in item.rationale
    assert item.evidence[0].quote == "step 10 of the work is done"
    assert (done.quoted, annotation.reread, annotation.silent) == (0, (), ())
    (look,) = views.looks(store, run)
    assert look.reason == "imported from answer.json: yes to 1 of 14 modes; it takes the task for completed"


def test_passages_that_the_summary_quotes_are_evidence_where_one_mode_is_claimed(
    store: Store, run: RunInfo, mast: Codebook, tmp_path: Path
) -> None:
    quoting = {**PLAIN, "summary": 'It says "step 4 of the work" and "step 99 of the work" and `step 7 of the work`.'}
    import_annotation(store, run, read_file(write(tmp_path, quoting))[0], mast)
    (item,) = suggestions.suggestions_of(store, run)
    assert [(passage.step.index, passage.quote) for passage in item.evidence] == [
        (3, "step 4 of the work"),
        (6, "step 7 of the work"),
    ]
    for passage in item.evidence:
        text = catalog.step(store, run.no, passage.step.index).step.parts[passage.part].text
        assert text[passage.start : passage.end] == passage.quote
    assert "its summary quotes the passage" in item.rationale


def test_the_raw_answer_outweighs_what_the_tool_made_of_it(
    store: Store, run: RunInfo, mast: Codebook, tmp_path: Path
) -> None:
    (annotation,) = read_file(write(tmp_path, ECHOED))
    assert annotation.reread == ("2.5", "3.2")
    assert annotation.silent == ("1.2", "1.4", "1.5", "2.1", "2.2", "2.3", "2.4", "2.6", "3.1")
    done = import_annotation(store, run, annotation, mast)
    assert [item.mode for item in done.found] == ["ignored-other-agents-input", "no-or-incomplete-verification"]
    assert done.quoted == 0  # two modes, and nobody knows which of them the summary's quote is about
    assert "silent on 1.2" in views.looks(store, run)[0].reason


def test_a_second_answer_replaces_the_first_and_a_no_is_kept(
    store: Store, run: RunInfo, mast: Codebook, tmp_path: Path
) -> None:
    import_annotation(store, run, read_file(write(tmp_path, PLAIN))[0], mast)
    import_annotation(
        store, run, read_file(write(tmp_path, {**PLAIN, "failure_modes": {"1.3": 0}, "raw_response": ""}))[0], mast
    )
    assert views.suggestions(store, run) == []
    assert [(look.state, look.found) for look in views.looks(store, run)] == [("done", 0)]


def test_codes_that_nobody_knows_are_said(store: Store, run: RunInfo, mast: Codebook, tmp_path: Path) -> None:
    value = {"failure_modes": {"1.6": 1, "2.7": "yes", "2.6": True}, "summary": None}
    done = import_annotation(store, run, read_file(write(tmp_path, value))[0], mast)
    assert ([item.mode for item in done.found], done.unknown) == (["reasoning-action-mismatch"], ["1.6", "2.7"])


@pytest.mark.parametrize(
    ("value", "runs"),
    [
        (PLAIN, [None]),
        ([{**PLAIN, "run": "a"}, {"trace_id": 7, "annotation": PLAIN}], ["a", "7"]),
        ({"a.json": PLAIN, "b.json": ECHOED}, ["a.json", "b.json"]),
        ("\n".join(json.dumps({"run": name, **PLAIN}) for name in "ab"), ["a", "b"]),
        ([PLAIN, {"other": 1}, 3, None], [None]),
    ],
)
def test_files_of_every_shape(tmp_path: Path, value: Any, runs: list[str | None]) -> None:
    assert [item.run for item in read_file(write(tmp_path, value))] == runs


@pytest.mark.parametrize("value", ["", "{", "[]", "{}", "7", '{"failure_modes": [1]}', "{'failure_modes': {'1.1': 0}}"])
def test_files_that_hold_no_answer(tmp_path: Path, value: str) -> None:
    with pytest.raises(UserError, match=r"answer\.json"):
        read_file(write(tmp_path, value))


def test_which_run_is_meant(store: Store, run: RunInfo, tmp_path: Path) -> None:
    def find(text: str) -> RunInfo:
        return catalog.find_run(store, text)

    one = read_file(write(tmp_path, PLAIN))
    assert [info.id for info, _ in matched(one, find, run.id)] == [run.id]
    with pytest.raises(UserError, match="names no run"):
        list(matched(one, find, None))
    two = read_file(write(tmp_path, {run.id: PLAIN, "other": PLAIN}))
    with pytest.raises(UserError, match="holds 2 answers"):
        list(matched(two, find, run.id))
    with pytest.raises(UserError, match="no run 'other'"):
        list(matched(two, find, None))
