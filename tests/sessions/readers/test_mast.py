"""MAST: the human-labelled file row by row against counts taken from the raw text, and the full set's shape."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sessions.identity import content_id
from sessions.readers import choose, collect, read
from sessions.readers.log_usage import usage_in
from sessions.run import Run

FILE = "mast/MAD_human_labelled_dataset.json"


@pytest.fixture(scope="module")
def rows(real_data: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((real_data / FILE).read_text(), parse_constant=lambda _: None)
    assert len(found) == 19
    return found


@pytest.fixture(scope="module")
def runs(real_data: Path) -> list[Run]:
    found, problems = collect(read(real_data / FILE))
    assert problems == []
    return found


def of_system(runs: list[Run], rows: list[dict[str, Any]], system: str) -> list[tuple[Run, str]]:
    """Runs with the text of their log, by the system they are of (right or swapped)."""
    found = []
    for run, row in zip(runs, rows, strict=True):
        if system in (row["mas_name"], row["benchmark_name"]):
            found.append((run, log_text(row["trace"])))
    assert found
    return found


def log_text(trace: str) -> str:
    if not trace.startswith("{"):
        return trace
    value = json.loads(trace)
    if "content" in value:
        return str(value["content"])
    lines = value["trajectory"]
    return "\n".join(lines) if isinstance(lines[0], str) else ""


def agents(run: Run) -> Counter[str]:
    return Counter(step.actor for step in run.steps if step.role == "agent")


@pytest.mark.real_data
def test_the_rows(runs: list[Run], rows: list[dict[str, Any]], real_data: Path) -> None:
    reader = choose(real_data / FILE, searching=True)
    assert reader is not None
    assert reader.name == "mast"
    assert [run.header.item for run in runs] == list(range(19))
    assert [run.header.native_id for run in runs] == [str(row["trace_id"]) for row in rows]
    assert [run.header.facts["round"] for run in runs] == [row["round"] for row in rows]


@pytest.mark.real_data
def test_swapped_names_are_set_right(runs: list[Run], rows: list[dict[str, Any]]) -> None:
    benchmarks = {"Test-C", "SWE-Bench-Lite", "GSM-Plus", "ProgramDev", "MMLU", "GAIA"}
    swapped = [row["mas_name"] in benchmarks for row in rows]
    assert swapped.count(True) == 2
    assert [run.header.facts.get("swapped", False) for run in runs] == swapped
    for run, row in zip(runs, rows, strict=True):
        assert run.header.facts["benchmark_name"] in benchmarks
        assert {run.header.system, run.header.facts["benchmark_name"]} == {row["mas_name"], row["benchmark_name"]}


@pytest.mark.real_data
def test_labels_and_answers_are_reference_only(runs: list[Run], rows: list[dict[str, Any]]) -> None:
    for run, row in zip(runs, rows, strict=True):
        header = run.header
        assert header.reference is not None
        assert header.reference["annotations"] == row["annotations"]
        shown = json.dumps([header.title, header.task, header.facts, header.system, header.model])
        assert "annotator" not in shown
        assert all(entry["failure mode"].split("\n")[0] not in shown for entry in row["annotations"])
        if row["trace"].startswith("{"):
            trace = json.loads(row["trace"])
            for key in ("note", "other_data"):
                assert header.reference.get(key) == trace.get(key)
                assert key not in header.facts
        steps = "\n".join(part.text for step in run.steps for part in step.parts)
        assert '"num_tests":' not in steps  # AppWorld's evaluation
        assert ("evaluation" in header.reference) == (row["mas_name"] == "AppWorld")


@pytest.mark.real_data
def test_identical_traces_are_one_run(runs: list[Run], rows: list[dict[str, Any]]) -> None:
    traces = Counter(row["trace"] for row in rows)
    ids = Counter(content_id(run.steps) for run in runs)
    assert sorted(traces.values()) == sorted(ids.values())
    assert 2 in ids.values()


@pytest.mark.real_data
def test_tasks(runs: list[Run], rows: list[dict[str, Any]]) -> None:
    for run, row in zip(runs, rows, strict=True):
        if run.header.system == "OpenManus":
            assert run.header.task is None  # the log does not hold it
            continue
        assert run.header.task
        first_line = run.header.task.splitlines()[0].strip()
        assert len(first_line) > 20
        assert first_line in row["trace"] or json.dumps(first_line)[1:-1] in row["trace"]
        assert run.header.title.startswith(first_line[:40])


@pytest.mark.real_data
def test_no_line_is_lost(runs: list[Run], rows: list[dict[str, Any]]) -> None:
    """The raw records of the steps (and the evaluation) are the log, line by line; AG2's messages, one by one."""
    for run, row in zip(runs, rows, strict=True):
        log = log_text(row["trace"])
        kept = [json.loads(raw) for step in run.steps for raw in step.raw]  # type: ignore[arg-type]
        if not log:
            assert kept == json.loads(row["trace"])["trajectory"]
            continue
        assert run.header.reference is not None
        kept.append(run.header.reference.get("evaluation", ""))
        lines = [line for line in log.split("\n") if line.strip()]
        assert [line for text in kept for line in text.split("\n") if line.strip()] == lines


