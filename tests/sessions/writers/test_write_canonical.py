"""Our own format: nothing is lost, and what is written, read and written again is the same, byte for byte."""

import json
from pathlib import Path

import pytest
from conversion import bare, bare_header, convert, convert_steps, read_text, written
from helpers import load, put, quick, steps, write_run
from hypothesis import given
from hypothesis import strategies as st

from sessions import catalog, readers
from sessions.errors import UserError
from sessions.identity import content_id
from sessions.ingest import import_file
from sessions.run import Header, Part, Step
from sessions.store import Store
from sessions.writers import canonical
from sessions.writers.base import Recorded

DATA = [
    "claude_code/agent_session.jsonl",
    "codex/2026/01/02/rollout-2026-01-02T03-04-05-11111111-1111-4111-8111-111111111111.jsonl",
    "atif/openhands_hello-world.trajectory.json",
    "sweagent/trajectories/demonstrations/ctf/crypto/katy.traj",
    "miniswe/gen/run.traj.json",
    "taubench/gpt-4o-airline-part.json",
    "whowhen/Hand-Crafted/30.json",
    "mast/MAD_human_labelled_dataset.json",
]


@pytest.mark.real_data
@pytest.mark.parametrize("name", DATA[:-1])  # two rows of MAST's are one run, so what is known of them is joined
def test_a_real_run_comes_back_whole(name: str, real_data: Path, tmp_path: Path) -> None:
    originals, _ = readers.collect(readers.read(real_data / name))
    documents = convert(real_data / name, "canonical", tmp_path / "a.db")
    assert len(documents) == len(originals)
    for document, original in list(zip(documents, originals, strict=True))[:20]:
        run = read_text(document, tmp_path / "run.jsonl")
        assert readers.sniff(tmp_path / "run.jsonl")[0].format == "canonical"
        assert bare_header(run.header) == bare_header(original.header)
        assert [bare(step) for step in run.steps] == [bare(step) for step in original.steps]
        assert content_id(run.steps) == content_id(original.steps)


@pytest.mark.real_data
@pytest.mark.parametrize("name", DATA)
def test_written_again_it_is_the_same_file(name: str, real_data: Path, tmp_path: Path) -> None:
    """In another database, where ids, paths and times of import are others, and the source is gone."""
    document = convert(real_data / name, "canonical", tmp_path / "a.db")[0]
    path = tmp_path / "first.jsonl"
    path.write_text(document)
    with Store.open(tmp_path / "b.db") as store:
        (imported,) = import_file(store, path).runs
        path.unlink()
        assert written(store, imported.run, "canonical") == document


@pytest.mark.real_data
def test_raw_records_go_along_byte_for_byte(real_data: Path, tmp_path: Path) -> None:
    source = real_data / DATA[0]
    with Store.open(tmp_path / "a.db") as store:
        info = catalog.run_by_id(store, import_file(store, source).runs[0].run)
        assert info is not None
        expected = [catalog.raw(store, info, index) for index in range(info.steps)]
        document = written(store, info.id, "canonical")
    lines = {line for raws in expected for line in raws}
    files = [source, *source.parent.glob("agent-*.jsonl")]
    assert lines <= {line for file in files for line in file.read_bytes().split(b"\n")}
    run = read_text(document, tmp_path / "run.jsonl")
    assert [step.raw for step in run.steps] == expected


def test_the_lines_are_as_the_format_says(tmp_path: Path) -> None:
    call = Part("tool_call", "ls /", name="sh", call_id="c1", arguments={"command": "ls /"})
    result = Part("tool_result", "error: no", name="sh", call_id="c1", is_error=True, error_inferred=True)
    document = convert_steps(
        [Step("agent", "agent", [Part("text", "I look."), call, result], tokens_in=3)], "canonical", tmp_path
    )
    run, step, raw, end = map(json.loads, document.splitlines())
    assert run == {"schema": "review-tui/run/1", "type": "run", "format": "test-lines", "title": "made"}
    assert step == {
        "type": "step", "step_number": 1, "step_index": 0, "id": step["id"], "actor": "agent", "role": "agent",
        "tokens_in": 3,
        "parts": [
            {"kind": "text", "text": "I look."},
            {"kind": "tool_call", "name": "sh", "call_id": "c1", "arguments": {"command": "ls /"}},
            {"kind": "tool_result", "name": "sh", "call_id": "c1", "is_error": True, "error_inferred": True,
             "text": "error: no"},
        ],
    }  # fmt: skip
    assert raw["type"] == "raw"
    assert json.loads(raw["records"][0])["actor"] == "agent"
    assert (end["type"], end["steps"]) == ("end", 1)
    assert len(end["content_id"]) == 64


