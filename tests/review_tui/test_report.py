"""The report of insights: one file, whole, harmless, and with the figures that were computed."""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from insight_desk import BOOKS, LOOP, MISMATCH, RESET, WRONG, Desk

from labels.insights import Scope, build
from labels.insights.compare import compare
from labels.planning.systems import by_system
from review_tui.report import course, file, page
from sessions.errors import UserError
from sessions.store import Store

HOSTILE = '</text><script>alert(1)</script>" onload="x \x1b]0;owned\x07 \u202egnp'
WHEN = datetime(2026, 11, 30, 12, tzinfo=UTC)
#: Asks the browser by how many pixels the page is wider than its window.
_MEASURE = (
    "<script>document.body.dataset.wide = "
    "Math.max(0, document.documentElement.scrollWidth - window.innerWidth)</script>"
)
_VOID = {"meta", "link", "br", "hr", "img", "input"}


@pytest.fixture
def desk(tmp_path: Path):
    with Store.open(tmp_path / "r.db") as store:
        yield Desk(store, tmp_path)


class Outline(HTMLParser):
    """Checks that tags close in order; keeps tags, attributes and visible text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "title"} & set(self.open):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def outline(html: str) -> Outline:
    found = Outline()
    found.feed(html)
    found.close()
    assert found.open == []
    return found


def made(desk: Desk) -> str:
    insights = build(desk.store, BOOKS)
    systems = sorted({group.value for item in insights.profiles for group in item.groups if group.by == "system"})
    return page.render(insights, by_system(desk.store, systems, "ann"), at=WHEN)


def busy(desk: Desk, system: str = "crew") -> None:
    """Thirty runs of two systems: those that loop fail."""
    for number in range(30):
        fails = number % 3 == 0
        run = desk.run(steps=10, system=system if number % 2 else "other", reference={"reward": 0.0 if fails else 1.0})
        if fails:
            label = desk.label(run, MISMATCH, 2, id="root", root_cause=True)
            desk.say("ann", run, None, label, desk.label(run, LOOP, 4, caused_by="root"), desk.label(run, WRONG, 9))
        elif number % 4 == 0:
            desk.judged(run, RESET, at=6)
        else:
            desk.judged(run)
        desk.say("ann", run, 1, verdict="rollback" if fails else "approve", back=2 if fails else 0)


def test_the_page_is_whole_and_asks_for_nothing_from_elsewhere(desk: Desk):
    busy(desk)
    html = made(desk)
    found = outline(html)
    assert not any(tag in ("script", "iframe", "object", "link", "img", "base", "form") for tag, _ in found.tags)
    for _, attributes in found.tags:
        assert not any(name.startswith("on") or name in ("src", "srcset", "action") for name in attributes)
        assert (attributes.get("href") or "#").startswith("#")
    style = html.partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style
    assert "default-src 'none'" in html


def test_links_within_the_page_lead_somewhere(desk: Desk):
    busy(desk)
    found = outline(made(desk))
    places = {attributes.get("id") for _, attributes in found.tags}
    links = [attributes["href"] for tag, attributes in found.tags if tag == "a"]
    assert len(links) >= 5
    assert {str(link).removeprefix("#") for link in links} <= places


def test_every_drawing_is_sound_and_says_what_it_is(desk: Desk):
    busy(desk)
    drawings = re.findall(r"<svg.*?</svg>", made(desk), re.DOTALL)
    assert len(drawings) >= 6
    for drawing in drawings:
        root = ElementTree.fromstring(drawing)
        assert root.get("aria-label")
        wide = float(root.get("viewBox", "").split()[2])
        for box in root.iter("rect"):
            assert float(box.get("x", "")) >= 0
            assert float(box.get("x", "")) + float(box.get("width", "")) <= wide + 1


def test_the_figures_are_those_that_were_computed(desk: Desk):
    busy(desk)
    text = outline(made(desk)).text
    insights = build(desk.store, BOOKS)
    profile = insights.profile("mast")
    assert profile is not None
    assert profile.per_failed.value == 3.0
    assert "Of 30 runs with a known outcome 10 failed." in text
    assert "A failed run shows 3.0 failure modes on average." in text
    assert "1.3 Step repetition" in text
    assert "10 of 30" in text
    assert "In half of the runs the first failure begins by step" in text
    link = profile.cascades.links[0]
    assert (link.cause, link.effect, link.runs) == (MISMATCH, LOOP, 10)
    assert "In 10 runs reviewers said that one failure follows from another." in text


def test_fatal_and_recoverable_are_told_in_words(desk: Desk):
    busy(desk)
    row = next(row for row in build(desk.store, BOOKS).profiles[0].modes if row.slug == LOOP)
    assert row.lift.here == "fatal"
    assert "Where it occurs, runs fail more often" in outline(made(desk)).text


def test_what_review_buys_stands_on_the_reviews_of_each_system(desk: Desk):
    busy(desk)
    text = outline(made(desk)).text
    (crew, other) = by_system(desk.store, ["crew", "other"], "ann")
    assert 0.5 < crew.estimate.success < 1
    assert crew.plan.steps == 10
    assert f"{crew.estimate.success * 100:.1f} %" in text
    assert f"{other.estimate.chunks} chunks" in text
    assert by_system(desk.store, ["nobody"], "ann") == []


def test_text_of_strangers_stays_text(desk: Desk):
    busy(desk, system=HOSTILE)
    html = made(desk)
    outline(html)
    assert "<script" not in html
    assert 'onload="' not in html
    assert not any(letter in html for letter in "\x1b\x07\u202e")
    assert "&lt;script&gt;" in html


def test_nothing_judged_says_so_and_how_to_begin(desk: Desk):
    found = outline(made(desk))
    assert "Nothing has been judged yet" in found.text
    assert "What cannot be said yet" in found.text
    assert (
        "this is an example: at 95 % a step, 20 steps succeed in 36 % of the runs, and a chunk of 5 in 77 %"
        in found.text
    )


def test_few_runs_are_called_too_few_and_get_no_bar(desk: Desk):
    desk.judged(desk.run(), LOOP)
    html = made(desk)
    assert "too few runs (1 of 5)" in outline(html).text
    chart = re.search(r"<svg[^>]*Failure modes.*?</svg>", html, re.DOTALL)
    assert chart is not None
    assert 'class="bar"' not in chart.group()


# -- the file -------------------------------------------------------------------------------------------------------


def test_a_report_is_written_again_but_nothing_else_is_written_over(tmp_path: Path, desk: Desk):
    target = tmp_path / "report.html"
    file.write(target, made(desk))
    file.write(target, made(desk) + "<!-- again -->")
    assert target.read_text("utf-8").endswith("<!-- again -->")
    other = tmp_path / "mine.html"
    other.write_text("<html>mine</html>")
    with pytest.raises(UserError, match="is no report of insights"):
        file.write(other, "x")
    assert other.read_text() == "<html>mine</html>"


def test_where_it_cannot_be_written_one_line_says_so(tmp_path: Path):
    with pytest.raises(UserError, match="is a folder"):
        file.write(tmp_path, "x")
    with pytest.raises(UserError, match="cannot be written"):
        file.write(tmp_path / "no" / "such" / "folder.html", "x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs a browser")
def test_a_browser_lays_it_out_within_the_page(tmp_path: Path, desk: Desk):
    busy(desk, system="a" * 300)
    target = tmp_path / "report.html"
    file.write(target, made(desk).replace("</body>", _MEASURE + "</body>").replace("default-src 'none'; ", ""))
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    shown = subprocess.run(
        [*command, "--window-size=900,1000", "--dump-dom", target.as_uri()], capture_output=True, text=True, timeout=120
    )
    assert re.search(r'data-wide="(\d+)"', shown.stdout), shown.stderr[-300:]
    assert 'data-wide="0"' in shown.stdout


# -- two groups -----------------------------------------------------------------------------------------------------


def test_two_groups_are_in_the_report(desk: Desk):
    busy(desk)
    insights = build(desk.store, BOOKS)
    compared = compare(desk.store, BOOKS, Scope(), "system", "crew", "other")
    found = outline(page.render(insights, (), compared, at=WHEN))
    assert "By system: crew (15 runs) and other (15 runs), judged by the codebook mast." in found.text
    assert compared.sentence in found.text
    assert "compared" in {attributes.get("id") for _, attributes in found.tags}
    assert ("a", {"href": "#compared"}) in found.tags
    row = next(row for row in compared.rows if row.what == LOOP)
    assert f"{(row.difference.value or 0) * 100:+.0f} ({(row.difference.low or 0) * 100:+.0f} to " in found.text
    assert "Two groups" not in outline(page.render(insights, at=WHEN)).text


def test_names_of_groups_are_harmless_and_too_few_are_not_drawn(desk: Desk):
    for place in range(3):
        desk.judged(desk.run(system=HOSTILE if place else "plain"), LOOP)
    compared = compare(desk.store, BOOKS, Scope(), "system", HOSTILE, "plain")
    html = page.render(build(desk.store, BOOKS), (), compared, at=WHEN)
    found = outline(html)
    assert "<script>" not in html
    assert not set(html) & set("\x1b\x07\u202e")
    assert "Too few runs to tell" in found.text
    assert "Differences between the two groups" not in {attributes.get("aria-label") for _, attributes in found.tags}


def test_only_pairs_that_hold_up_are_coloured(desk: Desk):
    """Two of six runs with both is as strong as six of twelve, and says little."""
    for several, runs, coloured in ((2, 6, False), (6, 18, True)):
        for place in range(runs):
            desk.judged(desk.run(), *([LOOP, WRONG] if place < several else []))
        profile = desk.insights().profiles[0]
        (pair,) = profile.pairs
        assert (pair.phi or 0.0) > 0.7
        strength, _, _ = course._shade(pair, profile)
        assert (strength > 0) is coloured
