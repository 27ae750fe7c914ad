"""Plain text logs: which are recognised, where they are cut, and that no byte is lost on the way."""

import tracemalloc
from pathlib import Path

import pytest

from sessions.errors import UserError
from sessions.readers import choose, collect, read, sniff
from sessions.readers.log_cuts import BLOCK_LINES, MAX_STEP_CHARS
from sessions.run import Problem, Run, Span

BANNERS = """pip noise
---------- user ----------
Find it.
---------- Orchestrator (thought) ----------
Who could?

Nobody.
---------- TextMessage (WebSurfer) ----------
Found.
---------- ToolCallExecutionEvent (WebSurfer) ----------
Error: 404
"""
REACT = """Question: Who wrote it?
Thought: I should search.
Action: search[the book]
Observation: An author.
Thought 2: Now use a tool
that takes JSON.
Action 2: lookup
Action Input: {"name": "author", "n": 2}
Observation 2: Error: no such author
Thought: I give up.
Final Answer: unknown
"""
SPEAKERS = """USER: Hi there
with two lines
ASSISTANT: Hello
USER: Bye
ASSISTANT: Bye
"""
AUTOGEN = """user_proxy (to Coder):

Write it.

--------------------------------------------------------------------------------
Coder (to user_proxy):

***** Suggested tool call (call_1): run *****
Arguments:
{"code": "1+1"}
*********************************************

--------------------------------------------------------------------------------
user_proxy (to Coder):

***** Response from calling tool (call_1) *****
2
**********************************************************************
"""
STAMPED = """[2025-03-27 01:21:03] planner: first do this
and this
[2025-03-27T01:21:04.5Z] INFO coder (thought): hm
[2025-03-27 01:21:05,123] Tool: ok
"""
HEADINGS = """# Export

## user
Hi

## assistant
Hello
## User
Bye
"""
STEPS = """=== Step 1 ===
look
=== Step 2: act ===
do
Step 3
done
"""
SAMPLES = {
    "banner": BANNERS,
    "react": REACT,
    "speaker": SPEAKERS,
    "autogen": AUTOGEN,
    "stamped": STAMPED,
    "heading": HEADINGS,
    "step": STEPS,
}


def opened(path: Path, content: str | bytes) -> tuple[Run, list[Problem]]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    runs, problems = collect(read(path, "text"))
    assert len(runs) == 1
    return runs[0], problems


def outline(run: Run) -> list[tuple[str, str, list[tuple[str, str]]]]:
    return [(step.actor, step.role, [(part.kind, part.text) for part in step.parts]) for step in run.steps]


def test_banners(tmp_path: Path) -> None:
    run, _ = opened(tmp_path / "f", BANNERS)
    assert outline(run) == [
        ("log", "environment", [("text", "pip noise")]),
        ("user", "user", [("text", "Find it.")]),
        ("Orchestrator", "agent", [("reasoning", "Who could?\n\nNobody.")]),
        ("WebSurfer", "agent", [("text", "Found.")]),
        ("WebSurfer", "agent", [("tool_result", "Error: 404")]),
    ]
    assert run.steps[4].parts[0].is_error
    assert run.header.task == run.header.title == "Find it."


def test_react(tmp_path: Path) -> None:
    run, _ = opened(tmp_path / "f", REACT)
    assert outline(run) == [
        ("user", "user", [("text", "Who wrote it?")]),
        (
            *("agent", "agent"),
            [("reasoning", "I should search."), ("tool_call", "search[the book]"), ("tool_result", "An author.")],
        ),
        (
            *("agent", "agent"),
            [
                ("reasoning", "Now use a tool\nthat takes JSON."),
                ("tool_call", "name: author\nn: 2"),
                ("tool_result", "Error: no such author"),
            ],
        ),
        ("agent", "agent", [("reasoning", "I give up."), ("text", "unknown")]),
    ]
    calls = [part for step in run.steps for part in step.parts if part.kind == "tool_call"]
    assert [(call.name, call.arguments) for call in calls] == [
        ("search", "search[the book]"),
        ("lookup", {"name": "author", "n": 2}),
    ]


def test_speakers(tmp_path: Path) -> None:
    run, _ = opened(tmp_path / "f", SPEAKERS)
    assert outline(run) == [
        ("user", "user", [("text", "Hi there\nwith two lines")]),
        ("agent", "agent", [("text", "Hello")]),
        ("user", "user", [("text", "Bye")]),
        ("agent", "agent", [("text", "Bye")]),
    ]


def test_autogen(tmp_path: Path) -> None:
    run, _ = opened(tmp_path / "f", AUTOGEN)
    assert [step.actor for step in run.steps] == ["user_proxy", "Coder", "user_proxy"]
    call = run.steps[1].parts[0]
    assert (call.kind, call.name, call.call_id, call.arguments) == ("tool_call", "run", "call_1", {"code": "1+1"})
    result = run.steps[2].parts[0]
    assert (result.kind, result.call_id) == ("tool_result", "call_1")
    assert result.text == "2"