@quick(60)
@given(made=st.lists(steps().filter(lambda step: step.actor), min_size=1, max_size=5))
def test_any_steps_come_back(made: list[Step], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("any")
    with Store.open(folder / "a.db") as store:
        (imported,) = load(store, write_run(folder / "made.jsonl", made))
        info = catalog.run_by_id(store, imported.run)
        assert info is not None
        expected = [stored.step for stored in catalog.steps(store, info.no)]
        document = written(store, info.id, "canonical")
    run = read_text(document, folder / "run.jsonl")
    assert [bare(step) for step in run.steps] == [bare(step) for step in expected]
    assert content_id(run.steps) == info.content_id
    with Store.open(folder / "b.db") as store:
        (imported,) = import_file(store, folder / "run.jsonl").runs
        assert written(store, imported.run, "canonical") == document


@pytest.mark.parametrize("depth", [150, 179, 180, 181, 195])
def test_deep_values_come_back(depth: int, tmp_path: Path) -> None:
    value: dict = {}
    for _ in range(depth - 1):
        value = {"d": value}
    path = tmp_path / "deep.jsonl"
    call = {"type": "tool_use", "id": "a", "name": "f", "input": value}
    path.write_text(
        json.dumps([{"role": "assistant", "content": [call]}])
        if depth < 190
        else json.dumps(
            [
                {
                    "role": "assistant",
                    "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": json.dumps(value)}}],
                }
            ]
        )
    )
    ((original,), _) = readers.collect(readers.read(path, "openai-chat"))
    (document,) = convert(path, "canonical", tmp_path / "a.db")
    run = read_text(document, tmp_path / "run.jsonl")
    assert run.steps[0].parts[0].arguments == value == original.steps[0].parts[0].arguments
    assert content_id(run.steps) == content_id(original.steps)


def test_long_lines_go_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canonical, "LINE_CHARS", 100)
    text = 'A "quoted" line, and a wide letter: \U0001f600\n' * 30
    document = convert_steps([text, "short", text], "canonical", tmp_path)
    assert max(map(len, document.splitlines())) < 300
    run = read_text(document, tmp_path / "run.jsonl")
    assert [step.parts[0].text for step in run.steps] == [text, "short", text]


def test_bytes_that_are_no_text_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(b"User: caf\xe9\nAssistant: yes\nUser: more\n")
    ((original,), _) = readers.collect(readers.read(path, "text"))
    with Store.open(tmp_path / "a.db") as store:
        (imported,) = import_file(store, path, "text").runs
        document = written(store, imported.run, "canonical")
    run = read_text(document, tmp_path / "run.jsonl")
    assert run.steps[0].raw == [b"User: caf\xe9\n"]
    assert len(run.steps) == len(original.steps)


def test_what_is_left_out_on_request(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"messages": [{"role": "user", "content": "x"}], "ground_truth": "the answer", "n": 1}))
    (full,) = convert(path, "canonical", tmp_path / "a.db")
    assert read_text(full, tmp_path / "full.jsonl").header.reference == {"ground_truth": "the answer"}
    (blind,) = convert(path, "canonical", tmp_path / "b.db", with_reference=False, with_raw=False)
    assert "the answer" not in blind
    run = read_text(blind, tmp_path / "blind.jsonl")
    assert (run.header.reference, run.header.facts) == (None, {"n": 1})
    assert [line["type"] for line in map(json.loads, blind.splitlines())] == ["run", "step", "end"]
    assert run.steps[0].raw  # its own line


