"""The installed program in a real terminal: start to end, signals, sizes, colours, hostile runs."""

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pty_tool import COMMAND, Terminal, environment, terminal
from station import CHECKOUT, HOSTILE, SAMPLES, fill, suggest

from labels import events, views
from labels.views import DecisionView
from sessions import catalog
from sessions.store import Store

pytestmark = pytest.mark.pty


def decisions(db: Path) -> list[DecisionView]:
    with Store.open(db) as store:
        return [item for run in catalog.runs(store) for item in views.decisions(store, run, "ann")]


def quit_station(term: Terminal) -> None:
    """With Ctrl+Q, from wherever it is."""
    term.send(b"\x11")
    assert term.wait() == 0
    assert term.left_on() == []
    assert term.restored()


def test_a_whole_review(db):
    with terminal("--db", db, CHECKOUT) as term:
        term.until("You are the on-call agent")
        assert b"\x1b[?1049h" in term.raw
        term.send("J")
        term.send("l")
        term.until("Esc")
        term.send("26")
        term.until("◆ 2.6")
        term.send("a")
        term.until("Chunk 1 approved")
        term.send("s")
        term.until("the run should stop here")
        term.send("q")
        term.until("reviewer ann")
        term.until("2/5")
        term.send("q")
        assert term.wait() == 0
        assert term.restored(), term.left_on()
        assert "Traceback" not in term.raw.decode(errors="replace")
    first, second = decisions(db)
    assert (first.verdict, second.verdict) == ("approve", "stop")
    assert [label.mode for label in first.labels] == ["reasoning-action-mismatch"]
    assert [label.first for label in first.labels] == [1]
    assert oct(db.stat().st_mode & 0o777) == "0o600"
    with Store.open(db) as store:
        assert events.verify(store) == []


def test_typing_ahead(checkout_db):
    """Keys that come before the screen is there end in nothing worse than being lost."""
    with terminal("--db", checkout_db, CHECKOUT) as term:
        for _ in range(40):
            term.send("aj")
            time.sleep(0.02)
        term.until("You are the on-call agent" if "chunk" not in term.text else "decided")
        quit_station(term)
        assert b"Traceback" not in term.raw
        assert b"Error" not in term.raw


def test_typing_ahead_into_a_run(samples_db):
    with terminal("--db", samples_db) as term:
        term.until("8 runs")
        term.send("\raaa")
        term.until("decided")
        term.send("q")
        term.until("reviewer ann")
        quit_station(term)
        assert b"Traceback" not in term.raw


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_cleanly(checkout_db, number):
    with terminal("--db", checkout_db, CHECKOUT) as term:
        term.until("You are the on-call agent")
        term.send("a")
        term.until("Chunk 1 approved")
        term.kill(number)
        term.wait()
        assert term.restored(), term.left_on()
        assert b"Traceback" not in term.raw
    assert [item.verdict for item in decisions(checkout_db)] == ["approve"]


@pytest.mark.parametrize("key", [b"\x11", b"\x03"])
def test_quitting_from_a_window(checkout_db, key):
    with terminal("--db", checkout_db, CHECKOUT) as term:
        term.until("You are the on-call agent")
        term.send("?")
        term.until("DECIDE")
        term.send(key)
        assert term.wait() == 0
        assert term.restored(), term.left_on()


def test_a_terminal_that_goes_away(checkout_db):
    """Closing the window ends the program; what was decided is kept."""
    with terminal("--db", checkout_db, CHECKOUT) as term:
        term.until("You are the on-call agent")
        term.send("a")
        term.until("Chunk 1 approved")
        term.hang_up()
        term.wait()
    assert [item.verdict for item in decisions(checkout_db)] == ["approve"]


def test_a_kill_loses_no_acknowledged_decision(checkout_db):
    with terminal("--db", checkout_db, CHECKOUT) as term:
        term.until("You are the on-call agent")
        for chunk in (1, 2, 3):
            term.send("a")
            term.until(f"Chunk {chunk} approved")
        term.kill()
        assert term.wait() == -signal.SIGKILL
    assert [item.verdict for item in decisions(checkout_db)] == ["approve"] * 3
    with terminal("--db", checkout_db, CHECKOUT) as term:
        term.until("3/5 decided")
        term.send("u")
        term.until("Undone: steps 11–15")
        quit_station(term)
    assert len(decisions(checkout_db)) == 2
    with Store.open(checkout_db) as store:
        assert events.verify(store) == []


def test_a_kill_while_importing_is_made_good(db):
    with terminal("--db", db, SAMPLES) as term:
        term.until("review station")
        term.kill()
        term.wait()
    with terminal("--db", db, SAMPLES) as term:
        term.until("8 runs")
        quit_station(term)


