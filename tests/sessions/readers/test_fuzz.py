"""Damaged and hostile files for every reader that is registered: nothing raised, nothing endless, nothing lost in
silence. `benchmarks.fuzz` makes the files and says what must hold; `python -m benchmarks.fuzz` looks for more."""

import json
import re
import resource
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from helpers import quick
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import formats as large_files
from benchmarks.fuzz.damage import damaged, small
from benchmarks.fuzz.holds import check
from benchmarks.samples import SHARED, Sample, formats, samples
from sessions import catalog, readers
from sessions.errors import UserError
from sessions.identity import content_id
from sessions.ingest import import_file
from sessions.run import Header, Problem, Step
from sessions.store import Store
from sessions.writers import writer
from sessions.writers.base import Recorded

ROOT = Path(__file__).resolve().parents[3]
#: Formats whose sample is damaged here; the real samples of the others are only where ../shared/data is.
HERE = [name for name in formats() if SHARED.is_dir() or samples(name)]
GARBAGE = b'{"broken": ["\xff\xfe'


def test_every_registered_reader_has_samples_and_a_large_file() -> None:
    assert set(formats()) == set(readers.BUILT_IN) == set(large_files.names())


@pytest.mark.parametrize("format", HERE)
def test_the_samples_are_of_their_format(format: str, tmp_path: Path) -> None:
    assert samples(format)
    for number, sample in enumerate(samples(format)):
        path = sample.write(tmp_path / str(number))
        assert format in [guess.format for guess in readers.sniff(path)]
    for number, sample in enumerate(small(format)):
        runs, problems = check(sample.write(tmp_path / f"small{number}"), format)
        if not any("pip install" in problem.reason for problem in problems):  # inspect_ai, pyarrow need not be here
            assert sum(len(run.steps) for run in runs) >= 2


@pytest.mark.parametrize("format", HERE)
@quick(25)
@given(seed=st.integers(0, 2**32))
def test_damaged_files(format: str, tmp_path: Path, seed: int) -> None:
    chance = Random(seed)
    check(damaged(chance.choice(small(format)), chance).write(tmp_path), format)


@quick(60)
@given(seed=st.integers(0, 2**32))
def test_what_is_read_of_a_damaged_file_can_be_stored_and_written(tmp_path: Path, seed: int) -> None:
    """The store takes whatever readers give, gives it back, and it can be written: nothing in it is too odd."""
    chance = Random(seed)
    name = chance.choice([name for name in HERE if name != "inspect"])
    path = damaged(chance.choice(small(name)), chance).write(tmp_path)
    with Store.open(tmp_path / f"{seed}.db") as store:
        try:
            report = import_file(store, path, name)
        except UserError:  # nothing in it, or not as it must be: said to the user
            return
        runs, _ = readers.collect(readers.read(path, name))
        assert sum(run.steps for run in report.runs) == sum(len(run.steps) for run in runs)
        for info in [info for info in catalog.runs(store) if info.steps][:3]:
            assert json.loads("".join(writer("atif")(Recorded(store, info))))["steps"]
            again = tmp_path / "again.jsonl"
            again.write_text("".join(writer("canonical")(Recorded(store, info))))
            (run,), problems = readers.collect(readers.read(again, "canonical"))
            assert problems == []
            assert content_id(run.steps) == info.content_id


# -- what is readable is kept -----------------------------------------------------------------------------------------


def texts_of(runs: list) -> Counter:
    return Counter(part.text for run in runs for step in run.steps for part in step.parts if part.text.strip())


def words(text: str) -> set[str]:
    return set(re.findall(r"[^\W_]+", re.sub(r"\\+[nrt]|\\+u[0-9a-f]{4}", " ", text)))


LINES = [
    (name, number)
    for name in HERE
    for number, sample in enumerate(small(name))
    if sample.main.endswith(".jsonl") and len(sample.data.splitlines()) > 3
]


@pytest.mark.parametrize(("format", "number"), LINES)
def test_a_damaged_line_is_reported_and_the_others_are_kept(format: str, number: int, tmp_path: Path) -> None:
    sample = small(format)[number]
    whole = texts_of(check(sample.write(tmp_path / "whole"), format)[0])
    lines = sample.data.splitlines()
    for place in range(1, min(len(lines), 12)):
        rows = [*lines[:place], GARBAGE, *lines[place + 1 :]]
        changed = Sample(format, sample.main, {**sample.files, sample.main: b"\n".join(rows) + b"\n"})
        runs, problems = check(changed.write(tmp_path / str(place)), format)
        assert (place + 1) in [problem.line for problem in problems], (place, problems)
        # What is gone was said by that line; what was told in pieces is there in pieces.
        left = words(lines[place].decode()).union(*map(words, texts_of(runs)))
        strange = [
            text
            for text in whole
            if len(words(text)) > 1 and "[image:" not in text and len(words(text) - left) > 0.3 * len(words(text))
        ]
        assert not strange, (place, strange)


