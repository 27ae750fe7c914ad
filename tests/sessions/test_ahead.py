"""Reading in another process gives what reading here gives, and its end is noticed."""

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
from helpers import FORMAT, quick, steps, write_run
from hypothesis import given
from hypothesis import strategies as st

from sessions import ahead, readers
from sessions.ahead import ReadAhead
from sessions.errors import UserError
from sessions.run import Span, Step

SAMPLES = Path(__file__).parents[2] / "sample_traces"
RUNS = sorted(path for path in SAMPLES.glob("*.*") if path.suffix in (".jsonl", ".json", ".txt"))
RUNS = [path for path in RUNS if path.name != "reference_labels.json"]
RAWS = st.lists(st.binary(max_size=5) | st.builds(Span, st.integers(0, 2**60), st.integers(0, 9), st.integers(0, 3)))


@pytest.fixture
def reader() -> Iterator[ReadAhead]:
    with ReadAhead() as made:
        yield made


@quick(150)
@given(steps(), RAWS)
def test_a_step_crosses_unchanged(step: Step, raws: list) -> None:
    step = replace(step, raw=raws)
    assert ahead._joined(pickle.loads(pickle.dumps(ahead._parted(step)))) == step


def test_every_record_crosses_in_order(reader: ReadAhead) -> None:
    assert len(RUNS) >= 5
    for path in RUNS:
        assert list(reader.read(path)) == list(readers.read(path))
    assert reader._pid


def test_a_long_run_crosses_in_batches(reader: ReadAhead, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "chat.jsonl"
    lines = [{"role": "user", "content": f"{n} " + "x" * (700_000 if n == 3 else 10)} for n in range(1000)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = list(reader.read(path, "openai-chat"))
    assert found == list(readers.read(path, "openai-chat"))
    assert sum(isinstance(record, Step) for record in found) == 1000


def test_what_is_wrong_with_a_file_is_said_here_and_the_next_is_read(reader: ReadAhead, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    for path, asked in ((tmp_path / "none", None), (tmp_path / "empty", None), (RUNS[0], "no such format")):
        with pytest.raises(UserError) as here:
            list(readers.read(path, asked))
        with pytest.raises(UserError) as there:
            list(reader.read(path, asked))
        assert (there.value.message, there.value.hint) == (here.value.message, here.value.hint)
    assert reader._pid
    assert list(reader.read(RUNS[0])) == list(readers.read(RUNS[0]))


def test_a_reader_that_is_killed_is_no_end_of_the_file(reader: ReadAhead, tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text("".join(f"line {n} " + "x" * 200 + "\n\n" for n in range(50_000)))
    records = reader.read(path, "text")
    first = list(islice(records, 3))
    os.kill(reader._pid, signal.SIGKILL)
    with pytest.raises(UserError, match="not read to its end"):
        list(records)
    assert first == list(islice(readers.read(path, "text"), 3))
    assert list(reader.read(RUNS[0])) == list(readers.read(RUNS[0]))  # in this process


def test_a_file_that_is_left_half_read_ends_the_reader(reader: ReadAhead, tmp_path: Path) -> None:
    path = write_run(tmp_path / "run.jsonl", ["x" * 1000] * 5000)
    before = reader._pid
    readers.BUILT_IN[FORMAT] = "helpers:LinesReader"
    try:
        with ReadAhead() as own:  # forked now: it knows the format
            records = own.read(path, FORMAT)
            next(records)
            records.close()
            assert own._pid == 0
            assert sum(isinstance(record, Step) for record in own.read(path, FORMAT)) == 5000
    finally:
        del readers.BUILT_IN[FORMAT]
    assert reader._pid == before


def test_the_reader_ends_when_nobody_is_there(tmp_path: Path) -> None:
    code = "from sessions.ahead import ReadAhead; import os; r = ReadAhead(); print(r._pid, flush=True); os._exit(0)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=True)
    end = time.monotonic() + 10
    while Path(f"/proc/{int(result.stdout)}").exists():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_an_import_tells_what_happens(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "sessions.importing", "--db", str(tmp_path / "r.db"), "--", str(SAMPLES)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        events = [json.loads(line) for line in process.stdout]
        assert process.wait(20) == 0
    kinds = [event["event"] for event in events]
    assert kinds[0] == "started"
    assert kinds[-1] == "imported"
    finished = [event for event in events if event["event"] == "finished"]
    assert {Path(event["path"]).name for event in finished} >= {path.name for path in RUNS}
    assert all(event["runs"] for event in finished)
