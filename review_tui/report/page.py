"""The whole page: what is said first, the sections, and how the figures were made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.resources import files

from labels.insights.figures import FEW, Comparison, Insights, Profile, RunCounts, Sources
from labels.planning.systems import SystemPlan
from review_tui.report import course, failing
from review_tui.report.comparison import comparison
from review_tui.report.failing import seen
from review_tui.report.parts import section
from review_tui.report.words import around, percent, runs, safe, sentence
from review_tui.report.worth import worth
from review_tui.words import counted

#: By this the program knows its own reports again, and writes over no other file.
GENERATOR = "review-tui insights"
_SHARES = (
    "A mode that was not judged in a run is not absent there: shares are of the runs judged for the mode, and the "
    "share of failures is of all (mode, run) pairs. Intervals are of 95 %. Fewer than five runs are called too few."
)


def render(
    insights: Insights,
    systems: Sequence[SystemPlan] = (),
    compared: Comparison | None = None,
    *,
    title: str = "Failure profile",
    at: datetime | None = None,
) -> str:
    """The page as text. systems: what review buys for each. compared: two groups of runs. at: the
    moment it says it is of; now if None."""
    moment = (at or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M UTC")
    profiles = {f"p{place}": profile for place, profile in enumerate(insights.profiles) if profile.judged}
    parts = [_head(insights, title, moment, profiles, compared is not None), _says(insights), _tiles(insights)]
    if compared is not None:
        parts.append(section("compared", "Two groups side by side", comparison(compared)))
    parts += [_profile(key, profile, insights) for key, profile in profiles.items()]
    parts += [section("worth", "What a chunk of review buys", worth(systems)), _missing(insights), _made(insights)]
    style = files("review_tui.report").joinpath("style.css").read_text("utf-8")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="generator" content="{GENERATOR}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{safe(title)}</title><style>\n{style}</style></head>\n<body>\n{chr(10).join(filter(None, parts))}\n"
        f"<footer>Made by review-tui on {moment}. Nothing in this file is loaded from elsewhere.</footer>\n"
        "</body></html>\n"
    )


# -- the top --------------------------------------------------------------------------------------------------------


def _head(insights: Insights, title: str, moment: str, profiles: dict[str, Profile], compares: bool) -> str:
    if len(profiles) == 1:
        anchors = [(f"{key}-{part}", words) for key in profiles
                   for part, words in (("modes", "What fails"), ("lift", "Fatal or recoverable"),
                                       ("groups", "For whom"), ("onset", "Where it begins"))]  # fmt: skip
    else:
        anchors = [(key, safe(profile.title, 60)) for key, profile in profiles.items()]
    if compares:
        anchors.insert(0, ("compared", "Two groups side by side"))
    anchors += [("worth", "What review buys"), ("made", "How these figures were made")]
    links = "".join(f'<a href="#{anchor}">{words}</a>' for anchor, words in anchors)
    under = f'<p class="sub">{safe(insights.words)} \u00b7 {moment}</p>'
    return f"<header><h1>{safe(title)}</h1>{under}<nav>{links}</nav></header>"


def _main(insights: Insights) -> Profile | None:
    """The profile of which the top speaks: the first one with modes to tell apart."""
    return next((profile for profile in insights.profiles if len(profile.modes) > 1), insights.profile())


def _says(insights: Insights) -> str:
    """The page in a few sentences."""
    counts, profile = insights.runs, _main(insights)
    if not counts.judged or profile is None:
        return '<p class="says">Nothing has been judged yet: there is nothing to say about failures.</p>'
    known = profile.failed + profile.succeeded
    by = f" by {safe(profile.title, 60)}" if profile.judged < counts.judged else ""
    said = [f"Of {runs(known)}{by and f' judged{by} and'} with a known outcome {profile.failed:,} failed." if known else
            f"{runs(profile.judged).capitalize()} judged{by}; whether they failed is not known."]  # fmt: skip
    if profile.per_failed.value is not None and not profile.per_failed.too_few:
        said.append(f"A failed run shows {profile.per_failed.value:.1f} failure modes on average.")
    top = [row for row in seen(profile) if not row.runs.too_few][:3]
    if top:
        named = [f"<b>{safe(row.name, 60)}</b> ({percent(row.runs.value)} of runs)" for row in top]
        said.append(f"Most frequent: {', '.join(named)}.")
    fatal = [f"<b>{safe(row.name, 60)}</b>" for row in seen(profile) if row.lift.here == "fatal"]
    if fatal:
        said.append(f"Where it occurs, runs fail more often: {', '.join(fatal[:4])}.")
    if not profile.onset.first_step.too_few:
        step = (profile.onset.first_step.value or 0) + 1
        said.append(f"In half of the runs the first failure begins by step {step:,.0f}.")
    return f'<p class="says">{" ".join(said)}</p>'


def _tiles(insights: Insights) -> str:
    profile = _main(insights)
    found = [_tile(f"{insights.runs.judged:,}", "runs judged", f"of {insights.runs.scope:,} in scope")]
    if profile is not None:
        if profile.failure_rate.value is not None:
            found.append(_tile(percent(profile.failure_rate.value), "of runs failed", around(profile.failure_rate)))
        item, of = (profile.per_failed, "failed run") if profile.failed >= FEW else (profile.per_run, "judged run")
        if item.value is not None:
            found.append(_tile(f"{item.value:.1f}", f"modes per {of}", around(item, shares=False)))
    if insights.recall.value is not None:
        found.append(_tile(percent(insights.recall.value), "mean recall", around(insights.recall)))
    if profile is not None and (rows := seen(profile)) and not rows[0].runs.too_few:
        found.append(_tile(safe(rows[0].label, 48), "most frequent", around(rows[0].runs), words=True))
    return f'<div class="tiles">{"".join(found)}</div>'


def _tile(value: str, name: str, more: str, *, words: bool = False) -> str:
    look = ' class="words"' if words else ""
    return f'<div class="tile"><span>{name}</span><b{look}>{value}</b><span>{more}</span></div>'


# -- the sections ---------------------------------------------------------------------------------------------------


def _profile(key: str, profile: Profile, insights: Insights) -> str:
    contents = [
        ("modes", "What fails", failing.modes(profile)),
        ("lift", "Fatal or recoverable", failing.lift(profile)),
        ("groups", "For whom", failing.groups(profile)),
        ("onset", "Where failures begin", course.onset(profile)),
        ("lost", "What came after the first failure", course.lost(profile)),
        ("together", "What occurs together", course.together(profile)),
        ("cascades", "What follows from what", course.cascades(profile)),
        ("prevented", "What review prevented", course.prevented(profile, insights)),
    ]
    counts = (
        f"{runs(profile.judged).capitalize()} judged by it: {profile.failed:,} failed, "
        f"{profile.succeeded:,} succeeded, {profile.judged - profile.failed - profile.succeeded:,} of unknown outcome."
    )
    inside = "\n".join(section(f"{key}-{part}", title, content, 3) for part, title, content in contents if content)
    return section(key, safe(profile.title, 120), f'<p class="sub">{counts}</p>\n{inside}')


def _missing(insights: Insights) -> str:
    found = "".join(f"<li><b>{sentence(item.what)}</b> {sentence(item.how)}</li>" for item in insights.missing)
    return section("missing", "What cannot be said yet", f"<ul>{found}</ul>" if found else "")


def _made(insights: Insights) -> str:
    told = [
        ("Labels", _labels(insights.sources)),
        ("Left out", "; ".join(f"{safe(why)}: {count:,}" for why, count in insights.sources.left_out) or "nothing"),
        ("Outcomes", _outcomes(insights.runs)),
        ("Shares", _SHARES),
    ]
    rows = "".join(f"<dt>{name}</dt><dd>{words}</dd>" for name, words in told)
    notes = "".join(f"<li>{sentence(note)}</li>" for note in insights.notes)
    return section("made", "How these figures were made", f"<dl>{rows}</dl>{f'<ul>{notes}</ul>' if notes else ''}")


def _labels(sources: Sources) -> str:
    people = len(sources.reviewers)
    who = f"{people:,} {'person' if people == 1 else 'people'}"
    return (
        f"{counted(sources.labels, 'label')} in {counted(sources.votes, 'decision')} by {who}, "
        f"settled by the rule {safe(sources.rule)}. "
        f"{runs(sources.runs_one)} judged by one person, {sources.runs_more:,} by several, "
        f"{sources.runs_adjudicated:,} with an adjudicator's word, {sources.runs_outside:,} by annotators of imported "
        f"corpora only. Not settled, and counted as not judged: {sources.unsettled:,}. "
        f"Suggestions of detectors ({sources.suggestions:,}) are never counted as labels."
    )


def _outcomes(counts: RunCounts) -> str:
    return (
        f"{counts.failed:,} failed, {counts.succeeded:,} succeeded, {counts.unknown:,} unknown. "
        f"{counts.by_reference:,} are known from what came with the run, "
        f"{counts.by_verdict:,} from a verdict on the whole run."
    )
