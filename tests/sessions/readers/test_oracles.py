"""Counts compared with public readers, each where it is installed: claude-code-log, agentpile, Harbor's own models (or
the `atif` package's). They need large packages, so most machines skip this file:

    pip install claude-code-log agentpile atif    (harbor, from Python 3.12 on, instead of atif)
"""

import json
from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest

from benchmarks.samples import SHARED, formats, samples
from sessions import catalog, readers
from sessions.errors import UserError
from sessions.ingest import import_file
from sessions.run import Run
from sessions.store import Store
from sessions.writers import writer
from sessions.writers.base import Recorded

CLAUDE = sorted((SHARED / "claude_code").glob("*session*.jsonl")) + sorted(
    (SHARED / "claude_code").glob("*conversation.jsonl")
)
#: Not those of sub-agents: what they inherit from their parent is left out here, and told there.
CODEX = [path for path in sorted((SHARED / "codex").rglob("*.jsonl")) if b"thread_spawn" not in path.read_bytes()]
ATIF = sorted((SHARED / "atif").glob("*.json"))


def ours(path: Path, format: str | None = None) -> list[Run]:
    runs, problems = readers.collect(readers.read(path, format))
    assert problems == []
    return runs


def calls(runs: list[Run]) -> Counter:
    return Counter(
        part.call_id for run in runs for step in run.steps for part in step.parts if part.kind == "tool_call"
    )


def results(runs: list[Run]) -> Counter:
    return Counter(
        part.call_id for run in runs for step in run.steps for part in step.parts if part.kind == "tool_result"
    )


def texts(runs: list[Run], *roles: str) -> Counter:
    return Counter(
        part.text
        for run in runs
        for step in run.steps
        for part in step.parts
        if part.kind == "text" and step.role in roles
    )


# -- claude-code-log --------------------------------------------------------------------------------------------------


@pytest.mark.real_data
@pytest.mark.parametrize("path", CLAUDE, ids=lambda path: path.stem)
def test_claude_code_log_counts_the_same(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    converter = pytest.importorskip("claude_code_log.converter")
    entries = converter.load_transcript(path, silent=False)
    if "validation error" in capsys.readouterr().out:
        pytest.skip("it takes only lines with every field that the program writes now")
    told = [entry for entry in entries if entry.type in ("user", "assistant")]
    blocks = [(entry.type, block) for entry in told if isinstance(entry.message.content, list)
              for block in entry.message.content]  # fmt: skip
    plain = [entry.message.content for entry in told if isinstance(entry.message.content, str)]
    runs = ours(path)
    assert calls(runs) == Counter(block.id for _, block in blocks if block.type == "tool_use")
    assert results(runs) == Counter(block.tool_use_id for _, block in blocks if block.type == "tool_result")
    said = [block.text for who, block in blocks if block.type == "text" and who == "assistant"]
    assert texts(runs, "agent") - Counter(plain) == Counter(said)
    assert not Counter(said) - texts(runs, "agent")
    thinking = [block.thinking for _, block in blocks if block.type == "thinking"]
    assert sorted(thinking) == sorted(
        part.text for run in runs for step in run.steps for part in step.parts if part.kind == "reasoning"
    )


@pytest.mark.real_data
@pytest.mark.parametrize("path", CODEX, ids=lambda path: path.stem[-8:])
def test_claude_code_log_counts_the_same_of_codex(path: Path) -> None:
    codex = pytest.importorskip("claude_code_log.providers.codex")
    entries = list(codex.CodexProvider().load_session_from_path(path))
    blocks = [
        block
        for entry in entries
        if entry.type in ("user", "assistant") and isinstance(entry.message.content, list)
        for block in entry.message.content
    ]
    runs = ours(path)
    # It gives calls numbers of its own where the log has the ids of a program's inner calls: only their number counts.
    assert calls(runs).total() == sum(block.type == "tool_use" for block in blocks)
    assert results(runs).total() == sum(block.type == "tool_result" for block in blocks)


# -- agentpile --------------------------------------------------------------------------------------------------------


@pytest.mark.real_data
@pytest.mark.parametrize(
    "path",
    [*CLAUDE, *ATIF],
    ids=lambda path: path.stem[:40],
)
def test_agentpile_counts_the_same(path: Path) -> None:
    agentpile = pytest.importorskip("agentpile")
    try:
        found = list(agentpile.load(str(path)))
    except agentpile.errors.AgentpileError as error:
        pytest.skip(f"agentpile refuses it: {str(error)[:80]}")
    events = [event for run in found for event in run.events()]
    # Of a Claude Code session it reads neither sub-agents nor a summary.
    runs = [Run(run.header, [step for step in run.steps if step.depth == 0]) for run in ours(path)]
    assert calls(runs).total() == sum(event.kind == "call" for event in events)
    # ATIF has observations without anything in them; we show nothing of these.
    assert results(runs).total() == sum(event.kind == "result" and event.content is not None for event in events)
    said = [event.content for event in events if event.kind == "message" and event.role == "agent" and event.content]
    assert texts(runs, "agent").total() == len(said)


# -- Harbor -----------------------------------------------------------------------------------------------------------


def trajectory() -> type:
    """Harbor's model of a trajectory, or the `atif` package's."""
    for name in ("harbor.models.trajectories", "atif"):
        try:
            found: type = import_module(name).Trajectory
        except ImportError:
            continue
        return found
    return pytest.skip("neither harbor nor atif is installed")


@pytest.mark.real_data
@pytest.mark.parametrize("path", ATIF, ids=lambda path: path.stem[:40])
def test_harbor_counts_the_same(path: Path) -> None:
    model = trajectory().model_validate_json(path.read_bytes())
    runs = ours(path)
    assert len(runs) == 1
    assert len(runs[0].steps) == len(model.steps)
    assert calls(runs).total() == sum(len(step.tool_calls or ()) for step in model.steps)
    there = [result for step in model.steps if step.observation for result in step.observation.results]
    assert results(runs).total() == sum(bool(result.content) for result in there)
    assert [step.native_id for step in runs[0].steps] == [str(step.step_id) for step in model.steps]


@pytest.mark.parametrize("format", formats())
def test_every_sample_of_every_format_becomes_what_harbor_accepts(format: str, tmp_path: Path) -> None:
    model = trajectory()
    found = samples(format)
    if not found:
        pytest.skip("no sample here (../shared/data)")
    count = 0
    for number, sample in enumerate(found):
        path = sample.write(tmp_path / str(number))
        with Store.open(tmp_path / f"{number}.db") as store:
            try:
                report = import_file(store, path, format)
            except UserError:
                pytest.skip("what reads it is not installed")
            if not report.runs:
                pytest.skip(report.problems[0].reason)
            for imported in report.runs:
                info = catalog.run_by_id(store, imported.run)
                assert info is not None
                document = "".join(writer("atif")(Recorded(store, info)))
                accepted = model.model_validate_json(document)
                assert len(accepted.steps) + sum(len(sub.steps) for sub in accepted.subagent_trajectories or ()) >= min(
                    1, info.steps
                )
                assert json.loads(document)["schema_version"] == "ATIF-v1.7"
                count += 1
    assert count
