"""Following a file: whatever happens to it, what is stored is what a reader makes of it."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import zstandard
from agent_logs import ClaudeLog, codex_lines
from helpers import quick
from hypothesis import given
from hypothesis import strategies as st

from sessions import catalog
from sessions.errors import UserError
from sessions.following import growing
from sessions.following.follower import Follower, Listener
from sessions.identity import content_id
from sessions.ingest import import_file
from sessions.readers import collect, read
from sessions.run import Span, Step
from sessions.store import Store


class Watched:
    """A follower with what it told."""

    def __init__(self, store: Store, path: Path, format: str | None = None) -> None:
        self.store, self.path = store, path
        self.started: list[str] = []
        self.grown: list[tuple[int, int]] = []
        self.replaced: list[str] = []
        self.rested: list[str] = []
        listener = Listener(
            started=self.started.append,
            grown=lambda run, first, count: self.grown.append((first, count)),
            replaced=self.replaced.append,
            rested=self.rested.append,
        )
        self.follower = Follower(store, path, format, listener)
        growing.SUBAGENTS_S = 0.0

    def look(self) -> bool:
        self.follower.growing._next_reading = 0.0  # the rate limit is tested on its own
        return self.follower.look()

    @property
    def run(self) -> catalog.RunInfo:
        assert self.follower.run_now is not None
        run = catalog.run_by_id(self.store, self.follower.run_now.id)
        assert run is not None
        return run

    @property
    def steps(self) -> list[Step]:
        return [stored.step for stored in catalog.steps(self.store, self.run.no)]


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "r.db"


@pytest.fixture
def store(db: Path):
    with Store.open(db) as opened:
        yield opened


@pytest.fixture
def log(tmp_path: Path) -> ClaudeLog:
    return ClaudeLog(tmp_path / "session.jsonl")


@pytest.fixture
def watched(store: Store, log: ClaudeLog):
    made = Watched(store, log.path)
    yield made
    made.follower.stop()


def whole(path: Path) -> list[Step]:
    """What the reader makes of the file as it is (records that are no lines of it are kept apart in the store)."""
    runs, _ = collect(read(path))
    for step in runs[-1].steps:
        step.raw = [raw for raw in step.raw if isinstance(raw, Span)]
    return runs[-1].steps


def same(watched: Watched, path: Path) -> None:
    """The store holds what the reader makes of the file, and its rows' counts agree."""
    expected = whole(path)
    assert watched.steps == expected
    run = watched.run
    assert run.steps == len(expected)
    assert run.chars == sum(
        sum(len(part.text) for part in step.parts) + max(0, len(step.parts) - 1) for step in expected
    )
    stored = watched.store.query("SELECT count(*) FROM step")[0][0]
    assert stored == len(expected), "rows of earlier states are left"


# -- growing ------------------------------------------------------------------------------------------------------


def test_each_line_is_in_the_store_after_a_look(watched, log):
    log.user("Mend the build.")
    for number in range(4):
        log.calls(f"c{number}")
        assert watched.look()
        same(watched, log.path)
        log.result(f"c{number}")
        assert watched.look()
        same(watched, log.path)
    assert not watched.look()
    assert watched.run.state == "importing"
    assert watched.run.task == "Mend the build."
    assert watched.started == [watched.run.id]
    assert watched.grown[-1] == (4, 5)  # only the step that was answered was written again


def test_lines_of_one_message_grow_one_step(watched, log):
    log.user("Hello.")
    log.says("I look", message="m1")
    watched.look()
    log.says("I look at it", message="m1")
    log.calls("c1", message="m1")
    watched.look()
    same(watched, log.path)
    assert [part.kind for part in watched.steps[1].parts] == ["text", "tool_call"]


def test_half_a_line_waits_for_its_other_half(watched, log):
    log.user("Mend it.")
    log.calls("c1")
    watched.look()
    line = log.result("c1", "x" * 5000)
    data = log.path.read_bytes()
    for cut in (1, 2500, len(line) - 1):
        log.path.write_bytes(data[: len(data) - len(line) + cut])
        watched.look()
        done = [part.kind for part in watched.steps[1].parts]
        # All but the newline is a whole record: it counts as what it is.
        assert done == (["tool_call", "tool_result"] if cut == len(line) - 1 else ["tool_call"])
    log.path.write_bytes(data)
    watched.look()
    same(watched, log.path)


