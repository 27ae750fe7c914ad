"""The pages tell the truth: links lead somewhere, commands run, the README's tour can be played, tables are current."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from labels.events import DECIDE, verify
from labels.ledger import Ledger
from review_tui.actions import SCREENS, key_name, keys_markdown
from review_tui.app import ReviewApp
from review_tui.cli.group import COMMANDS, cli
from review_tui.screens.inbox import InboxScreen
from sessions import catalog
from sessions.docpage import first_paragraph
from sessions.ingest import import_file
from sessions.readers import BUILT_IN
from sessions.readers.__main__ import renewed, table
from sessions.store import Store

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = [README, ROOT / "CHANGELOG.md", *sorted(DOCS.glob("*.md"))]
SAMPLES = ROOT / "sample_traces"
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_KBD = re.compile(r"<kbd>(.+?)</kbd>")
#: What the tour says to do: a key, or a text to type.
_DOING = re.compile(r"<kbd>(?P<key>.+?)</kbd>|type `(?P<text>[^`]+)`")


@pytest.fixture(autouse=True)
def own_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that looks like a checkout, with a database of its own."""
    for name in ("sample_traces", "labels"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REVIEW_TUI_DB", str(tmp_path / "review.db"))
    monkeypatch.setenv("REVIEW_TUI_REVIEWER", "ann")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("REVIEW_TUI_CODEBOOKS", raising=False)


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a page in one language."""
    return [text for kind, text in _BLOCK.findall(page.read_text("utf-8")) if kind == language]


def commands(page: Path) -> list[list[str]]:
    """The `$ review-tui COMMAND ...` lines of a page's console blocks; those that open a screen are left out."""
    lines = [line for text in blocks(page, "console") for line in text.replace("\\\n", " ").splitlines()]
    calls = [shlex.split(line)[2:] for line in lines if line.startswith("$ review-tui ")]
    return [call for call in calls if call[0] in COMMANDS]


def anchors(page: Path) -> set[str]:
    """What GitHub calls the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", _BLOCK.sub("", page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


# -- links and words ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_relative_links_lead_somewhere(name: str) -> None:
    page = ROOT / name
    broken = []
    for link in _LINK.findall(_BLOCK.sub("", page.read_text("utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert not broken


def test_readme_leads_to_every_page() -> None:
    links = {(ROOT / link.partition("#")[0]).resolve() for link in _LINK.findall(README.read_text("utf-8"))}
    assert {page.resolve() for page in DOCS.glob("*.md")} <= links


@pytest.mark.parametrize("name", NAMES)
def test_commands_that_are_named_exist(name: str) -> None:
    """In running text too."""
    text = (ROOT / name).read_text("utf-8")
    for command in re.findall(r"`review-tui ([a-z][a-z-]*)\b", text):
        assert command in COMMANDS, command


# -- commands -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in NAMES if commands(ROOT / name)])
def test_commands_of_the_page_run(name: str) -> None:
    for call in commands(ROOT / name):
        result: Any = CliRunner().invoke(cli, call, prog_name="review-tui")
        assert result.exit_code == 0, (call, result.output)
        if "--json" in call:
            assert json.loads(result.stdout)["schema"].startswith("review-tui/"), call


def test_readme_shows_commands() -> None:
    assert {"import", "show", "decide", "undo", "history"} <= {call[0] for call in commands(README)}


def test_make_targets_of_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for page in PAGES:
        for target in re.findall(r"(?:^    |`)make ([a-z]+)", page.read_text("utf-8"), re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), (page.name, target)


def test_json_schemas_of_the_record_are_those_of_the_program() -> None:
    """Every document's name is in docs/decision-record.md, and no other."""
    sources = [path.read_text("utf-8") for path in (ROOT / "review_tui" / "cli").rglob("*.py")]
    emitted = {name for text in sources for name in re.findall(r'emit(?:_streamed)?\(\s*"([a-z-]+)"', text)}
    section = (DOCS / "decision-record.md").read_text("utf-8").partition("## JSON documents")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`([a-z-]+)`", row)} == emitted | {"undo", "redo"}


# -- keys -----------------------------------------------------------------------------------------------------------


def test_keys_of_the_readme_exist() -> None:
    known = {key_name(key) for actions in SCREENS.values() for action in actions for key in action.keys}
    for page in PAGES:
        assert set(_KBD.findall(page.read_text("utf-8"))) <= known, page.name


def test_keys_page_is_current() -> None:
    assert (DOCS / "keys.md").read_text("utf-8") == keys_markdown(), "make docs"


def tour() -> list[str]:
    """What to press in the README's tour: Textual's names for keys, and single letters of what is typed."""
    names = {key_name(key): key for actions in SCREENS.values() for action in actions for key in action.keys}
    section = README.read_text("utf-8").partition("## Two minutes")[2]
    steps = re.findall(r"^\d\. .+(?:\n   .+)*", section, re.MULTILINE)
    assert len(steps) == 8
    pressed: list[str] = []
    for found in _DOING.finditer("\n".join(steps)):
        key, text = found["key"], found["text"]
        pressed += [names[key]] if key else ["space" if letter == " " else letter for letter in text]
    return pressed


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 60)])
async def test_tour_can_be_played(tmp_path: Path, size: tuple[int, int]) -> None:
    """Key by key as the README has it, and what stands in the log afterwards is what it promises."""
    with Store.open(tmp_path / "tour.db") as store:
        for path in sorted(SAMPLES.glob("*.json*")):
            if path.name != "reference_labels.json":
                import_file(store, path)
        app = ReviewApp(store, "ann", detect=False)
        async with app.run_test(size=size) as pilot:
            await pilot.pause(0.3)
            keys = tour()
            assert keys[-2:] == ["q", "q"]
            for key in keys[:-1]:
                await pilot.press(key)
                await pilot.pause(0.03)
                await app.workers.wait_for_complete()
            assert isinstance(app.screen, InboxScreen)
            await pilot.press("q")
        run = catalog.find_run(store, str(SAMPLES / "checkout-outage.json"))
        first, second = Ledger(store, "ann").decisions(run)
        assert (first.target.number, first.verdict) == (1, "approve")
        assert (second.target.number, second.verdict) == (2, "rollback")
        assert second.to is not None
        assert second.to.index == 7
        mismatch, verification = second.labels
        assert (mismatch.code, mismatch.first.index, mismatch.root_cause) == ("2.6", 7, True)
        assert mismatch.evidence[0].quote.startswith("Two candidates. I'll read the currency service's log")
        assert (verification.code, verification.first.index) == ("3.3", 8)
        assert verification.caused_by == mismatch.id
        kinds = [event.kind for event in Ledger(store, "ann").history(run)]
        assert kinds == [DECIDE] * 7 + ["undo", "redo"]
        assert verify(store) == []