def cuts_of(data: bytes) -> list[tuple[bytes, bytes]]:
    """A file that ends in the middle of a record, and the same up to the record before, as it would be whole."""
    try:
        value = json.loads(data)
    except ValueError:
        lines = data.splitlines(keepends=True)
        return [
            (b"".join(lines[:n]) + lines[n][: len(lines[n]) // 2], b"".join(lines[:n])) for n in range(1, len(lines))
        ]
    member = None
    items = value
    if isinstance(value, dict):
        member = max(value, key=lambda key: len(value[key]) if isinstance(value[key], list) else 0)
        items = value[member]
        value = {key: item for key, item in value.items() if key != member}
    found = []
    for n in range(1, len(items) if isinstance(items, list) else 0):
        whole, more = (json.dumps(items[:m] if member is None else {**value, member: items[:m]}) for m in (n, n + 1))
        half = len(whole) + (len(more) - len(whole)) // 2
        found.append((more[:half].encode(), whole.encode()))
    return found


@pytest.mark.parametrize("format", [name for name in HERE if name not in ("inspect", "openhands", "text")])
def test_what_stands_before_the_end_of_a_cut_file_is_kept(format: str, tmp_path: Path) -> None:
    """A disk that is full, a program that was killed: the last record is a half one, all before it are there."""
    tried = 0
    for number, sample in enumerate(sample for sample in small(format) if b"\0" not in sample.data[:4096]):
        cuts = cuts_of(sample.data)
        for place, (cut, whole) in enumerate(Random(1).sample(cuts, min(6, len(cuts)))):
            where = tmp_path / f"{number}-{place}"
            wanted, _ = check(Sample(format, sample.main, {sample.main: whole}).write(where / "whole"), format)
            runs, problems = check(Sample(format, sample.main, {sample.main: cut}).write(where / "cut"), format)
            kept = texts_of(runs)
            assert not [text for text in texts_of(wanted) if not any(text in other for other in kept)]
            assert problems
            tried += 1
    assert tried or format in ("otlp", "tau2", "trail", "docent", "langfuse")  # one trace, one run


@pytest.mark.parametrize("format", [name for name in HERE if name not in ("inspect", "openhands")])
@pytest.mark.parametrize("how", ["bom", "crlf", "gz", "zst", "no last line break", "blank lines"])
def test_forms_of_one_file_are_one_run(format: str, how: str, tmp_path: Path) -> None:
    """A byte order mark, other line breaks and compression change nothing."""
    import gzip

    import zstandard

    for number, sample in enumerate(small(format)):
        if b"\0" in sample.data[:4096] or (format == "text" and how in ("crlf", "blank lines")):
            continue
        data = sample.data
        made = {
            "bom": lambda data=data: b"\xef\xbb\xbf" + data,
            "crlf": lambda data=data: data.replace(b"\n", b"\r\n"),
            "gz": lambda data=data: gzip.compress(data),
            "zst": lambda data=data: zstandard.ZstdCompressor().compress(data),
            "no last line break": lambda data=data: data.rstrip(b"\n"),
            "blank lines": lambda data=data: b"\n\n" + data + b"\n \n\n",
        }[how]()
        runs, before = check(sample.write(tmp_path / f"plain{number}"), format)
        other = Sample(format, sample.main, {**sample.files, sample.main: made})
        again, problems = check(other.write(tmp_path / f"other{number}"), format)
        assert [problem.reason for problem in problems] == [problem.reason for problem in before]
        assert texts_of(again) == texts_of(runs)


# -- hostile ----------------------------------------------------------------------------------------------------------

BOMBS = {
    "open lists": b"[" * 1_000_000,
    "open objects": b'{"a":' * 200_000,
    "lists in a member": b'{"messages":' + b"[" * 1_000_000,
    "a line of 4 MB": b'{"type":"user","content":"' + b"x" * 4_000_000 + b'"}\n',
    "many small lines": b"{}\n" * 20_000,
    "many small items": b"[" + b"{}," * 20_000 + b"{}]",
    "one number": b"1" * 1_000_000,
    "escapes": b'"' + b"\\u0041" * 200_000 + b'"',
    "open text": b'{"messages": ["' + b"\\" * 1_000_000,
    "spaces": b" " * 2_000_000 + b"x",
    "line breaks": b"\n" * 200_000,
    "zeros": bytes(1_000_000),
    "brackets in a text": b'{"role":"user","content":"' + b"[{" * 500_000 + b'"}\n',
}
#: What reading one of them may take beyond what the program has, in bytes.
MOST_MEMORY = 300 << 20
_READ_ALL = """
import resource, sys, time
from pathlib import Path
from sessions import catalog, readers
for name in readers.names():
    readers.load(name)
most = int(sys.argv[1]) + 4096 * int(open("/proc/self/statm").read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (most, most))
for path in map(Path, sys.argv[2:]):
    for name in readers.names():
        start = time.process_time()
        found = 0
        try:
            for record in readers.read(path, name):
                found += 1
                assert "stopped here" not in getattr(record, "reason", ""), record
        except Exception as error:
            print(path.name, name, type(error).__name__, str(error)[:200])
        if (taken := time.process_time() - start) > 20:  # coverage makes it thrice as long
            print(path.name, name, "took", round(taken))
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="tells memory by /proc")
@pytest.mark.timeout(600)
def test_memory_and_time_are_bounded(tmp_path: Path) -> None:
    """Bombs of a few megabytes, for every reader, whether the file is its own or not."""
    import gzip

    paths = []
    for name, data in BOMBS.items():
        paths.append(tmp_path / name.replace(" ", "-"))
        paths[-1].write_bytes(data)
    paths.append(tmp_path / "expands.gz")
    paths[-1].write_bytes(gzip.compress(bytes(100_000_000)))
    command = [sys.executable, "-c", _READ_ALL, str(MOST_MEMORY), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout == ""


def test_the_program_shows_no_traceback(tmp_path: Path) -> None:
    """A folder of damaged files of all formats: `import --check` tells of each, as text and as JSON."""
    chance = Random(7)
    for name in HERE:
        for number in range(3):
            damaged(chance.choice(small(name)), chance).write(tmp_path / "runs" / f"{name}-{number}")
    for more in ([], ["--json"]):
        command = [sys.executable, "-m", "review_tui", "import", "--check", str(tmp_path / "runs"), *more]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        assert "Traceback" not in done.stdout + done.stderr
        assert "stopped here" not in done.stdout + done.stderr
    document = json.loads(done.stdout)
    assert len(document["runs"]) > len(HERE)
    assert all(problem["reason"] for run in document["runs"] for problem in run["problems"])


def test_the_peak_of_this_process_is_no_gigabyte() -> None:
    """The damaged files above are small: what they took must be so too."""
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 1 << 20


def test_records_and_headers_come_in_order(tmp_path: Path) -> None:
    """Before a run's first step comes its header, whatever is damaged: `collect` and the store rely on it."""
    chance = Random(11)
    for name in HERE:
        for number in range(4):
            path = damaged(chance.choice(small(name)), chance).write(tmp_path / f"{name}{number}")
            opened = False
            try:
                for record in readers.read(path, name):
                    opened = opened or isinstance(record, Header)
                    assert opened or not isinstance(record, Step)
                    assert isinstance(record, Problem) or opened
            except UserError:
                continue


@pytest.mark.parametrize("format", ["gemini", "tau2", "langfuse", "openhands", "openai-chat", "text"])
def test_the_benchmark_s_large_files_are_of_their_format(
    format: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its figures mean something only if the reader reads what is in them, whole."""
    if not samples(format):
        pytest.skip("no sample here (../shared/data)")
    monkeypatch.setattr(large_files, "MEGABYTES", 1)
    monkeypatch.setattr(large_files, "_FOLDER_MEGABYTES", 0.2)
    monkeypatch.setattr(large_files.corpus, "folder", lambda: tmp_path)
    path = large_files.large(format)
    assert path is not None
    assert readers.sniff(path)[0].format == format
    runs, problems = readers.collect(readers.read(path))
    assert problems == []
    steps = sum(len(run.steps) for run in runs)
    assert steps > 50
    assert large_files.size_of(path) > (0.1 if format == "openhands" else 0.9) * 1e6
    # As many texts as there are steps: nothing was folded together because it seemed to be said before.
    assert sum(bool(step.parts) for run in runs for step in run.steps) == steps