@quick(25)
@given(data=st.data())
def test_a_session_cut_at_any_bytes_ends_as_if_read_at_once(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("cut")
    log = ClaudeLog(folder / "whole.jsonl")
    log.user("Mend it.")
    for number in range(data.draw(st.integers(1, 8))):
        kind = data.draw(st.sampled_from(["step", "parallel", "late", "text", "other", "prompt", "sidechain"]))
        if kind == "step":
            log.step(number)
        elif kind == "parallel":
            log.calls(f"a{number}", message=f"p{number}")
            log.calls(f"b{number}", message=f"p{number}")
            log.result(f"b{number}")
            log.result(f"a{number}")
        elif kind == "late":
            log.calls(f"late{number}")
            log.step(100 + number)
            log.result(f"late{number}")
        elif kind == "text":
            log.says(f"Thought {number}.")
        elif kind == "other":
            log.line("progress", data={"n": number})
        elif kind == "sidechain":
            log.line("user", isSidechain=True, message={"role": "user", "content": f"look {number}"})
        else:
            log.user(f"Go on {number}.")
    content = log.path.read_bytes()
    path = folder / "growing.jsonl"
    cuts = sorted(data.draw(st.sets(st.integers(1, len(content)), max_size=6)) | {len(content)})
    with Store.open(folder / "r.db") as store:
        path.write_bytes(b"")
        watched = Watched(store, path)
        for before, cut in zip([0, *cuts], cuts, strict=False):
            with open(path, "ab") as file:
                file.write(content[before:cut])
            watched.look()
        same(watched, path)
        watched.follower.stop()
        assert watched.run.complete
        assert watched.run.content_id == content_id(whole(path))
        (imported,) = import_file(store, path).runs
        assert (imported.run, imported.outcome) == (watched.run.id, "known")


def test_a_codex_rollout_grows_line_by_line(store, tmp_path):
    path = tmp_path / "rollout.jsonl"
    path.write_bytes(b"")
    watched = Watched(store, path)
    for line in codex_lines(6):
        with open(path, "ab") as file:
            file.write(line)
        watched.look()
        same(watched, path)
    assert watched.run.format == "codex"
    watched.follower.stop()


def test_more_steps_than_a_window_holds_back(watched, log):
    """A call that is never answered holds 64 steps back in the reader; they are shown all the same."""
    log.user("Mend it.")
    log.calls("never")
    for number in range(80):
        log.step(number)
        if number % 10 == 9:
            watched.look()
            same(watched, log.path)


def test_a_large_session_is_written_in_batches_and_not_again(store, tmp_path):
    log = ClaudeLog(tmp_path / "large.jsonl")
    log.user("Mend it.")
    for number in range(1300):
        log.step(number)
    watched = Watched(store, log.path)
    watched.look()
    same(watched, log.path)
    assert len(watched.grown) > 2
    log.step(9999)
    watched.grown.clear()
    watched.look()
    same(watched, log.path)
    assert watched.grown == [(1301, 1302)]
    watched.follower.stop()


# -- sub-agents, clears, rewinds ----------------------------------------------------------------------------------


def test_a_subagents_file_grows_beside_the_session(watched, log):
    log.user("Mend it.")
    log.calls("task", name="Task", prompt="Look around.", subagent_type="scout")
    watched.look()
    agent = ClaudeLog(log.path.with_suffix("") / "subagents" / "agent-a1.jsonl", agent="a1")
    agent.user("Look around.")
    for number in range(3):
        agent.step(number)
        watched.look()
        same(watched, log.path)
        assert [step.depth for step in watched.steps].count(1) == 2 + number
    log.result("task", "found it")
    log.step(10)
    watched.look()
    same(watched, log.path)
    agent.step(50)  # it goes on in the background: its steps stand in the middle of what is stored
    watched.look()
    same(watched, log.path)
    assert watched.started == [watched.run.id], "it is still the same run"


def test_a_cleared_conversation_is_a_run_of_its_own(watched, log):
    log.user("First task.")
    log.says("Done.")
    watched.look()
    first = watched.run.id
    log.user("<command-name>/clear</command-name>")
    log.user("Second task.")
    log.says("Working.")
    watched.look()
    log.step(1)
    watched.look()
    assert watched.started == [first, watched.run.id]
    before = catalog.run_by_id(watched.store, first)
    assert before.complete
    assert watched.steps[0].parts[0].text == "Second task."


def test_a_rewind_marks_the_branch_that_was_left(watched, log):
    log.user("Mend it.")
    log.says("How?")
    fork = log.last
    log.user("With a hammer.")
    log.says("Bang.")
    watched.look()
    assert not any(step.branch for step in watched.steps)
    log.user("With glue.", parent=fork)
    log.says("Dab.")
    watched.look()
    watched.look()
    same(watched, log.path)
    assert [step.branch for step in watched.steps] == [None, None, "rewind 1", "rewind 1", None, None]
    assert watched.started == [watched.run.id]


# -- truncated, replaced, rotated, written anew -------------------------------------------------------------------


def grow(watched: Watched, log: ClaudeLog, steps: int = 3) -> str:
    log.user("Mend it.")
    for number in range(steps):
        log.step(number)
    watched.look()
    return watched.run.id


def test_a_file_written_anew_whole_by_renaming_is_the_same_run(watched, log):
    before = grow(watched, log)
    fresh = log.path.with_name("fresh")
    fresh.write_bytes(log.path.read_bytes())
    fresh.rename(log.path)
    log.step(7)
    watched.look()
    watched.look()
    same(watched, log.path)
    assert watched.run.id == before
    assert watched.started == [before]


def test_a_file_written_anew_in_place_is_the_same_run_all_along(watched, log):
    before = grow(watched, log, 6)
    data = log.path.read_bytes()
    count = watched.run.steps
    for size in (0, len(data) // 2, len(data)):
        log.path.write_bytes(data[:size])
        watched.look()
        assert watched.run.id == before
        assert watched.run.steps == count, "what was seen does not vanish while the file is being written"
    log.step(7)
    watched.look()
    same(watched, log.path)
    assert watched.run.id == before


def test_a_truncated_file_that_goes_on_otherwise_keeps_the_run_of_that_session(watched, log):
    before = grow(watched, log, 6)
    lines = log.path.read_bytes().splitlines(keepends=True)
    log.path.write_bytes(b"".join(lines[:5]))
    watched.look()
    log.calls("other", "something else")
    log.result("other")
    for _ in range(3):
        watched.look()
    same(watched, log.path)
    assert watched.run.id == before


def test_another_session_under_the_name_is_another_run(watched, log):
    before = grow(watched, log)
    old = watched.steps
    other = ClaudeLog(log.path.with_name("other.jsonl"), session="other")
    other.user("Paint it.")
    other.step(1)
    other.path.rename(log.path)
    for _ in range(3):
        watched.look()
    same_file = whole(log.path)
    assert watched.steps == same_file
    assert watched.run.id != before
    assert watched.replaced == [before]
    kept = catalog.run_by_id(watched.store, before)
    assert kept.complete
    assert [stored.step for stored in catalog.steps(watched.store, kept.no)] == old


def test_what_was_written_before_a_rotation_is_not_lost(watched, log):
    before = grow(watched, log)
    log.calls("late")
    log.result("late", "the last word")
    expected = whole(log.path)
    log.path.rename(log.path.with_suffix(".1"))
    other = ClaudeLog(log.path, session="other")
    other.user("Paint it.")
    for _ in range(3):
        watched.look()
    kept = catalog.run_by_id(watched.store, before)
    assert [stored.step.parts for stored in catalog.steps(watched.store, kept.no)] == [step.parts for step in expected]


def test_a_file_that_is_gone_may_come_back(watched, log):
    before = grow(watched, log)
    data = log.path.read_bytes()
    log.path.unlink()
    assert not watched.look()
    log.path.write_bytes(data)
    log.step(8)
    watched.look()
    watched.look()
    same(watched, log.path)
    assert watched.run.id == before


# -- documents ----------------------------------------------------------------------------------------------------


def atif(steps: int) -> bytes:
    items = [{"step_id": 1, "source": "user", "message": "Mend it."}]
    items += [{"step_id": n + 2, "source": "agent", "message": f"Step {n}."} for n in range(steps)]
    return json.dumps(
        {"schema_version": "ATIF-v1.5", "session_id": "s", "agent": {"name": "a", "version": "1"}, "steps": items}
    ).encode()


@pytest.mark.parametrize("atomic", [True, False])
def test_an_atif_document_is_written_anew_every_few_steps(store, tmp_path, atomic):
    path = tmp_path / "trajectory.json"
    path.write_bytes(atif(2))
    watched = Watched(store, path)
    watched.look()
    before = watched.run.id
    same(watched, path)
    for steps in (3, 5, 9):
        data = atif(steps)
        if atomic:
            (tmp_path / "tmp").write_bytes(data)
            (tmp_path / "tmp").rename(path)
        else:
            for size in (0, len(data) - 30, len(data)):  # as a plain write does
                path.write_bytes(data[:size])
                watched.look()
                assert watched.run.steps >= 3
        watched.look()
        same(watched, path)
    assert watched.run.id == before
    assert watched.started == [before]
    watched.follower.stop()
    assert import_file(store, path).runs[0].outcome == "known"


def test_a_large_document_is_not_read_all_the_time(store, tmp_path, monkeypatch):
    path = tmp_path / "trajectory.json"
    path.write_bytes(atif(2))
    follower = Follower(store, path)
    assert follower.look()
    path.write_bytes(atif(3))
    monkeypatch.setattr(follower.growing, "_next_reading", time.monotonic() + 60)
    assert not follower.look()
    monkeypatch.setattr(follower.growing, "_next_reading", 0.0)
    assert follower.look()
    follower.stop()


# -- what it is and is not ----------------------------------------------------------------------------------------


def test_an_empty_file_waits_and_nonsense_is_refused(store, tmp_path, monkeypatch):
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"")
    follower = Follower(store, path)
    assert not follower.look()
    path.write_bytes(b"\x00\x01 half a line of something")
    assert not follower.look(), "it may yet become something"
    monkeypatch.setattr(growing, "PATIENCE_S", 0.0)
    os.utime(path, ns=(0, 0))
    with pytest.raises(UserError, match="binary"):
        follower.look()


def test_hostile_lines_are_problems_and_the_rest_is_followed(watched, log):
    log.user("Mend it.")
    with open(log.path, "ab") as file:
        file.write(b"{\n\xff\xfe\n[]\n" + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"\nnull\n")
        file.write(b'{"type":"assistant","message":{"content":[{"type":"tool_use"}]}}\n')
    log.says("\x1b]0;owned\x07 \u202e \x9b31m")
    log.step(1)
    watched.look()
    same(watched, log.path)
    watched.follower.rest(lambda: True)
    assert watched.run.problems >= 4
    # The line that is none is no problem of the file's.
    assert all(problem.line != -1 for problem in catalog.problems(watched.store, watched.run))


def test_a_quiet_file_is_a_complete_run_until_it_goes_on(watched, log):
    before = grow(watched, log)
    watched.follower.rest(lambda: False)
    assert watched.run.complete
    assert watched.run.indexed == watched.run.archived == watched.run.steps
    assert watched.run.content_id == content_id(whole(log.path))
    log.calls("next")
    watched.look()
    assert watched.run.state == "importing"
    assert watched.run.content_id is None
    assert watched.run.indexed < watched.run.steps
    same(watched, log.path)
    log.result("next")
    log.says("Done.")
    watched.look()
    watched.follower.rest(lambda: False)
    same(watched, log.path)
    words = watched.store.query("SELECT count(*) FROM words")[0][0]
    assert words == watched.run.steps
    assert watched.run.id == before


def test_a_run_that_was_imported_before_goes_on_as_it_is(store, log):
    log.user("Mend it.")
    log.step(1)
    (imported,) = import_file(store, log.path).runs
    watched = Watched(store, log.path)
    watched.look()
    assert watched.run.id == imported.run
    assert watched.run.complete, "nothing has changed, so nothing was written"
    assert watched.grown == []
    assert watched.started == [imported.run]
    log.step(2)
    watched.look()
    same(watched, log.path)
    assert watched.run.id == imported.run
    watched.follower.stop()


def test_the_same_content_from_elsewhere_takes_the_run_over(store, log, tmp_path):
    log.user("Mend it.")
    log.step(1)
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(log.path.read_bytes())
    (imported,) = import_file(store, copy).runs
    watched = Watched(store, log.path)
    watched.look()
    assert watched.run.id != imported.run
    watched.follower.rest(lambda: True)
    assert watched.run.id == imported.run
    log.step(2)
    watched.look()
    same(watched, log.path)
    watched.follower.stop()
    assert [run.id for run in catalog.runs(store)] == [imported.run]


def test_a_run_that_is_deleted_meanwhile_is_read_again(watched, log):
    from sessions.writing import remove_rows

    grow(watched, log)
    no = watched.run.no
    with watched.store.write() as tx:
        remove_rows(tx, no)
        tx.execute("DELETE FROM meta WHERE name LIKE 'importing %'")
    log.step(8)
    watched.look()
    same(watched, log.path)


def test_two_followers_of_one_file_are_one_too_many(store, log, tmp_path):
    log.user("Mend it.")
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "sessions.following.process", "--db", str(store.path), "--", str(log.path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as other:  # fmt: skip
        assert other.stdout is not None
        assert json.loads(other.stdout.readline())["event"] == "started"
        follower = Follower(store, log.path)
        with pytest.raises(UserError, match="being read by another program"):
            follower.look()
        follower.stop()
        other.stdin.close()
        assert other.wait(10) == 0


# -- the process --------------------------------------------------------------------------------------------------


def start(db: Path, path: Path) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "sessions.following.process", "--db", str(db), "--", str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def until(condition, seconds: float = 15.0):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
    return found


def test_the_process_follows_until_its_parent_is_gone(db, log):
    log.user("Mend it.")
    process = start(db, log.path)
    started = json.loads(process.stdout.readline())
    assert started["event"] == "started"
    with Store.open(db) as store:
        for number in range(3):
            log.step(number)
            until(lambda n=number: catalog.run_by_id(store, started["run"]).steps == 2 + n)
        process.stdin.close()
        assert process.wait(10) == 0
        run = catalog.run_by_id(store, started["run"])
        assert run.complete
        assert [stored.step for stored in catalog.steps(store, run.no)] == whole(log.path)
    process.stdout.close()


def test_a_killed_process_leaves_a_run_that_the_next_one_goes_on_with(db, log):
    log.user("Mend it.")
    log.step(1)
    process = start(db, log.path)
    started = json.loads(process.stdout.readline())["run"]
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdin.close()
    process.stdout.close()
    log.step(2)
    with Store.open(db) as store:
        watched = Watched(store, log.path)
        watched.look()
        same(watched, log.path)
        assert watched.run.id == started
        watched.follower.stop()
        assert [run.state for run in catalog.runs(store)] == ["complete"]
        assert store.query("SELECT * FROM meta WHERE name LIKE 'importing %'") == []


# -- compressed files ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.ZstdCompressor().compress], ids=["gz", "zst"])
def test_a_compressed_session_is_read_anew_as_a_whole(store, tmp_path, pack):
    """Its lines have no places in the file, so it cannot be read on from one of them."""
    lines = list(codex_lines(6))
    path = tmp_path / "rollout.jsonl"
    watched = Watched(store, path)
    plain = tmp_path / "plain.jsonl"
    for count in (len(lines) // 2, len(lines)):
        plain.write_bytes(b"".join(lines[:count]))
        path.write_bytes(pack(plain.read_bytes()))
        os.utime(path, (1, count))  # long ago: nobody is just writing it
        assert watched.look()
        assert not watched.look()
        assert content_id(watched.steps) == content_id(whole(plain))
        assert not catalog.problems(store, watched.run)
    watched.follower.stop()


def test_a_session_that_is_compressed_while_it_is_followed_is_the_same_run(store, tmp_path):
    """Codex compresses sessions that rest: the file's name stays, its bytes are others."""
    path = tmp_path / "rollout.jsonl"
    path.write_bytes(b"".join(codex_lines(6)))
    watched = Watched(store, path)
    assert watched.look()
    run, steps = watched.run.id, content_id(watched.steps)
    other = tmp_path / "other"
    other.write_bytes(gzip.compress(path.read_bytes()))
    os.utime(other, (1, 1))
    other.rename(path)
    for _ in range(4):
        watched.look()
    assert (watched.run.id, content_id(watched.steps)) == (run, steps)
    watched.follower.stop()