# -- formats --------------------------------------------------------------------------------------------------------


def test_formats_page_is_current() -> None:
    page = (DOCS / "formats.md").read_text("utf-8")
    assert page == renewed(page), "python -m sessions.readers docs/formats.md"
    assert table() in page


def test_every_format_is_described() -> None:
    page = (DOCS / "formats.md").read_text("utf-8")
    for name in BUILT_IN:
        assert len(re.findall(rf"^\| `{name}` \|", page, re.MULTILINE)) == 2, name
        assert f"`{name}`" in README.read_text("utf-8"), name


def test_first_paragraph_is_one_line() -> None:
    assert first_paragraph("One\n    two.\n\n    Three.") == "One two."


def test_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="marks"):
        renewed("# Formats\n")


# -- the record -----------------------------------------------------------------------------------------------------


def test_checking_program_of_the_record_works(tmp_path: Path) -> None:
    """The page's own program passes a sound log, and finds a changed and a missing event."""
    for call in commands(README):
        assert CliRunner().invoke(cli, call, prog_name="review-tui").exit_code == 0
    (program,) = blocks(DOCS / "decision-record.md", "python")
    db = tmp_path / "review.db"

    def check() -> int:
        return subprocess.run([sys.executable, "-c", program, db], capture_output=True, check=False).returncode

    assert check() == 0
    with Store.open(db) as store:
        with store.write() as tx:
            tx.execute("UPDATE event SET reviewer = 'bob' WHERE seq = 1")
        assert check() == 1
        with store.write() as tx:
            tx.execute("DELETE FROM event WHERE seq = 1")
        assert check() == 1


def test_example_of_the_record_is_an_act() -> None:
    from labels.model import Act

    (example,) = blocks(DOCS / "decision-record.md", "json")
    act = Act.model_validate(json.loads(example))
    assert act.target.number == 2
    assert set(json.loads(example)) == set(act.payload())
