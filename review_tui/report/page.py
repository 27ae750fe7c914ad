"""The whole page: what is said first, the sections, and how the figures were made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.resources import files

from labels.insights.figures import Insights, Profile, RunCounts, Sources
from labels.planning.systems import SystemPlan
from review_tui.report import sections
from review_tui.report.sections import seen
from review_tui.report.words import around, percent, runs, safe
from review_tui.report.worth import worth

#: By this the program knows its own reports again, and writes over no other file.
GENERATOR = "review-tui insights"
_SHARES = (
    "A mode that was not judged in a run is not absent there: shares are of the runs judged for the mode, and the "
    "share of failures is of all (mode, run) pairs. Intervals are of 95 %. Fewer than five runs are called too few."
)


def render(
    insights: Insights,
    systems: Sequence[SystemPlan] = (),
    *,
    title: str = "Failure profile",
    at: datetime | None = None,
) -> str:
    """The page as text. systems: what review buys for each. at: the moment it says it is of; now if None."""
    moment = (at or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M UTC")
    profiles = [profile for profile in insights.profiles if profile.judged]
    contents = [(f"p{place}", profile) for place, profile in enumerate(profiles)]
    parts = [_head(insights, title, moment, contents), _tiles(insights)]
    parts += [_profile(key, profile, insights) for key, profile in contents]
    parts += [_section("worth", "What a chunk of review buys", worth(systems)), _missing(insights), _made(insights)]
    style = files("review_tui.report").joinpath("style.css").read_text("utf-8")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="generator" content="{GENERATOR}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{safe(title)}</title><style>\n{style}</style></head>\n<body>\n{chr(10).join(filter(None, parts))}\n"
        f"<footer>Made by review-tui on {moment}. Nothing in this file is loaded from elsewhere.</footer>\n"
        "</body></html>\n"
    )


def _head(insights: Insights, title: str, moment: str, contents: list[tuple[str, Profile]]) -> str:
    links = "".join(
        f'<a href="#{key}-{anchor}">{words}{f" ({safe(profile.codebook)})" if len(contents) > 1 else ""}</a>'
        for key, profile in contents
        for anchor, words in (("modes", "What fails"), ("lift", "Fatal or recoverable"), ("groups", "For whom"),
                              ("onset", "Where it begins"))
    )  # fmt: skip
    links += '<a href="#worth">What review buys</a><a href="#made">How these figures were made</a>'
    under = f'<p class="sub">{safe(insights.words)} \u00b7 {moment}</p>'
    return f"<header><h1>{safe(title)}</h1>{under}<nav>{links}</nav></header>"


def _tiles(insights: Insights) -> str:
    profile = insights.profile()
    found = [_tile(f"{insights.runs.judged:,}", "runs judged", f"of {insights.runs.scope:,} in scope")]
    if insights.failed.value is not None:
        found.append(_tile(percent(insights.failed.value), "of runs failed", around(insights.failed)))
    if profile is not None and profile.per_failed.value is not None:
        words = around(profile.per_failed, shares=False)
        found.append(_tile(f"{profile.per_failed.value:.1f}", "modes per failed run", words))
    if insights.recall.value is not None:
        found.append(_tile(percent(insights.recall.value), "mean recall", around(insights.recall)))
    if profile is not None and (rows := seen(profile)) and not rows[0].runs.too_few:
        found.append(_tile(safe(rows[0].label, 48), "most frequent", around(rows[0].runs), words=True))
    return f'<div class="tiles">{"".join(found)}</div>'


def _tile(value: str, name: str, more: str, *, words: bool = False) -> str:
    look = ' class="words"' if words else ""
    return f'<div class="tile"><span>{name}</span><b{look}>{value}</b><span>{more}</span></div>'


def _profile(key: str, profile: Profile, insights: Insights) -> str:
    parts = [
        _section(f"{key}-modes", f"What fails: {safe(profile.title)}", sections.modes(profile)),
        _section(f"{key}-lift", "Fatal or recoverable", sections.lift(profile)),
        _section(f"{key}-groups", "For whom", sections.groups(profile)),
        _section(f"{key}-onset", "Where failures begin", sections.onset(profile)),
        _section(f"{key}-lost", "What came after the first failure", sections.lost(profile)),
        _section(f"{key}-together", "What occurs together", sections.together(profile)),
        _section(f"{key}-cascades", "What follows from what", sections.cascades(profile)),
        _section(f"{key}-prevented", "What review prevented", sections.prevented(profile, insights)),
    ]
    return "\n".join(filter(None, parts))


def _section(key: str, title: str, content: str) -> str:
    return f'<section id="{key}"><h2>{title}</h2>{content}</section>' if content else ""


def _missing(insights: Insights) -> str:
    found = "".join(sections.missing(insights))
    return _section("missing", "What cannot be said yet", f"<ul>{found}</ul>" if found else "")


def _made(insights: Insights) -> str:
    told = [
        ("Labels", _labels(insights.sources)),
        ("Left out", "; ".join(f"{safe(why)}: {count:,}" for why, count in insights.sources.left_out) or "nothing"),
        ("Outcomes", _outcomes(insights.runs)),
        ("Shares", _SHARES),
    ]
    rows = "".join(f"<dt>{name}</dt><dd>{words}</dd>" for name, words in told)
    notes = "".join(f"<li>{safe(note)}</li>" for note in insights.notes)
    return _section("made", "How these figures were made", f"<dl>{rows}</dl>{f'<ul>{notes}</ul>' if notes else ''}")


def _labels(sources: Sources) -> str:
    people = len(sources.reviewers)
    who = f"{people:,} {'person' if people == 1 else 'people'}"
    return (
        f"{sources.labels:,} labels in {sources.votes:,} decisions by {who}, settled by the rule {safe(sources.rule)}. "
        f"{runs(sources.runs_one)} judged by one person, {sources.runs_more:,} by several, "
        f"{sources.runs_adjudicated:,} with an adjudicator's word, {sources.runs_outside:,} by annotators of imported "
        f"corpora only. {sources.unsettled:,} disagreements are not settled and count as not judged. "
        f"Suggestions of detectors ({sources.suggestions:,}) are never counted as labels."
    )


def _outcomes(counts: RunCounts) -> str:
    return (
        f"{counts.failed:,} failed, {counts.succeeded:,} succeeded, {counts.unknown:,} unknown. "
        f"{counts.by_reference:,} are known from what came with the run, "
        f"{counts.by_verdict:,} from a verdict on the whole run."
    )