def test_time_stamps(tmp_path: Path) -> None:
    run, _ = opened(tmp_path / "f", STAMPED)
    assert outline(run) == [
        ("planner", "agent", [("text", "first do this\nand this")]),
        ("coder", "agent", [("reasoning", "hm")]),
        ("environment", "environment", [("tool_result", "ok")]),
    ]
    assert [step.at for step in run.steps] == [
        "2025-03-27T01:21:03",
        "2025-03-27T01:21:04.5Z",
        "2025-03-27T01:21:05.123",
    ]


def test_headings(tmp_path: Path) -> None:
    run, _ = opened(tmp_path / "f", HEADINGS)
    assert [(step.actor, step.parts[0].text) for step in run.steps[1:]] == [
        ("user", "Hi"),
        ("agent", "Hello"),
        ("user", "Bye"),
    ]


def test_steps(tmp_path: Path) -> None:
    run, _ = opened(tmp_path / "f", STEPS)
    assert [step.parts[0].text for step in run.steps] == [
        "=== Step 1 ===\nlook",
        "=== Step 2: act ===\ndo",
        "Step 3\ndone",
    ]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("name", [*SAMPLES, "paragraphs"])
def test_spans_cover_the_file(tmp_path: Path, name: str, ending: str) -> None:
    text = SAMPLES.get(name) or "\n\n".join("\n".join(f"é {n} {k}" for k in range(n)) for n in range(1, 60))
    data = text.replace("\n", ending).encode()
    run, problems = opened(tmp_path / "f", data)
    assert problems == []
    pieces = []
    for step in run.steps:
        (span,) = step.raw
        assert isinstance(span, Span)
        pieces.append(data[span.offset : span.offset + span.length])
    assert b"".join(pieces) == data


def test_without_marks_blocks_end_at_blank_lines(tmp_path: Path) -> None:
    sizes = [3, 30, 7, 1, 45, 90, 2]
    text = "\n\n".join("\n".join(f"{size} {line}" for line in range(size)) for size in sizes)
    run, _ = opened(tmp_path / "f", text)
    blocks = [step.parts[0].text for step in run.steps]
    assert {(step.actor, step.role) for step in run.steps} == {("log", "environment")}
    assert max(len(block.splitlines()) for block in blocks) <= BLOCK_LINES
    assert [line for block in blocks for line in block.splitlines() if line] == [
        line for line in text.splitlines() if line
    ]
    assert "3 0" in blocks[0]
    assert "30 29" in blocks[0]
    assert blocks[1].startswith("7 0")  # a paragraph that fits is never cut
    assert len(blocks) < len(sizes) + 4


# --- encodings


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16-le", "utf-16-be"])
def test_encodings_by_their_mark(tmp_path: Path, encoding: str) -> None:
    bom = "\ufeff" if encoding.startswith("utf-16") else ""
    text = SPEAKERS.replace("Hi there", "Grüße 😀 ਁ ਊ")  # U+0A01 and U+0A0A hold newline bytes
    data = (bom + text).encode(encoding)
    run, problems = opened(tmp_path / "f", data)
    assert problems == []
    assert run.steps[0].parts[0].text == "Grüße 😀 ਁ ਊ\nwith two lines"
    assert len(run.steps) == 4
    plain = encoding.removesuffix("-sig")
    pieces = [data[span.offset : span.offset + span.length] for step in run.steps for span in step.raw]  # type: ignore[union-attr]
    assert b"".join(pieces).decode(plain) == text


def test_bytes_that_are_not_utf8_are_reported_once(tmp_path: Path) -> None:
    run, problems = opened(tmp_path / "f", b"USER: a\nASSISTANT: caf\xe9\nUSER: \xff\xfe\n")
    assert [(problem.line, "UTF-8" in problem.reason) for problem in problems] == [(2, True)]
    assert [step.parts[0].text for step in run.steps] == ["a", "caf\ufffd", "\ufffd\ufffd"]


def test_a_replacement_character_in_the_source_is_no_damage(tmp_path: Path) -> None:
    assert opened(tmp_path / "f", "USER: a\nASSISTANT: \ufffd\n")[1] == []


def test_a_letter_across_two_pieces_of_a_long_line(tmp_path: Path) -> None:
    run, problems = opened(tmp_path / "f", "é" * 1_500_000)  # pieces of a megabyte end within letters
    assert problems == []
    assert "".join(part.text for step in run.steps for part in step.parts) == "é" * 1_500_000


# --- limits