def test_the_next_start_resumes_at_the_line(checkout_db):
    with terminal("--db", checkout_db, CHECKOUT) as term:
        term.until("You are the on-call agent")
        term.send("]]")
        term.until("chunk 3/5")
        quit_station(term)
    with terminal("--db", checkout_db, CHECKOUT) as term:
        term.until("1 system" if "1 system" in term.text else "decided")
        term.until("chunk 3/5", 3)
        quit_station(term)


def test_resizing_while_reading(checkout_db):
    with terminal("--db", checkout_db, CHECKOUT, size=(120, 36)) as term:
        term.until("SUGGESTIONS")
        for size in ((40, 10), (120, 36), (20, 5), (200, 50), (80, 24)):
            term.resize(*size)
            term.until(lambda wanted=size[0]: term.screen.columns == wanted)
            term.send("]")
            term.send("[")
        term.until("SUGGESTIONS")
        term.send("a")
        term.until("Chunk 1 approved")
        quit_station(term)


@pytest.mark.parametrize("size", [(40, 10), (20, 5), (10, 3)])
def test_starting_in_a_small_terminal(checkout_db, size):
    with terminal("--db", checkout_db, CHECKOUT, size=size) as term:
        term.until(lambda: "chunk" in term.text or (size[0] < 40 and b"\x1b[?1049h" in term.raw))
        term.until(lambda: any(line.strip() for line in term.lines))
        term.send("a")
        term.until(lambda: decisions(checkout_db))
        quit_station(term)


COLOURS = {
    "NO_COLOR": {"NO_COLOR": "1"},
    "dumb": {"TERM": "dumb", "COLORTERM": ""},
    "16 colours": {"TERM": "xterm-16color", "COLORTERM": ""},
    "linux": {"TERM": "linux", "COLORTERM": ""},
    "no TERM": {"TERM": ""},
    "C locale": {"LANG": "C", "LC_ALL": "C"},
}


@pytest.mark.parametrize("env", COLOURS.values(), ids=COLOURS)
def test_in_any_terminal(samples_db, env):
    with terminal("--db", samples_db, HOSTILE, env=env) as term:
        term.until("chunk 1/3")
        for keys, shown in (
            ("l", "PgDn"),
            ("Esc", ""),
            ("Z", "open"),
            ("G", "chunk 3/3"),
            ("?", "DECIDE"),
            ("Esc", ""),
            ("g", "chunk 1/3"),
            ("j", ""),
            ("v", "l label"),
            ("Esc", ""),
            ("a", "approved"),
        ):
            if keys == "Esc":
                term.escape()
            else:
                term.send(keys)
                term.until(shown)
        term.until(lambda: decisions(samples_db))
        quit_station(term)
        assert b"Traceback" not in term.raw
        if "NO_COLOR" in env:  # Textual then shows everything in greys
            colours = re.findall(rb"[34]8;2;(\d+);(\d+);(\d+)", term.raw)
            assert all(max(map(int, rgb)) - min(map(int, rgb)) <= 2 for rgb in colours)


def test_without_colour_everything_marked_has_a_glyph(checkout_db):
    with Store.open(checkout_db) as store:
        (run,) = catalog.runs(store)
    suggest(checkout_db, run, [("reasoning-action-mismatch", 2, 2, "orders")])
    with terminal("--db", checkout_db, CHECKOUT, env={"NO_COLOR": "1"}) as term:
        term.until("◇")
        term.send("y")
        term.until("◆")
        term.send("a")
        term.until("✓")
        quit_station(term)


# -- hostile runs -------------------------------------------------------------------------------------------------

#: Each with a letter behind it, so that Textual's own sequences are not taken for it.
PAYLOADS = [
    "\x1b]0;OWNED\x07",
    "\x1b]52;c;T1dORUQ=\x07",
    "\x1b[2JX",
    "\x1b[31mX",
    "\x9b31mX",
    "\x9d0;OWNED\x9c",
    "\x00",
    "\x7f",
    "\u202e",
    "\u2066",
    "\u200b",
    "\x1bPX",
    "\x08",
    "\x1b[?1049lX",
    "\x1bcX",
]
EVIL = "[bold red]M[/] [@click=app.bell]go[/] $text " + "".join(PAYLOADS) + " fin"
NEVER = [*(payload.encode() for payload in PAYLOADS), b"\x1b]", b"\x9b31m", b"OWNED\x07"]