def test_records_of_a_source_that_is_gone_are_counted(tmp_path: Path) -> None:
    with Store.open(tmp_path / "a.db") as store:
        run = put(store, tmp_path / "run.jsonl", ["one", "two"])
        (tmp_path / "run.jsonl").unlink()
        recorded = Recorded(store, run)
        document = "".join(canonical.write(recorded))
    assert recorded.without_raw == 2
    assert [step.raw for step in read_text(document, tmp_path / "again.jsonl").steps] == [[], []]


def test_a_run_that_is_still_being_read_is_refused(tmp_path: Path) -> None:
    with Store.open(tmp_path / "a.db") as store:
        run = put(store, tmp_path / "run.jsonl", ["one"])
        with store.write() as tx:
            tx.execute("UPDATE run SET state = 'importing' WHERE no = ?", [run.no])
        info = catalog.run_by_id(store, run.id)
        assert info is not None
        with pytest.raises(UserError, match="still being read"):
            Recorded(store, info)


# -- reading what others did to it ----------------------------------------------------------------------------------


def lines_of(tmp_path: Path, texts: list[str]) -> list[dict]:
    return [json.loads(line) for line in convert_steps(texts, "canonical", tmp_path).splitlines()]


def reread(tmp_path: Path, lines: list) -> tuple[list, list[str]]:
    path = tmp_path / "changed.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    runs, problems = readers.collect(readers.read(path, "canonical"))
    return runs, [problem.reason for problem in problems]


def test_a_change_is_noticed(tmp_path: Path) -> None:
    lines = lines_of(tmp_path, ["one", "two"])
    assert reread(tmp_path, lines)[1] == []
    assert "content is not" in reread(tmp_path, json.loads(json.dumps(lines).replace('"one"', '"won"')))[1][0]
    (run,), reasons = reread(tmp_path, lines[:3] + lines[5:])
    assert "1 steps, its end says 2" in reasons[0]
    assert len(run.steps) == 1
    assert "may be cut off" in reread(tmp_path, lines[:-1])[1][0]


def test_unknown_lines_and_fields_are_kept(tmp_path: Path) -> None:
    lines = lines_of(tmp_path, ["one"])
    lines[0]["mood"] = "glad"
    lines[1]["colour"] = "blue"
    lines[2:2] = [
        {"type": "remark", "text": "x"},
        [1, 2],
        "{broken",
        {"type": "facts", "values": {"model": "m", "a": 1}},
    ]
    (run,), reasons = reread(tmp_path, lines)
    assert run.header.facts == {"mood": "glad", "a": 1}
    assert run.header.model == "m"
    assert [(part.name, part.text) for part in run.steps[0].parts[1:]] == [
        ("colour", "blue"), ("remark", '{"type":"remark","text":"x"}'), ("unknown", "[1,2]"),
    ]  # fmt: skip
    assert len(reasons) == 1
    assert reasons[0].startswith("not valid JSON")


def test_several_runs_and_versions_to_come(tmp_path: Path) -> None:
    one, two = lines_of(tmp_path, ["one"]), lines_of(tmp_path, ["two", "three"])
    two[0]["schema"] = "review-tui/run/2"
    runs, reasons = reread(tmp_path, one + two)
    assert [len(run.steps) for run in runs] == [1, 2]
    assert [run.header.item for run in runs] == [0, 1]
    assert reasons == ["schema 'review-tui/run/2' is not 'review-tui/run/1'"]
    runs, reasons = reread(tmp_path, one[1:])
    assert reasons == ["there is no line that begins a run"]
    assert runs[0].header == Header("canonical", item=0)


def test_damaged_pieces(tmp_path: Path) -> None:
    lines = lines_of(tmp_path, ["one", "two"])
    piece = {"type": "piece", "more": True, "text": '{"type": '}
    assert reread(tmp_path, [*lines[:3], piece, *lines[3:]])[1] == ["a line in pieces is not whole"]
    assert reread(tmp_path, [*lines, piece])[1] == ["a line in pieces is not whole"]
    broken = [piece, {"type": "piece", "more": False, "text": "}"}]
    (run,), reasons = reread(tmp_path, [*lines[:3], *broken, *lines[3:]])
    assert len(run.steps) == 2
    assert reasons[0].startswith("a line in pieces: not valid JSON")