@pytest.mark.real_data
def test_no_line_is_out_of_sight(runs: list[Run], rows: list[dict[str, Any]]) -> None:
    """What a person sees of a step holds every line, but for what marked the turn (time, speaker, tool)."""
    for run, row in zip(runs, rows, strict=True):
        shown = "\n".join(part.text for step in run.steps for part in step.parts)
        said = {f"{step.actor}" for step in run.steps} | {part.name for step in run.steps for part in step.parts}
        hidden = str((run.header.reference or {}).get("evaluation", ""))
        for line in log_text(row["trace"]).split("\n"):
            if line.strip() and line not in shown and line not in hidden:
                assert _is_seen(line.strip(), shown, said), (run.header.system, line)


def _is_seen(line: str, shown: str, said: set[str | None]) -> bool:
    if line in shown:
        return True
    if "Tool arguments: " in line:
        arguments = json.loads(line.split("Tool arguments: ")[1])
        return all(value in shown for value in arguments.values())
    for separator in ("INFO] ", ": **", "'s Response: ", "->Planner: ", "): to do ", "mission! ", "thoughts: ", " - "):
        if separator in line:
            rest = line.split(separator, 1)[1]
            if rest and rest in shown:
                return True
            if not rest or rest.endswith(("thoughts:", "thoughts: ")):
                return True
    words = line.strip("-* ")
    if words in said or line.endswith("NEW MESSAGES:") or line == "Code Execution Output":
        return True
    speaker, _, text = line.partition(": ") if ": " in line else (line.rstrip(":"), "", "")
    if speaker in said and text in shown:
        return True
    return any(words.endswith(f"from {name}") or words.startswith(f"Reply from {name}") for name in said if name) or (
        " FROM: Human TO:" in line
    )


@pytest.mark.real_data
def test_ag2(runs: list[Run], rows: list[dict[str, Any]]) -> None:
    for run, row in zip(runs, rows, strict=True):
        if row["mas_name"] == "AG2":
            messages = json.loads(row["trace"])["trajectory"]
            assert [step.actor for step in run.steps] == [message["name"] for message in messages]
            assert ["".join(part.text for part in step.parts) for step in run.steps] == [
                "\n".join(message["content"]) for message in messages
            ]


@pytest.mark.real_data
def test_hyperagent(runs: list[Run], rows: list[dict[str, Any]]) -> None:
    for run, log in of_system(runs, rows, "HyperAgent"):
        speakers: Counter[str] = Counter()
        for line in log.split("\n"):
            if line.startswith("HyperAgent_") and " - INFO - Initialized" not in line:
                said = line.split(" - INFO - ", 1)[1]
                speakers[said.split("'s Response:")[0] if "'s Response:" in said[:50] else said.split("->")[0]] += 1
        assert agents(run) == speakers


@pytest.mark.real_data
def test_chatdev(runs: list[Run], rows: list[dict[str, Any]]) -> None:
    for run, log in of_system(runs, rows, "ChatDev"):
        speakers: Counter[str] = Counter()
        phases = set()
        for line in log.split("\n"):
            if line.startswith("[20") and ": **" in line and "INFO] **" not in line:
                speaker = line.split("INFO] ", 1)[1].split(": **")[0]
                speakers[speaker] += speaker != "System"
            if "<->" in line and " on : " in line and line.startswith("[20"):
                phases.add(line.split(" on : ")[1].split(",")[0])
        assert agents(run) == +speakers
        assert phases <= {step.stage for step in run.steps}
        assert all(step.at is None or step.at[:7] in ("2025-01", "2025-03") for step in run.steps)


