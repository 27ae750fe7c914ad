"""Compressed files: opened like any other, bounded when they expand without end, read as far as they are whole."""

import gzip
import io
import random
import sys
from pathlib import Path

import pytest
from helpers import quick, write_run
from hypothesis import given
from hypothesis import strategies as st

from sessions import catalog, readers, streams
from sessions.archive import finish_run
from sessions.errors import UserError
from sessions.identity import content_id
from sessions.ingest import import_file
from sessions.readers.base import Head, Source
from sessions.run import Step
from sessions.store import Store
from sessions.streams import compression_of, open_stream, read_places, read_up_to

zstandard = pytest.importorskip("zstandard")

PACKERS = {
    "gz": lambda data: gzip.compress(data, mtime=0),
    "zst": lambda data: zstandard.ZstdCompressor(write_checksum=True).compress(data),
}
EXAMPLES = [
    "codex/2026/01/02/rollout-2026-01-02T03-04-05-11111111-1111-4111-8111-111111111111.jsonl",
    "claude_code/tool_call_conversation.jsonl",
    "miniswe/gen/run.traj.json",
    "atif/openhands_hello-world.trajectory.json",
    "taubench/gpt-4o-airline-part.json",
]


def noise(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def packed(path: Path, data: bytes, kind: str) -> Path:
    path.write_bytes(PACKERS[kind](data))
    return path


def all_of(path: Path) -> tuple[bytes, str | None]:
    with open_stream(path) as file:
        return read_up_to(file, 1 << 40)


# -- the stream ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("data", [b"", b"x", b"one\ntwo\n", noise(3_000_000), b"ab" * 400_000], ids=range(5))
def test_what_went_in_comes_out(kind: str, data: bytes, tmp_path: Path) -> None:
    path = packed(tmp_path / "any name", data, kind)
    assert compression_of(path) == {"gz": "gzip", "zst": "zstd"}[kind]
    assert all_of(path) == (data, None)
    assert Source(path).size == len(data)


def test_a_plain_file_is_just_opened(tmp_path: Path) -> None:
    path = tmp_path / "plain.gz"
    path.write_bytes(b"not packed, whatever its name says\n")
    with open_stream(path) as file:
        assert file.seekable()
        assert file.read() == path.read_bytes()
    assert compression_of(path) is None


@pytest.mark.parametrize("kind", PACKERS)
def test_several_streams_in_one_file_are_one(kind: str, tmp_path: Path) -> None:
    """Logs are appended to in this way."""
    pieces = [b"first\n", b"", noise(100_000), b"last\n"]
    path = tmp_path / "log"
    path.write_bytes(b"".join(PACKERS[kind](piece) for piece in pieces))
    assert all_of(path) == (b"".join(pieces), None)


def test_padding_and_frames_without_data_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(gzip.compress(b"one\n") + bytes(70_000) + gzip.compress(b"two\n") + bytes(3))
    assert all_of(path) == (b"one\ntwo\n", None)
    skipped = b"\x51\x2a\x4d\x18\x04\0\0\0abcd"
    path.write_bytes(PACKERS["zst"](b"one\n") + skipped + PACKERS["zst"](b"two\n"))
    assert all_of(path) == (b"one\ntwo\n", None)


@pytest.mark.parametrize("kind", PACKERS)
def test_damage_gives_what_stands_before_it_and_says_so(kind: str, tmp_path: Path) -> None:
    data = noise(500_000)
    whole = PACKERS[kind](data)
    path = tmp_path / "log"
    path.write_bytes(whole[: len(whole) // 2])
    got, reason = all_of(path)
    assert reason == "the compressed data ends before its end mark"
    assert data.startswith(got)
    path.write_bytes(whole + b"something else")
    got, reason = all_of(path)
    assert (got, reason) == (data, "something else follows the compressed data")
    path.write_bytes(whole[:200_000] + b"\xff" * 100 + whole[200_100:])
    got, reason = all_of(path)
    assert reason is not None
    assert "damaged" in reason


@quick(60)
@given(seed=st.integers(0, 2**32), kind=st.sampled_from(sorted(PACKERS)))
def test_any_damage_is_one_error(seed: int, kind: str, tmp_path: Path) -> None:
    chance = random.Random(seed)
    data = bytearray(PACKERS[kind](b"some line of a log\n" * 500 + chance.randbytes(300)))
    for _ in range(chance.randrange(1, 4)):
        data[chance.randrange(4, len(data))] = chance.randrange(256)
    path = tmp_path / "log"
    path.write_bytes(bytes(data[: chance.randrange(4, len(data) + 1)]))
    got, reason = all_of(path)
    assert reason is None or reason
    assert len(got) < 1_000_000
    Head.of(path)


@pytest.mark.parametrize("kind", PACKERS)
def test_a_bomb_is_stopped(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "FREE_BYTES", 1_000_000)
    path = packed(tmp_path / "bomb", b'{"role": "user", "content": "x"}\n' + bytes(60_000_000), kind)
    assert path.stat().st_size < 100_000
    got, reason = all_of(path)
    assert reason is not None
    assert "expands without end" in reason
    assert len(got) < 30_000_000


def test_no_more_than_a_piece_is_ever_expanded_at_once(tmp_path: Path) -> None:
    """A gigabyte of zeros: what is held at a time stays within what four bytes of a frame can say, times its piece."""
    frame = zstandard.ZstdCompressor().compressobj()
    path = tmp_path / "bomb.zst"
    with open(path, "wb") as file:
        for _ in range(1000):
            file.write(frame.compress(bytes(1_000_000)))
        file.write(frame.flush())
    largest = 0
    reason = ""
    with open_stream(path, 1 << 16) as file:
        try:
            while piece := file.read1(1 << 30):
                largest = max(largest, len(piece))
        except OSError as error:
            reason = str(error)
    assert "expands without end" in reason
    assert largest <= 70_000_000


def test_places_are_read_in_one_pass(tmp_path: Path) -> None:
    data = noise(300_000)
    places = [(5, 10), (200_000, 50_000), (0, 3), (210_000, 7), (200_000, 50_000), (299_999, 1), (300_000, 5)]
    expected = [data[offset : offset + length] for offset, length in places]
    plain = tmp_path / "plain"
    plain.write_bytes(data)
    assert read_places(plain, places) == expected
    for kind in PACKERS:
        assert read_places(packed(tmp_path / kind, data, kind), places) == expected


def test_without_the_package_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    path = packed(tmp_path / "run.jsonl.zst", b'{"role": "user", "content": "x"}\n', "zst")
    with pytest.raises(UserError, match="needs a further package") as caught:
        readers.choose(path)
    assert "review-tui[zstd]" in caught.value.hint
    assert all_of(packed(tmp_path / "run.jsonl.gz", b"x", "gz")) == (b"x", None)


# -- runs in compressed files ---------------------------------------------------------------------------------------


def raw_of(store: Store, run: str) -> list[list[bytes]]:
    info = catalog.run_by_id(store, run)
    assert info is not None
    return [catalog.raw(store, info, index) for index in range(info.steps)]


@pytest.mark.real_data
@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("name", EXAMPLES)
def test_a_compressed_run_is_the_run(name: str, kind: str, real_data: Path, tmp_path: Path) -> None:
    plain = real_data / name
    path = packed(tmp_path / f"{plain.name}.{kind}", plain.read_bytes(), kind)
    assert readers.sniff(path)[0] == readers.sniff(plain)[0]
    got, problems = readers.collect(readers.read(path))
    expected, expected_problems = readers.collect(readers.read(plain))
    assert [problem.reason for problem in problems] == [problem.reason for problem in expected_problems]
    assert [content_id(run.steps) for run in got] == [content_id(run.steps) for run in expected]
    assert [run.header.task for run in got] == [run.header.task for run in expected]


@pytest.mark.real_data
@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("name", [*EXAMPLES[:3], "log"])
def test_raw_records_outlive_a_compressed_file(name: str, kind: str, real_data: Path, tmp_path: Path) -> None:
    if name == "log":
        plain = tmp_path / "log.txt"
        plain.write_text("".join(f"User: do {n}\nand more\nAssistant: done {n}\n" for n in range(40)))
    else:
        plain = real_data / name
    with Store.open(tmp_path / "a.db") as store:
        (run,) = import_file(store, plain).runs
        expected = raw_of(store, run.run)
    assert any(expected)
    path = packed(tmp_path / "packed", plain.read_bytes(), kind)
    with Store.open(tmp_path / "b.db") as store:
        (run,) = import_file(store, path).runs
        info = catalog.run_by_id(store, run.run)
        assert info is not None
        path.unlink()
        assert raw_of(store, run.run) == expected
        finish_run(store, info, pause_s=0)
        assert raw_of(store, run.run) == expected


def test_what_was_forgotten_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step whose lines are too far back for `Source.kept` keeps their places, which lead into the stream."""
    lines = [b'{"role": "user", "content": "%d"}' % n for n in range(50)]
    path = packed(tmp_path / "run.gz", b"\n".join(lines), "gz")
    monkeypatch.setattr("sessions.readers.base.KEPT_BYTES", 0)
    with Store.open(tmp_path / "a.db") as store:
        (run,) = import_file(store, path).runs
        assert run.steps == 50
        assert [raw for (raw,) in raw_of(store, run.run)] == lines
        info = catalog.run_by_id(store, run.run)
        assert info is not None
        finish_run(store, info, pause_s=0)
        path.unlink()
        assert [raw for (raw,) in raw_of(store, run.run)] == lines


def test_a_cut_off_log_is_read_to_where_it_ends(tmp_path: Path) -> None:
    chance = random.Random(3)
    lines = [b'{"role": "user", "content": "%s"}\n' % chance.randbytes(40).hex().encode() for _ in range(2000)]
    data = PACKERS["gz"](b"".join(lines))
    path = tmp_path / "run.jsonl.gz"
    path.write_bytes(data[: len(data) // 2])
    (run,), problems = readers.collect(readers.read(path))
    assert 500 < len(run.steps) < 1500
    assert [problem.reason for problem in problems] == [
        "cannot be read to its end: the compressed data ends before its end mark"
    ]


def test_a_cut_off_document_is_read_to_where_it_ends(real_data: Path, tmp_path: Path) -> None:
    plain = (real_data / EXAMPLES[4]).read_bytes()
    data = PACKERS["gz"](plain)
    path = tmp_path / "runs.json.gz"
    path.write_bytes(data[: len(data) // 2])
    runs, problems = readers.collect(readers.read(path, "tau-bench"))
    assert 15 < len(runs) < 50
    assert "ends before its end mark" in problems[-1].reason


def test_an_archive_of_files_is_no_run(tmp_path: Path) -> None:
    import tarfile

    path = tmp_path / "runs.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        info = tarfile.TarInfo("run.jsonl")
        info.size = 40
        tar.addfile(info, io.BytesIO(b'{"role": "user", "content": "x"}        '))
    assert readers.sniff(path) == []
    with pytest.raises(UserError, match="binary"):
        readers.choose(path)


def test_steps_of_other_readers_are_left_alone(tmp_path: Path) -> None:
    path = write_run(tmp_path / "plain", ["a", Step("agent", "agent")])
    assert Source(path).kept(b"x") == b"x"
