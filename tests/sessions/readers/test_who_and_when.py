"""Who&When, against the real runs: what is counted here is counted from the raw JSON, without the reader."""

import json
from pathlib import Path

import pytest

from sessions.identity import content_id
from sessions.readers import choose, collect, read
from sessions.run import Run

FACT_FIELDS = ("question", "question_ID", "history", "system_prompt")


def runs_of(path: Path, format: str = "who-and-when") -> list[Run]:
    runs, problems = collect(read(path, format))
    assert problems == []
    return runs


def real_files(real_data: Path) -> list[Path]:
    files = sorted((real_data / "whowhen").glob("*/*.json"))
    assert len(files) > 50
    return files


def expected_actor(message: dict[str, str]) -> str:
    if message.get("name"):
        return message["name"]
    return {"human": "user"}.get(message["role"], message["role"].split(" (")[0])


@pytest.mark.real_data
def test_every_message_is_one_step_by_its_agent(real_data: Path) -> None:
    for path in real_files(real_data):
        source = json.loads(path.read_text())
        (run,) = runs_of(path)
        assert [step.actor for step in run.steps] == [expected_actor(message) for message in source["history"]], path
        for step, message in zip(run.steps, source["history"], strict=True):
            assert "".join(part.text for part in step.parts) == message["content"]
            assert json.loads(step.raw[0]) == message  # type: ignore[arg-type]


@pytest.mark.real_data
def test_a_thought_is_reasoning_and_nothing_else_is(real_data: Path) -> None:
    thoughts = 0
    for path in real_files(real_data):
        source = json.loads(path.read_text())
        (run,) = runs_of(path)
        for step, message in zip(run.steps, source["history"], strict=True):
            is_thought = message["role"].endswith("(thought)")
            thoughts += is_thought
            assert {part.kind for part in step.parts} <= ({"reasoning"} if is_thought else {"text", "tool_result"})
    assert thoughts > 100


@pytest.mark.real_data
def test_failed_code_is_an_error(real_data: Path) -> None:
    failed = 0
    for path in real_files(real_data):
        if path.parent.name != "Algorithm-Generated":
            continue
        source = json.loads(path.read_text())
        (run,) = runs_of(path)
        for step, message in zip(run.steps, source["history"], strict=True):
            if message["content"].startswith("exitcode: "):
                is_error = not message["content"].startswith("exitcode: 0 ")
                failed += is_error
                assert [(part.kind, part.is_error) for part in step.parts] == [("tool_result", is_error)]
                assert step.role == "environment"
    assert failed > 10


@pytest.mark.real_data
def test_the_labels_are_in_the_reference_and_only_there(real_data: Path) -> None:
    for path in real_files(real_data):
        source = json.loads(path.read_text())
        header = runs_of(path)[0].header
        assert header.reference == {key: value for key, value in source.items() if key not in FACT_FIELDS}
        assert "mistake_agent" in header.reference
        assert header.task == source["question"]
        assert header.facts == ({"system_prompts": source["system_prompt"]} if "system_prompt" in source else {})
        assert header.title
        assert source["question"].strip().startswith(header.title[:20])
        shown = json.dumps([header.title, header.system, header.native_id, header.model])
        for key in ("mistake_reason", "mistake_agent", "mistake_type"):
            assert key not in shown
            assert source.get(key) is None or str(source[key]) not in shown
        facts = json.dumps(header.facts)
        assert json.dumps(source["mistake_reason"])[1:-1] not in facts
        assert all(key not in facts for key in ("ground_truth", "mistake_reason"))


@pytest.mark.real_data
def test_the_same_runs_as_bare_lists_have_the_same_content_ids(real_data: Path) -> None:
    """AgentRx's bare lists are Who&When's Hand-Crafted runs; two labels of one run must meet."""
    lists = {}
    for path in sorted((real_data / "agentrx" / "magentic").glob("*.json")):
        messages = json.loads(path.read_text())
        if isinstance(messages, list):
            lists[json.dumps([(message["role"], message["content"]) for message in messages])] = path
    pairs = 0
    for path in sorted((real_data / "whowhen" / "Hand-Crafted").glob("*.json")):
        history = json.loads(path.read_text())["history"]
        twin = lists.get(json.dumps([(message["role"], message["content"]) for message in history]))
        if twin is None:
            continue
        pairs += 1
        (mine,), (other,) = runs_of(path), runs_of(twin, "openai-chat")
        assert content_id(mine.steps) == content_id(other.steps), path.name
    assert pairs > 5


@pytest.mark.real_data
def test_every_real_file_is_recognised(real_data: Path) -> None:
    for path in real_files(real_data):
        reader = choose(path, searching=True)
        assert reader is not None
        assert reader.name == "who-and-when", path


def test_lists_and_jsonl_hold_several_runs(tmp_path: Path) -> None:
    rows = [
        {"question": f"q{n}", "history": [{"role": "human", "content": f"do {n}"}], "mistake_step": "0"}
        for n in range(3)
    ]
    (tmp_path / "list").write_text(json.dumps(rows, indent=1))
    (tmp_path / "lines").write_text("\n".join(json.dumps(row) for row in rows))
    for name in ("list", "lines"):
        runs = runs_of(tmp_path / name)
        assert [(run.header.item, run.header.title, run.steps[0].parts[0].text) for run in runs] == [
            (n, f"q{n}", f"do {n}") for n in range(3)
        ]


@pytest.mark.real_data
def test_a_cut_off_file_keeps_the_messages_before_the_cut(real_data: Path, tmp_path: Path) -> None:
    path = real_files(real_data)[0]
    whole = json.loads(path.read_text())["history"]
    data = path.read_bytes()
    cut_at = data.index(json.dumps(whole[3]["content"][:40])[1:-1].encode())
    (tmp_path / "cut").write_bytes(data[:cut_at])
    runs, problems = collect(read(tmp_path / "cut", "who-and-when"))
    kept = ["".join(part.text for part in step.parts) for step in runs[0].steps]
    assert kept[:3] == [message["content"] for message in whole[:3]]
    assert len(kept) <= 4
    assert len(problems) == 1


def test_strange_messages_are_kept(tmp_path: Path) -> None:
    history = [
        "text",
        {"role": 7, "content": {"a": 1}},
        None,
        {"content": ["one", "two"], "role": "assistant", "name": "A"},
    ]
    (tmp_path / "f").write_text(json.dumps({"question": ["no"], "history": history, "mistake_step": "1"}))
    runs, _ = collect(read(tmp_path / "f", "who-and-when"))
    assert [part.text for step in runs[0].steps for part in step.parts] == ["text", '{"a":1}', "null", "one\ntwo"]
    assert [json.loads(step.raw[0]) for step in runs[0].steps] == history  # type: ignore[arg-type]


@pytest.mark.parametrize("history", [None, "words", {"a": 1}, 3])
def test_no_list_of_messages_is_a_problem(tmp_path: Path, history: object) -> None:
    (tmp_path / "f").write_text(json.dumps({"question": "q", "history": history, "mistake_step": "1"}))
    runs, problems = collect(read(tmp_path / "f", "who-and-when"))
    assert len(runs) == 1
    assert len(problems) == 1
    assert len(runs[0].steps) == (history is not None)