@pytest.mark.parametrize("line", ["x" * 99 + "\n", "x"])
@pytest.mark.parametrize("start", ["", "USER: a\nASSISTANT: b\n"])
def test_long_turns_are_cut_and_nothing_is_lost(tmp_path: Path, line: str, start: str) -> None:
    text = start + line * (10_000_000 // len(line))
    run, _ = opened(tmp_path / "f", text)
    texts = [part.text for step in run.steps for part in step.parts]
    assert max(map(len, texts)) <= MAX_STEP_CHARS
    assert sum(text.count("x") for text in texts) == text.count("x")


def test_memory_does_not_grow_with_the_log(tmp_path: Path) -> None:
    path = tmp_path / "f"
    with open(path, "w") as file:
        for _ in range(30_000):
            file.write(f"USER: go\n{'word ' * 100}\nASSISTANT: gone\n{'word ' * 100}\n")
    assert path.stat().st_size > 30_000_000
    tracemalloc.start()
    count = sum(1 for _ in read(path, "text"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count > 60_000
    assert peak < 8_000_000


# --- sniffing


@pytest.mark.parametrize("name", [name for name in SAMPLES if name not in ("step", "autogen")])
def test_three_marks_are_enough(tmp_path: Path, name: str) -> None:
    path = tmp_path / "f"
    path.write_text(SAMPLES[name])
    reader = choose(path, searching=True)
    assert reader is not None
    assert reader.name == ("autogen" if name == "banner" else "text")  # which reads the same turns, and more
    assert [guess.confidence for guess in sniff(path) if guess.format == "text"] == [0.5]


OTHERS = {
    "readme": "# Tool\n\n## Step 1: install\n\n## Step 2: run\n\n## Step 3: enjoy\n\nUser: you\nTool: none\nAI: no\n",
    "manual": "Step 1: open the box.\nStep 2: close the box.\nStep 3: done.\n",
    "python": "user: str = 'a'\nagent: int = 1\nsystem: bool\n\ndef f():\n    pass\n",
    "python tests": '"""Tests."""\n\nLOG = """\n' + SPEAKERS + REACT + '"""\n',
    "toml": "[a]\nuser = 1\n[b]\nagent = 2\n",
    "csv": "user,agent\n1,2\n3,4\n",
    "yaml": "user: me\nassistant: you\nsystem: it\ntool: x\n",
    "log": "[2025-03-27 01:21:03] INFO: up\n[2025-03-27 01:21:04] INFO: down\n[2025-03-27 01:21:05] ERROR: x\n",
    "prose": "It was a dark night.\n\nThe end.\n",
}
NEVER = {
    "json": '{"a": "\\nUSER: x\\nASSISTANT: y\\nUSER: z"}',
    "jsonl": '{"a": 1}\n{"a": 2}\nUSER: x\nASSISTANT: y\nUSER: z\n',
    "list": "[1, 2]",
    "xml": "<?xml version='1.0'?>\n<a/>",
    "html": "<!doctype html>\nUSER: x\nASSISTANT: y\nUSER: z\n",
    "blank": "  \n \n",
}


@pytest.mark.parametrize("name", [*OTHERS, *NEVER])
def test_other_texts_are_left_alone_in_a_folder(tmp_path: Path, name: str) -> None:
    path = tmp_path / "f"
    path.write_text({**OTHERS, **NEVER}[name])
    confidence = {guess.format: guess.confidence for guess in sniff(path)}.get("text", 0.0)
    assert confidence == (0.0 if name in NEVER else 0.1)


@pytest.mark.real_data
def test_no_real_file_of_another_format_is_taken(real_data: Path) -> None:
    texts = 0
    for path in real_data.rglob("*"):
        if path.is_file():
            confidence = {guess.format: guess.confidence for guess in sniff(path)}.get("text", 0.0)
            is_text = path.suffix in ("", ".md", ".txt", ".toml")
            assert confidence == (0.1 if is_text else 0.0), path
            texts += is_text
    assert texts > 5


def test_an_evaluation_in_the_log_is_reference(tmp_path: Path) -> None:
    text = (
        "******************** Task 1/2 (ab1_1)  ********************\nDo it.\n"
        "Response from Supervisor Agent\n    done()\nCode Execution Output\n\n    ok\n"
        'Evaluation\n{\n  "success": false\n}\n'
        "******************** Task 2/2 (ab1_2)  ********************\nDo more.\n"
    )
    run, _ = opened(tmp_path / "f", text)
    assert run.header.reference == {"evaluation": '{\n  "success": false\n}'}
    assert [step.actor for step in run.steps] == ["user", "Supervisor Agent", "environment", "user"]
    assert run.header.task == "Do it."


@pytest.mark.parametrize(
    "text", ["Just words.\n\nAnd more of them.\n", "# A tool\n\nIt does things.\n\n## Use\n\nRun it.\n"]
)
def test_prose_that_was_named_is_no_run_unless_the_user_says_so(tmp_path: Path, text: str) -> None:
    path = tmp_path / "notes.md"
    path.write_text(text)
    with pytest.raises(UserError, match="no marks of turns") as error:
        choose(path)
    assert "--format text" in error.value.hint
    assert choose(path, "text").name == "text"
    path.write_text(f"{text}{SPEAKERS}")
    assert choose(path).name == "text"
