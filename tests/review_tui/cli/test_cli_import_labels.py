"""`review-tui import-labels`."""

import json
from pathlib import Path
from typing import Any

from review_tui.cli.group import COMMANDS

COMMANDS.setdefault("import-labels", ("review_tui.cli.import_labels", "Votes of corpora."))  # type: ignore[attr-defined]

ROW = {
    "question": "Why?", "question_ID": "q1", "mistake_agent": "Surfer\x1b[31m", "mistake_step": "1",
    "mistake_reason": "It \x1b]0;owned\x07 guessed.",
    "history": [{"role": "human", "content": "Why?"}, {"role": "Surfer", "content": "Because."}],
}  # fmt: skip


def test_votes_are_counted_and_shown_without_harm(call: Any, tmp_path: Path, is_harmless: Any) -> None:
    path = tmp_path / "1.json"
    path.write_text(json.dumps(ROW))
    done = call("import-labels", path, "--json").json
    assert done["schema"] == "review-tui/import-labels/1"
    assert [(item["reviewer"], item["new"]) for item in done["annotators"]] == [("outside:who-and-when", 1)]
    again = call("import-labels", path)
    assert again.code == 0
    assert "outside:who-and-when" in again.out
    shown = call("history", done["runs"][0])
    assert "decisive-error" in shown.out or "Decisive error" in shown.out
    assert is_harmless(again.out + shown.out)


def test_nobody_decides_under_an_outside_name(call: Any, run: str) -> None:
    refused = call("decide", run, "--chunk", 1, "--verdict", "approve", "--reviewer", "outside:mast-annotator-1")
    assert refused.code == 2
    assert "imported labels" in refused.err


def test_a_path_without_labels_is_refused_in_one_line(call: Any, tmp_path: Path, chat: Any) -> None:
    refused = call("import-labels", chat(tmp_path / "chat.json"))
    assert refused.code == 1
    assert len(refused.err.strip().splitlines()) == 1
