"""Starting, errors, exit codes, and what may not be imported."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from review_tui.cli.group import COMMANDS

MAST = Path(__file__).resolve().parents[3] / "labels" / "codebooks" / "mast.toml"
HEAVY = ["textual", "pydantic", "rich", "sqlite_utils"]


def process(*args: str, **options):
    return subprocess.run([sys.executable, "-m", "review_tui", *args], capture_output=True, text=True, **options)


def modules_after(*args: str) -> set[str]:
    code = (
        "import sys, json\nfrom review_tui.cli import main\nsys.argv = ['review-tui', *json.loads(sys.argv[1])]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\nsys.stderr.write(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, json.dumps(args)], capture_output=True, text=True, check=True)
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize("args", [["--version"], ["--help"]])
def test_version_and_help_import_next_to_nothing(args: list[str]) -> None:
    loaded = modules_after(*args)
    assert not loaded.intersection([*HEAVY, "orjson", "pysqlite3", "sessions.store", "labels"])


def test_lists_and_prints_import_nothing_heavy(call, run: str) -> None:
    call("decide", run, "--chunk", 1, "--verdict", "approve", "--label", "2.6:2-3")
    for args in (
        ["runs"],
        ["runs", "--json"],
        ["show", run],
        ["show", run[:8], "--json"],
        ["history", run],
        ["db", "path"],
    ):
        assert not modules_after(*args).intersection(HEAVY), args


def test_version(call) -> None:
    assert process("--version").stdout.startswith("review-tui ")
    assert call("--version").out == process("--version").stdout


def test_help_names_every_command_and_each_explains_itself(call) -> None:
    text = call("--help").out
    for name in COMMANDS:
        assert f"  {name} " in text
        assert call(name, "--help").code == 0
    for group in ("db", "codebook"):
        from importlib import import_module

        for name in import_module(f"review_tui.cli.{group}").TABLE:
            assert call(group, name, "--help").code == 0


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["rns"], 2, "Did you mean `review-tui runs`?"),
        (["nope.json"], 1, "there is no file nope.json"),
        (["show"], 2, "Missing argument 'RUN'"),
        (["show", "--foo"], 2, "No such option"),
        (["--foo"], 2, "No such option"),
        (["db", "nope"], 2, "No such command 'nope'"),
        (["show", "zzzz"], 1, "there is no run 'zzzz'"),
        (["import", "--format", "nope", "x"], 1, "there is no format 'nope'"),
    ],
)
def test_errors_are_one_line(call, run: str, args: list[str], code: int, says: str) -> None:
    called = call(*args)
    assert called.code == code
    assert says in called.err
    assert called.err.count("\n") == 1
    assert called.err.startswith("review-tui: ")
    assert called.out == ""


def test_the_station_needs_a_terminal(call, run: str) -> None:
    called = call()
    assert called.code == 1
    assert "needs a terminal" in called.err


def test_the_station_opens_with_what_was_given(call, db: Path, monkeypatch, tmp_path: Path, chat) -> None:
    import types

    seen = []
    app = types.ModuleType("review_tui.app")
    app.run = lambda *args: seen.append(args)
    monkeypatch.setitem(sys.modules, "review_tui.app", app)
    monkeypatch.setattr("review_tui.app", app, raising=False)
    monkeypatch.setattr("review_tui.cli.open.has_terminal", lambda: True)
    path = chat(tmp_path / "a.json")
    assert call().code == 0
    other = tmp_path / "x.db"
    assert call("--reviewer", "bob", "--codebook", MAST, path, "--format", "openai-chat", "--db", other).code == 0
    assert [args[:5] for args in seen] == [(db, [], "ann", None, []), (other, [path], "bob", "openai-chat", [MAST])]
    assert seen[0][5] is None
    assert seen[1][5] is not None, "a file that is not in the database yet is being read already"


def test_an_unexpected_error_is_one_line_and_debug_shows_more(call, run: str, monkeypatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("\x1b[31mboom")

    monkeypatch.setattr("sessions.catalog.runs", broken)
    called = call("runs")
    assert (called.code, called.out) == (1, "")
    assert called.err.count("\n") == 1
    assert "REVIEW_TUI_DEBUG=1" in called.err
    assert "\x1b" not in called.err
    monkeypatch.setenv("REVIEW_TUI_DEBUG", "1")
    from click.testing import CliRunner

    from review_tui.cli.group import cli

    assert "Traceback" in CliRunner().invoke(cli, ["runs"]).stderr


def test_interrupt_is_quiet(call, run: str, monkeypatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sessions.catalog.runs", interrupted)
    called = call("runs")
    assert called.code == 130
    assert called.err.strip() == ""


def test_a_closed_pipe_is_quiet(call, tmp_path: Path, chat) -> None:
    run = call("import", chat(tmp_path / "long.json", turns=5000), "--json").json["runs"][0]["id"]
    for extra in ([], ["--json"]):
        reader, writer = os.pipe()
        process_ = subprocess.Popen(
            [sys.executable, "-m", "review_tui", "show", run, *extra], stdout=writer, stderr=subprocess.PIPE
        )
        os.close(writer)
        os.read(reader, 100)
        os.close(reader)
        assert process_.communicate(timeout=60)[1] == b""


def test_options_stand_before_or_after_the_command(call, db: Path, tmp_path: Path, chat) -> None:
    other = tmp_path / "other.db"
    assert call("--db", other, "import", chat(tmp_path / "a.json")).code == 0
    assert not db.exists()
    for args in (["--db", other, "runs", "--json"], ["runs", "--db", other, "--json"]):
        assert len(call(*args).json["runs"]) == 1
    assert call("db", "--db", other, "path").out.strip() == call("db", "path", "--db", other).out.strip() == str(other)


def test_text_goes_out_in_any_locale(hostile: str) -> None:
    plain = {**os.environ, "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    done = process("show", hostile, env=plain)
    assert done.returncode == 0, done.stderr
    assert "\\u241b" in done.stdout
    assert json.loads(process("show", hostile, "--json", env=plain).stdout)["schema"] == "review-tui/show/1"


# -- databases that cannot be used --------------------------------------------------------------------------------

READING = [["show", "abcd"], ["history", "abcd"], ["search", "x"], ["undo", "abcd"], ["db", "verify"]]


@pytest.mark.parametrize("args", READING)
def test_a_missing_database_is_not_made(call, db: Path, args: list[str]) -> None:
    called = call(*args)
    assert called.code == 1
    assert "there is no database" in called.err
    assert not db.exists()


def test_no_database_has_no_runs(call, db: Path) -> None:
    called = call("runs", "--json")
    assert (called.code, called.json) == (0, {"schema": "review-tui/runs/1", "runs": []})
    assert "review-tui import" in call("runs").err
    assert not db.exists()


@pytest.mark.parametrize("content", [b"this is no database at all, only some text " * 50, b"\x00\xff" * 4000])
@pytest.mark.parametrize("args", [["runs"], ["show", "abcd"], ["db", "verify"]])
def test_a_damaged_database(call, db: Path, args: list[str], content: bytes) -> None:
    db.parent.mkdir()
    db.write_bytes(content)
    called = call(*args)
    assert called.code == 1
    assert called.err.count("\n") == 1
    assert "damaged or not a review-tui database" in called.err


def test_a_database_of_a_later_version(call, run: str, db: Path) -> None:
    from sessions.store import Store

    with Store.open(db) as store:
        store.raw_connection().execute("PRAGMA user_version=99")
    called = call("runs")
    assert called.code == 1
    assert "newer review-tui" in called.err


def test_a_read_only_database(call, run: str, monkeypatch) -> None:
    monkeypatch.setattr("sessions.store._ensure_file", lambda path: True)
    assert call("show", run).code == 0
    called = call("decide", run, "--chunk", 1, "--verdict", "approve")
    assert called.code == 1
    assert "cannot be written to" in called.err