@pytest.mark.real_data
def test_metagpt(runs: list[Run], rows: list[dict[str, Any]]) -> None:
    for run, log in of_system(runs, rows, "MetaGPT"):
        lines = log.split("\n")
        speakers = [line.split("): to do ")[0].split("(")[-1] for line in lines if "): to do " in line]
        for place, line in enumerate(lines):
            if line.endswith("NEW MESSAGES:"):
                speakers.append(lines[place + 2].split(":")[0])
        assert speakers
        assert [step.actor for step in run.steps if step.role == "agent"] == speakers


@pytest.mark.real_data
def test_appworld(runs: list[Run], rows: list[dict[str, Any]]) -> None:
    for run, log in of_system(runs, rows, "AppWorld"):
        speakers: Counter[str] = Counter()
        for line in log.split("\n"):
            words = line.strip()
            if words.startswith(("Response from ", "Reply from ")) and not words.endswith("send_message API"):
                speakers[words.split(" from ")[1].split(" to ")[0]] += 1
        assert agents(run) == speakers
        results = [part for step in run.steps for part in step.parts if part.kind == "tool_result"]
        assert len(results) == sum(line == "Code Execution Output" for line in log.split("\n"))


@pytest.mark.real_data
def test_appworld_says_which_executions_failed(runs: list[Run], rows: list[dict[str, Any]]) -> None:
    failed = 0
    for run, log in of_system(runs, rows, "AppWorld"):
        results = [part for step in run.steps for part in step.parts if part.kind == "tool_result" and part.is_error]
        assert all(not part.error_inferred for part in results)
        blocks = log.split("Code Execution Output\n")[1:]
        assert len(results) == sum(block.lstrip().startswith("Execution failed") for block in blocks)
        failed += len(results)
    assert failed == 3


@pytest.mark.real_data
def test_tokens_and_costs_are_the_systems_own_sums(runs: list[Run], rows: list[dict[str, Any]]) -> None:
    for run, log in of_system(runs, rows, "ChatDev"):
        told = {name: re.findall(rf"\*\*{name}\*\*=\$?([\d.]+)", log)[-1] for name in ("cost", "num_prompt_tokens")}
        usage = run.header.facts["usage"]
        assert (usage["cost"], usage["tokens_in"]) == (float(told["cost"]), int(told["num_prompt_tokens"]))
    for run, log in of_system(runs, rows, "OpenManus"):
        usage = run.header.facts["usage"]
        assert usage["tokens_in"] + usage["tokens_out"] == int(re.findall(r"Cumulative Total=(\d+)", log)[-1])


def test_metagpt_tells_costs_by_the_request() -> None:
    line = "Total running cost: $0.005 | Current cost: $0.003, prompt_tokens: 1021, completion_tokens: 50"
    assert usage_in(f"{line}\n{line}") == {"requests": 2, "tokens_in": 2042, "tokens_out": 100, "cost": 0.006}
    assert usage_in("nothing of it") is None


@pytest.mark.real_data
def test_magentic(runs: list[Run], rows: list[dict[str, Any]]) -> None:
    for run, log in of_system(runs, rows, "Magentic"):
        banners = [line.strip("- ") for line in log.split("\n") if line.startswith("-----") and line.endswith("-----")]
        assert [step.actor for step in run.steps if step.actor != "log"] == banners


@pytest.mark.real_data
def test_openmanus_calls_have_their_results(runs: list[Run], rows: list[dict[str, Any]]) -> None:
    for run, log in of_system(runs, rows, "OpenManus"):
        lines = log.split("\n")
        asked = [json.loads(line.split("Tool arguments: ")[1]) for line in lines if "Tool arguments: " in line]
        answered = [line.split("Tool '")[1].split("'")[0] for line in lines if "completed its mission" in line]
        assert len(asked) > 5
        parts = [part for step in run.steps for part in step.parts]
        calls = [part for part in parts if part.kind == "tool_call"]
        assert [call.arguments for call in calls] == asked
        assert [part.name for part in parts if part.kind == "tool_result"] == answered
        assert [call.name for call in calls] == answered
        for step in run.steps:
            kinds = [part.kind for part in step.parts if part.kind.startswith("tool")]
            assert kinds in ([], ["tool_call", "tool_result"])


