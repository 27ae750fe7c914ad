"""All hints on the sample traces and on real runs: none is switched off, and every quote stands where it says."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hint_runs import books

import sample_traces
from labels import detectors
from labels.detecting import Watching, meta_of, numbered, stands_there
from sample_traces import reference
from sessions import readers
from sessions.errors import UserError
from sessions.run import Run

HINTS = (
    "prohibition",
    "role-drift",
    "lost-history",
    "no-stop",
    "unasked",
    "said-not-done",
    "open-items",
    "unverified",
    "false-success",
    "fabrication",
    "log-tampering",
)
SAMPLES = sorted(
    path
    for path in sample_traces.path().iterdir()
    if path.suffix in (".json", ".jsonl", ".txt") and path.name != "reference_labels.json"
)
#: Runs taken from one file, and the largest file: enough of every format within seconds.
MOST_RUNS, MOST_BYTES = 12, 4_000_000


def check(run: Run, batch: int = 20) -> set[tuple[str, str, int]]:
    """(detector, mode, first step) of what is found; fails where a detector is switched off or misquotes."""
    watching = Watching(meta_of(run), [detectors.load(name) for name in HINTS], books())
    stored = numbered(run)
    suggestions = []
    for start in range(0, len(stored), batch):
        suggestions += watching.feed(stored[start : start + batch])
    suggestions += watching.finish()
    assert {state.detector.id: state.off for state in watching.progress if state.off} == {}
    assert [state.detector.id for state in watching.progress if state.dropped] == []
    for item in suggestions:
        for quote in item.evidence:
            assert stands_there(stored[quote.step.index], quote.part, quote.start, quote.quote)
    return {(item.detector, item.mode, item.first.index + 1) for item in suggestions}


def runs_of(path: Path) -> list[Run]:
    try:
        reader = readers.choose(path, searching=True)
    except UserError:
        return []
    return [] if reader is None else readers.collect(readers.read(path))[0][:MOST_RUNS]


EXPECTED = {
    "checkout-outage.json": {("said-not-done", "reasoning-action-mismatch", 8)},
    "good-run.traj.json": set(),
    "ignored-reviewer.json": set(),
    "lost-history.jsonl": {
        ("lost-history", "loss-of-conversation-history", 13),
        ("lost-history", "loss-of-conversation-history", 14),
        ("false-success", "incorrect-verification", 16),
    },
    "nightly-etl.txt": {("unasked", "fail-to-ask-for-clarification", 7)},
    "polling-loop.jsonl": {("false-success", "incorrect-verification", 14)},
    "replit-freeze.jsonl": {
        ("prohibition", "disobey-task-specification", 8),
        ("prohibition", "disobey-task-specification", 11),
        ("fabrication", "fabricated-data", 11),
        ("fabrication", "fabricated-data", 16),
        ("log-tampering", "log-tampering", 14),
    },
    "wide-and-hostile.jsonl": set(),
}


@pytest.mark.parametrize("path", SAMPLES, ids=[path.name for path in SAMPLES])
def test_sample_traces(path):
    """Staged runs, so this shows that the detectors work, not how well."""
    (run,) = runs_of(path)
    found = check(run)
    assert found == EXPECTED[path.name]
    assert check(run, batch=1) == found


def test_what_is_found_on_the_samples_is_what_they_are_labelled_with():
    labelled = {(item.run, label.mode) for item in reference.load() for label in item.labels}
    found = {(name, mode) for name, items in EXPECTED.items() for _, mode, _ in items}
    assert found <= labelled


@pytest.mark.real_data
def test_real_runs(real_data):
    formats = set()
    for path in sorted(real_data.rglob("*")):
        if path.is_file() and path.suffix not in (".toml", ".md", ".eval", ".db") and path.stat().st_size < MOST_BYTES:
            for run in runs_of(path):
                check(run)
                formats.add(run.header.format)
    assert {
        "claude-code",
        "codex",
        "atif",
        "swe-agent",
        "mini-swe-agent",
        "tau-bench",
        "who-and-when",
        "ag2",
    } <= formats


@pytest.mark.real_data
def test_they_are_quiet_on_good_runs(real_data):
    """Runs that tau-bench rewarded, and labelled runs without a failure: a hint that fires there cries wolf."""
    alerts, good = 0, 0
    for run in readers.collect(readers.read(real_data / "taubench" / "gpt-4o-airline-part.json"))[0]:
        if (run.header.reference or {}).get("reward") == 1.0:
            good += 1
            alerts += len(check(run))
    labels = real_data / "mast" / "ag2_labelled"
    for batch in ("", "_batch2", "_batch3"):
        gold = json.loads((labels / f"gold_labels{batch}.json").read_text())["labels"]
        for run in readers.collect(readers.read(labels / f"records{batch}.json"))[0]:
            if not gold[run.header.native_id]["present"]:
                good += 1
                alerts += len(check(run))
    assert good >= 30
    assert alerts / good <= 0.1


@pytest.mark.parametrize("name", HINTS)
def test_a_hint_is_off_by_default_and_says_where_its_rule_comes_from(name):
    hint = detectors.load(name)
    assert hint.id == name
    assert hint.default is False
    assert "rule" in hint.source
    for mode in hint.modes:
        book, _ = books().resolve(mode)
        assert mode.endswith(f"@{book.id}")
    json.dumps(dict(hint.params))


def test_loading_them_brings_in_nothing_heavy():
    code = (
        "import sys, labels.detectors as d; [d.load(n) for n in sys.argv[1:]];"
        "print([m for m in ('numpy', 'sklearn', 'sqlglot', 'tree_sitter', 'httpx', 'textual') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, *HINTS], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
