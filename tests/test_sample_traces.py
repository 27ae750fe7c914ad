"""The sample runs: read as what they are meant to be, labelled with words that really stand there, and remakeable."""

import shutil
from pathlib import Path

import pytest

import sample_traces
from sample_traces import reference
from sample_traces.make.__main__ import make_all
from sample_traces.make.versions import FILE as VERSIONS
from sample_traces.make.versions import versions
from sessions import readers
from sessions.run import Run, Step

FOLDER = sample_traces.path()
#: file -> (format, steps, characters that its title must hold)
EXPECTED = {
    "checkout-outage.json": ("atif", 22, "Incident 4127"),
    "replit-freeze.jsonl": ("claude-code", 22, "weekly digest"),
    "polling-loop.jsonl": ("openai-chat", 14, "test_backoff.py"),
    "lost-history.jsonl": ("codex", 19, "CSV export"),
    "ignored-reviewer.json": ("who-and-when", 15, "duplicate customers"),
    "good-run.traj.json": ("mini-swe-agent", 12, '"60m"'),
    "nightly-etl.txt": ("text", 10, "six files"),
    "wide-and-hostile.jsonl": ("claude-code", 12, "review feed"),
}
FILES = list(EXPECTED)


def run_of(name: str) -> Run:
    runs, problems = readers.collect(readers.read(FOLDER / name))
    assert problems == []
    (run,) = runs
    return run


def texts(step: Step) -> list[str]:
    return [part.text for part in step.parts]


def codebook_slugs(name: str) -> set[str]:
    import tomllib

    file = FOLDER.parent / "labels" / "codebooks" / f"{name}.toml"
    if not file.exists():
        pytest.skip(f"there is no {file.name} yet")
    entries = tomllib.loads(file.read_text())["mode"]
    return {entry["slug"] for entry in entries}


@pytest.mark.parametrize("name", FILES)
def test_the_format_is_recognised_in_a_folder(name):
    reader = readers.choose(FOLDER / name, searching=True)
    assert reader is not None
    assert reader.name == EXPECTED[name][0]


@pytest.mark.parametrize("name", FILES)
def test_steps_are_counted_as_the_labels_count_them(name):
    run = run_of(name)
    assert len(run.steps) == EXPECTED[name][1]
    assert EXPECTED[name][2] in run.header.title


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_left_raw(name):
    """Save for mini-swe-agent's own record of how the run ended."""
    raw = [part for step in run_of(name).steps for part in step.parts if part.kind == "raw"]
    assert [part.name for part in raw] == (["exit"] if name == "good-run.traj.json" else [])


def test_only_the_runs_are_runs():
    """Whoever opens the folder gets eight runs: not the labels, the README or the scripts."""
    files = [file for file in FOLDER.rglob("*") if file.is_file() and "__pycache__" not in file.parts]
    found = {file.name for file in files if readers.choose(file, searching=True) is not None}
    assert found == set(EXPECTED)


def test_every_run_is_judged():
    assert {labels.run for labels in reference.load() if labels.codebook == "mast"} == set(EXPECTED)


@pytest.mark.parametrize("labels", reference.load(), ids=lambda labels: f"{labels.run}-{labels.codebook}")
def test_labels_fit_their_run(labels):
    steps = run_of(labels.run).steps
    assert labels.rollback_to is None or labels.rollback_to <= len(steps)
    slugs = codebook_slugs(labels.codebook)
    for label in labels.labels:
        assert label.mode in slugs
        assert label.last_step <= len(steps)
        for item in label.evidence:
            assert any(item.quote in text for text in texts(steps[item.step - 1])), (item.step, item.quote)


def test_a_failed_run_has_one_root_cause_per_codebook():
    for labels in reference.load():
        assert sum(label.root_cause for label in labels.labels) == (0 if labels.none else 1), labels.run


def test_no_mode_is_caused_by_itself_in_a_circle():
    for labels in reference.load():
        causes = {label.mode: label.caused_by for label in labels.labels}
        for mode in causes:
            seen = set()
            while (cause := causes.get(mode)) is not None:
                assert cause not in seen, labels.run
                seen.add(cause)
                mode = cause


def test_the_loop_is_a_loop():
    """Steps 6 to 13 are equal in everything a reviewer sees, and 5 shows that it was the ninth time in all."""
    steps = run_of("polling-loop.jsonl").steps
    seen = {tuple((part.kind, part.name, part.text) for part in step.parts) for step in steps[5:13]}
    assert len(seen) == 1
    assert texts(steps[4])[1:] == texts(steps[5])[1:]


def test_the_hostile_run_is_hostile_and_its_file_is_not():
    file = FOLDER / "wide-and-hostile.jsonl"
    assert file.read_bytes().isascii()
    assert not {*range(32), 127} - {10} & {*file.read_bytes()}
    text = "\n".join(line for step in run_of(file.name).steps for line in texts(step))
    for mark in ("\x1b]52;", "\x1b[2J", "\x9b31m", "[bold red]x[/]", "\u202e", "\u200d", "\0", "\t", "明る"):
        assert mark in text
    results = [part.text for step in run_of(file.name).steps for part in step.parts if part.kind == "tool_result"]
    assert max(len(result.splitlines()) for result in results) == 3000
    assert max(len(line) for result in results for line in result.splitlines()) > 10_000


def test_all_together_are_small():
    assert sum((FOLDER / name).stat().st_size for name in EXPECTED) < 700_000


@pytest.fixture(scope="module")
def remade(tmp_path_factory) -> tuple[Path, Path]:
    for program in ("bash", "git", "sqlite3"):
        if shutil.which(program) is None:
            pytest.skip(f"the scripts need {program}")
    first, second = tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second")
    make_all(first)
    make_all(second)
    return first, second


@pytest.mark.parametrize("name", [*FILES, reference.FILE])
def test_made_again_it_is_the_same(remade, name):
    first, second = remade
    assert (first / name).read_bytes() == (second / name).read_bytes()


@pytest.mark.parametrize("name", [*FILES, reference.FILE])
def test_the_shipped_files_are_what_the_scripts_make(remade, name):
    if (FOLDER / VERSIONS).read_text() != versions():
        pytest.skip("other versions of the tools than the shipped runs were made with")
    assert (remade[0] / name).read_bytes() == (FOLDER / name).read_bytes()


def test_the_readme_tells_of_every_run():
    readme = (FOLDER / "README.md").read_text()
    for name, (kind, steps, _) in EXPECTED.items():
        assert f"| [{name}]({name}) | {kind} | {steps} |" in readme