# --- the full set's shape

LABELS = {"1.1": 1, "1.2": None, "3.3": 0}


def full_row(trajectory: str, system: str = "AG2", key: str = "k") -> dict[str, Any]:
    trace = {"key": key, "index": 7, "trajectory": trajectory}
    return {
        "mas_name": system,
        "llm_name": "GPT-4o",
        "benchmark_name": "GSM",
        "trace_id": 3,
        "trace": trace,
        "mast_annotation": LABELS,
    }


def opened(tmp_path: Path, rows: list[dict[str, Any]], jsonl: bool = False) -> list[Run]:
    path = tmp_path / "full"
    path.write_text("\n".join(map(json.dumps, rows)) if jsonl else json.dumps(rows))
    reader = choose(path, searching=True)
    assert reader is not None
    assert reader.name == "mast"
    runs, problems = collect(read(path))
    assert problems == []
    return runs


@pytest.mark.parametrize("jsonl", [False, True])
def test_full_set(tmp_path: Path, jsonl: bool) -> None:
    text = "---------- user ----------\nHello\n---------- Coder ----------\nDone\n"
    runs = opened(tmp_path, [full_row(text, "Magentic"), full_row(text, "Magentic")], jsonl)
    assert [run.header.item for run in runs] == [0, 1]
    header = runs[0].header
    assert header.reference == {"mast_annotation": LABELS}
    assert (header.model, header.system, header.task) == ("GPT-4o", "Magentic", "Hello")
    assert header.facts == {"llm_name": "GPT-4o", "benchmark_name": "GSM", "trace_key": "k", "trace_index": 7}
    assert [(step.actor, step.parts[0].text) for step in runs[0].steps] == [("user", "Hello"), ("Coder", "Done")]


def test_python_dicts_one_after_another(tmp_path: Path) -> None:
    messages = [
        {"content": ["Solve {'content': 1}", "it's"], "role": "assistant", "name": "mathproxyagent"},
        {"content": ["\\boxed{3}", "{"], "role": "user", "name": "assistant"},
    ]
    for glue in ("", "\n"):
        (run,) = opened(tmp_path, [full_row(glue.join(map(repr, messages)))])
        assert [step.actor for step in run.steps] == ["mathproxyagent", "assistant"]
        assert [step.parts[0].text for step in run.steps] == ["Solve {'content': 1}\nit's", "\\boxed{3}\n{"]


def test_ag2_as_an_indented_listing(tmp_path: Path) -> None:
    turn = "      content:\n            {text}\n      role: user\n      name: {name}\n"
    text = (
        "trajectory:\n" + turn.format(text="Solve it.", name="mathproxyagent") + turn.format(text="3", name="assistant")
    )
    (run,) = opened(tmp_path, [full_row(text)])
    assert [step.actor for step in run.steps] == ["log", "mathproxyagent", "assistant"]
    assert run.steps[2].parts[0].text.splitlines()[0].strip() == "3"


@pytest.mark.parametrize("trace", [None, 3, "", {}, {"trajectory": None}, [], {"trajectory": []}])
def test_a_row_without_a_trace_is_reported(tmp_path: Path, trace: object) -> None:
    rows = [{"mas_name": "AG2", "trace_id": 1, "trace": trace, "annotations": []}, full_row("Hello there")]
    (tmp_path / "f").write_text(json.dumps(rows))
    runs, problems = collect(read(tmp_path / "f", "mast"))
    assert len(runs) == 2
    assert runs[1].steps
    assert len(problems) == (0 if runs[0].steps else 1)


@pytest.mark.real_data
def test_a_cut_off_file_keeps_the_rows_before_the_cut(real_data: Path, tmp_path: Path) -> None:
    data = (real_data / FILE).read_bytes()
    (tmp_path / "cut").write_bytes(data[: len(data) // 2])
    runs, problems = collect(read(tmp_path / "cut", "mast"))
    assert "not valid JSON" in problems[-1].reason
    assert len(problems) <= 2  # and the row that was cut has no trace
    whole, _ = collect(read(real_data / FILE))
    assert len(runs) > 3
    for run, other in zip(runs[:-1], whole, strict=False):
        assert content_id(run.steps) == content_id(other.steps)