def evil_file(folder: Path, name: str) -> Path:
    call = {"id": EVIL, "type": "function", "function": {"name": EVIL, "arguments": json.dumps({EVIL: EVIL})}}
    messages = [
        {"role": "system", "content": EVIL},
        {"role": "user", "content": EVIL, "name": EVIL},
        {"role": "assistant", "content": EVIL, "reasoning_content": EVIL, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": EVIL, "content": (EVIL + "\n") * 3},
        {"role": "assistant", "content": EVIL * 40, "model": EVIL},
    ]
    file = folder / name
    file.write_text(json.dumps({"messages": messages, "model": EVIL, EVIL: EVIL}))
    return file


def check_harmless(term: Terminal) -> None:
    for payload in NEVER:
        at = term.written.find(payload)
        assert at < 0, (payload, term.written[max(0, at - 60) : at + 60])


def leave(term: Terminal) -> None:
    """To the inbox: q first ends a selection and a search."""
    for _ in range(4):
        if "reviewer ann" not in term.text:
            term.send("q")
            term.settle()
    term.until("reviewer ann")


def look_everywhere(term: Terminal) -> None:
    """Through every view of a run."""
    for keys, wanted in (
        ("Z", "everything open"),
        ("G", ""),
        ("g", ""),
        ("i", "Raw record"),
        ("Esc", ""),
        ("I", "About"),
        ("Esc", ""),
        ("/", "raw records"),
        ("red\r", "n next"),
        ("n", ""),
        ("Esc", ""),
        ("l", "PgDn"),
        ("Esc", ""),
        ("JJJJ", ""),
        ("v", ""),
        ("Esc", ""),
        ("\t", ""),
        ("\t", ""),
    ):
        if keys == "Esc":
            term.escape()
        else:
            term.send(keys)
        if wanted:
            term.until(wanted)


def test_the_hostile_sample_is_harmless(db):
    with terminal("--db", db, HOSTILE, size=(120, 36)) as term:
        term.until("chunk 1/3")
        look_everywhere(term)
        for _ in range(12):
            term.send(" ")
        term.send("G")
        leave(term)
        quit_station(term)
        check_harmless(term)


def test_evil_in_every_field_is_harmless_and_shown_as_it_is(db, tmp_path):
    name = "ev[red]il\x1b]0;OWNED\x07\u202e.json"
    file = evil_file(tmp_path, name)
    (run,) = fill(db, file)
    suggest(db, run, [("reasoning-action-mismatch", 2, 2, "fin")], rationale=EVIL, detector=EVIL)
    from station import load_all

    from review_tui.desk import Desk

    with Store.open(db) as store:
        desk = Desk(store, run, "ann", "every:5")
        book = next(item for item in load_all([]) if item.id == "mast")
        label = desk.add_label(book, book.modes[0], 0, 0, [])
        desk.change_label(label, note=EVIL, name=EVIL)
        desk.note(EVIL)
    with terminal("--db", db, file, size=(140, 50)) as term:
        term.until("chunk 1/1")
        assert "[bold red]M[/]" in term.text
        look_everywhere(term)
        leave(term)
        assert "[bold red]M[/]" in term.text
        term.send(b"\x06")
        term.until("search all runs")
        term.send("bold red")
        term.until("Enter opens")
        term.escape()
        quit_station(term)
        check_harmless(term)


def test_evil_names_in_messages_are_harmless(db, tmp_path):
    """What cannot be read is told of with its name; a notification is no place for markup or escapes either."""
    broken = tmp_path / "no[red]t\x1b]0;OWNED\x07\u202e.json"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0")
    with terminal("--db", db, broken, CHECKOUT, size=(120, 36)) as term:
        term.until("no[red]t")
        term.until("Incident 4127")
        quit_station(term)
        check_harmless(term)


def test_an_evil_reviewers_name(checkout_db):
    with terminal("--db", checkout_db, "--reviewer", "[red]ann[/]", CHECKOUT) as term:
        term.until("chunk 1/5")
        term.send("a")
        term.until("Chunk 1 approved")
        term.send("q")
        term.until("[red]ann[/]")
        quit_station(term)


@pytest.mark.parametrize("name", ["a\x1b]0;OWNED\x07b", " ", "x" * 81])
def test_an_impossible_reviewers_name_is_told_of(checkout_db, name):
    """At the latest when something is decided, and nothing else is lost."""
    with terminal("--db", checkout_db, "--reviewer", name, CHECKOUT) as term:
        term.until(lambda: "chunk 1/5" in term.text or "cannot be a reviewer" in term.text)
        if "chunk 1/5" in term.text:
            term.send("a")
            term.until("cannot be a reviewer" if len(name) < 80 else name[:60])
            quit_station(term)
            assert decisions(checkout_db) == []
        check_harmless(term)


# -- without a terminal -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("args", [[], [str(CHECKOUT)]])
def test_without_a_terminal_it_says_so(db, args):
    done = subprocess.run(
        [*COMMAND, "--db", str(db), *args], stdin=subprocess.DEVNULL, capture_output=True, env=environment(), timeout=30
    )
    assert done.returncode == 1
    assert done.stdout == b""
    assert done.stderr.count(b"\n") == 1
    assert b"needs a terminal" in done.stderr
    assert b"\x1b" not in done.stderr


def test_the_installed_program_is_the_module():
    program = Path(sys.executable).parent / "review-tui"
    if not program.exists():
        pytest.skip("not installed here")
    done = subprocess.run([program, "--version"], capture_output=True, env=environment(), timeout=30)
    assert done.returncode == 0
    assert done.stdout.startswith(b"review-tui ")
