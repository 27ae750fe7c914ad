"""What stands beside the transcript of a case: what is to be settled, what was, and every vote."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from labels.gold.roots import APART
from review_tui.sanitize import short
from review_tui.widgets.fitting import fit, lines
from review_tui.widgets.paint import VERDICT_GLYPH, VERDICT_WORD
from review_tui.widgets.rows import FixedRows, Pieces
from review_tui.words import steps_text

if TYPE_CHECKING:
    from labels.disputes import Case, Dispute
    from labels.gold.said import Vote

Rows = list[tuple[str | None, Pieces]]
#: Of a note as many lines are shown: Enter on the vote shows all of it.
NOTE_LINES = 8
OUTCOME_GLYPH = {"present": "●", "absent": "○", "undecided": "?"}
REASON_WORD = {"ambiguous": "ambiguous", "guideline-gap": "guideline gap", "error": "error", "other": "other"}


@dataclass(slots=True)
class Draft:
    """What is said of a mode before it is settled. steps: (first, last), numbers from 1."""

    note: str = ""
    guideline: str = ""
    steps: tuple[int, int] | None = None

    @property
    def empty(self) -> bool:
        return not (self.note or self.guideline or self.steps)


@dataclass(slots=True)
class CaseView:
    """A case as it is shown. names: reviewer -> what they are called. mine: names of this reviewer. named: whether
    names are shown. extra: modes that are not open and were chosen: key -> name. counts: whether a label counts.
    guidelines: mode key -> notes of earlier adjudications. title: what a mode is called, by codebook and slug."""

    case: Case
    names: Mapping[str, str]
    mine: frozenset[str]
    named: bool
    drafts: Mapping[str, Draft] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)
    counts: Callable[[Mapping[str, Any], str], bool] = lambda _ref, _mode: True
    guidelines: Mapping[str, Sequence[str]] = field(default_factory=dict)
    title: Callable[[str, str], str] = lambda _codebook, slug: slug

    @property
    def votes(self) -> list[Vote]:
        """In the order of the letters or names."""
        names = self.names
        return sorted(
            self.case.votes, key=lambda vote: (len(names[vote.reviewer]), names[vote.reviewer], vote.reviewer)
        )

    def called(self, name: str) -> str:
        who = short(self.names.get(name, "somebody"), 30)
        return f"{who} (you)" if name in self.mine else who


def stand_text(item: Dispute) -> str:
    """How the votes stand, in a few cells: `1:2`, or that they put a root cause at different steps."""
    return "≠ step" if item.how == APART else f"{len(item.present)}:{len(item.absent)}"


def roots_of(votes: Iterable[Vote]) -> dict[str, int]:
    """Reviewer -> the step (number from 1) at which they put the root cause of the whole run."""
    found: dict[str, int] = {}
    for vote in votes:
        steps = [one["first"]["index"] for one in vote.decision["labels"] if one["root_cause"] and one["sure"]]
        if steps:
            found[vote.reviewer] = min(steps) + 1
    return found


def where_text(unit: Mapping[str, Any], numbers: tuple[int, ...], *, narrow: bool = False) -> str:
    """`chunk 3 · steps 11–15`; narrow: `chunk 3 · 11–15`."""
    if unit["scope"] == "run":
        return "whole run"
    steps = steps_text(unit["first"]["step_index"], unit["last"]["step_index"])
    number = "/".join(f"{number:,}" for number in numbers)
    return f"chunk {number} · {steps.partition(' ')[2] if narrow else steps}"


def mode_key(codebook: str, mode: str) -> str:
    return f"mode:{codebook}/{mode}"


def case_rows(view: CaseView, width: int, mode: str | None, current: str | None) -> FixedRows:
    """All rows. mode: key of the mode that would be settled now. current: key of the row under the cursor.

    Keys: `mode:CODEBOOK/SLUG`, `vote:NUMBER`, `label:NUMBER/NUMBER`, `note:NUMBER` (places in `view.votes`).
    """
    rows = _open(view, width, mode)
    rows += _settled(view, width, mode)
    rows += [(None, [("", "text")]), (None, [(f"VOTES · {len(view.case.votes)}", "heading")])]
    for number, vote in enumerate(view.votes):
        rows += _vote(view, number, vote, width, (mode, current))
    return FixedRows(rows)


# -- modes ----------------------------------------------------------------------------------------------------------


def _open(view: CaseView, width: int, mode: str | None) -> Rows:
    rows: Rows = [(None, [("TO SETTLE", "heading")])]
    for item in view.case.disputes:
        key = mode_key(item.codebook, item.mode)
        alpha = "α    –" if item.alpha is None else f"α {item.alpha:4.2f}"
        votes = f"{stand_text(item)}  {alpha}"
        rows.append((key, _title(f"{item.code} {item.name or item.mode}", width, key == mode, votes)))
        if key == mode:  # who says what of the others is a key away; the votes are not to be pushed off the screen
            rows += [(key, [(f"   {line}", "text")]) for line in lines(_sides(view, item), width - 4, 5)]
        rows += _draft(view, key, width, guidelines=key == mode)
    open_keys = {mode_key(item.codebook, item.mode) for item in view.case.disputes}
    for key, name in view.extra.items():
        if key not in open_keys:
            rows.append((key, _title(name, width, key == mode, "")))
            rows.append((key, [("   not open; chosen by you", "faint")]))
            rows += _draft(view, key, width, guidelines=key == mode)
    if len(rows) == 1:
        rows.append((None, [(" nothing is open here: l settles another mode", "good")]))
    return rows


def _title(name: str, width: int, current: bool, right: str) -> Pieces:
    mark = "›" if current else " "
    return [(f"{mark}? ", "warn"), (fit(name, width - len(right) - 6), "strong"), None, (f"{right} ", "faint")]


def _sides(view: CaseView, item: Dispute) -> str:
    if item.how == APART:
        roots = [(view.called(vote.reviewer), roots_of([vote])) for vote in view.votes]
        steps = [f"{who} at step {next(iter(found.values())):,}" for who, found in roots if found]
        return f"the root cause: {', '.join(steps)}"
    sides = (("present", item.present), ("absent", item.absent), ("unsure", item.unsure))
    said = [f"{word} {', '.join(sorted(map(view.called, who)))}" for word, who in sides if who]
    if item.how == "adjudications differ":
        said.append("two adjudicators, who did not know of each other, differ")
    return " · ".join(said)


def _draft(view: CaseView, key: str, width: int, *, guidelines: bool) -> Rows:
    """What will be written with a ruling; and, if asked for, what earlier ones have left as a guideline."""
    rows: Rows = []
    draft = view.drafts.get(key)
    if draft is not None and draft.steps:
        rows.append((key, [(f"   with it: {steps_text(draft.steps[0] - 1, draft.steps[1] - 1)}", "accent")]))
    if draft is not None and draft.note:
        rows += [(key, [(f"   note: {line}", "accent")]) for line in lines(draft.note, width - 10, 3)]
    if draft is not None and draft.guideline:
        rows += [(key, [(f"   guideline: {line}", "accent")]) for line in lines(draft.guideline, width - 15, 3)]
    for text in list(view.guidelines.get(key, ()))[-2:] if guidelines else ():
        rows += [(key, [(f"   § {line}" if not n else f"     {line}", "faint")])
                 for n, line in enumerate(lines(text, width - 6, 3))]  # fmt: skip
    return rows


def _settled(view: CaseView, width: int, mode: str | None) -> Rows:
    if not view.case.rulings:
        return []
    rows: Rows = [(None, [("", "text")]), (None, [("SETTLED", "heading")])]
    taken = {mode_key(item.codebook, item.mode) for item in view.case.disputes} | set(view.extra)
    for row in view.case.rulings:
        key = mode_key(row["codebook"]["id"], row["mode"])
        shown = key if key not in taken else None
        outcome = str(row["outcome"])
        name = fit(view.title(row["codebook"]["id"], row["mode"]), width - len(outcome) - 6)
        mark = "›" if shown is not None and shown == mode else " "
        rows.append((shown, [(f"{mark}{OUTCOME_GLYPH.get(outcome, '?')} ", "good"), (name, "strong"), None,
                             (f"{outcome} ", "good")]))  # fmt: skip
        who = "you" if row["annotator"] in view.mine else (row["annotator"] if view.named else "an adjudicator")
        words = [REASON_WORD.get(row["reason"], str(row["reason"])), f"by {who}"]
        words += [_spans(row["steps"])] if row["steps"] else []
        words += [] if row["blind"] else ["names known"]
        rows.append((shown, [(f"   {fit(' · '.join(words), width - 4)}", "faint")]))
        rows += [(shown, [(f"   {line}", "text")]) for line in lines(row["note"], width - 4, 3)]
        rows += [(shown, [(f"   § {line}", "text")]) for line in lines(row["guideline"], width - 6, 3)]
    return rows


def _spans(spans: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(steps_text(span["first"]["step_index"], span["last"]["step_index"]) for span in spans)


# -- votes ----------------------------------------------------------------------------------------------------------


def _vote(view: CaseView, number: int, vote: Vote, width: int, at: tuple[str | None, str | None]) -> Rows:
    """at: keys of the current mode and of the row under the cursor."""
    said, key, current = vote.decision, f"vote:{number}", at[1]
    word, look = verdict_words(said)
    mark = "›" if key == current else " "
    head: Pieces = [(f"{mark}{view.called(vote.reviewer)}  ", "accent"), (word, look)]
    rows: Rows = [(key, head)]
    if facts := vote_facts(vote):
        rows += [(key, [(f"   {line}", "faint")]) for line in lines(" · ".join(facts), width - 4, 2)]
    for place, label in enumerate(said["labels"]):
        rows += _label(view, f"label:{number}/{place}", label, width, at)
    key = f"note:{number}" if said["labels"] else key
    for book in said["none"]:
        rows.append((key, [(f"   ∅ none of {short(book['id'], width - 16)}", "good")]))
    if not said["labels"] and not said["none"]:
        rows.append((key, [("   judged no mode", "faint")]))
    rows += [(key, [(f"   {line}", "text")]) for line in lines(said["note"], width - 4, NOTE_LINES)]
    return rows


def verdict_words(said: Mapping[str, Any]) -> tuple[str, str]:
    """The verdict of a vote with its glyph, and its look."""
    verdict = said["verdict"]
    if verdict is None:
        return "no verdict", "faint"
    word = f"{VERDICT_GLYPH[verdict]} {VERDICT_WORD[verdict]}"
    return (f"{word} to before step {said['to']['index'] + 1:,}" if said["to"] else word), f"verdict-{verdict}"


def vote_facts(vote: Vote) -> list[str]:
    """Time, and what the voter knew."""
    said = vote.decision
    facts = [] if said["seconds"] is None else [seconds_text(said["seconds"])]
    facts += [vote.known_of_detectors] if vote.known_of_detectors else []
    facts += [] if said["blind_votes"] else ["others' votes seen"]
    for item in said["judged"]:
        facts.append(f"asked about {len(item['modes'])} modes of {short(item['codebook']['id'], 20)} only")
    return facts


def seconds_text(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _label(view: CaseView, key: str, label: Mapping[str, Any], width: int, at: tuple[str | None, str | None]) -> Rows:
    chosen, current = at
    mark = "›" if key == current else " "
    book, mode = label["codebook"], str(label["mode"])
    look = "strong" if chosen == mode_key(book["id"], mode) else "text"
    maybe = "" if label["sure"] else "unsure "
    name = fit(f"{label['code']} {label['name'] or mode}".strip(), width - 6 - len(maybe))
    rows: Rows = [(key, [(f" {mark}◆ ", "label"), (name, look), None, (maybe, "warn")])]
    words = [steps_text(label["first"]["index"], label["last"]["index"])]
    words += ["root cause"] if label["root_cause"] else []
    words += ["consequence"] if label["caused_by"] else []
    words += [f"of {short(label['agent'], 20)}"] if label.get("agent") else []
    words += [] if view.counts(book, mode) else ["worded otherwise then: does not count"]
    rows += [(key, [(f"    {line}", "faint")]) for line in lines(" · ".join(words), width - 5, 3)]
    for item in label["evidence"][: 3 if key == current else 1]:
        rows.append((key, [(f"    “{fit(item['quote'], width - 8)}”", "text")]))
    if len(label["evidence"]) > 1 and key != current:
        rows.append((key, [(f"    and {len(label['evidence']) - 1} more", "faint")]))
    return rows + [(key, [(f"    {line}", "text")]) for line in lines(label["note"], width - 5, NOTE_LINES)]


def vote_blocks(vote: Vote) -> list[tuple[str, str]]:
    """One vote with every word of it, for reading in a window: (text, look)."""
    said = vote.decision
    blocks = [(" · ".join([verdict_words(said)[0], *vote_facts(vote)]), "strong")]
    for label in said["labels"]:
        sure = "" if label["sure"] else " (unsure)"
        where = steps_text(label["first"]["index"], label["last"]["index"])
        name = f"{label['code']} {label['name'] or label['mode']}".strip()
        blocks += [("", "text"), (f"◆ {name}{sure}", "accent"), (where, "faint")]
        blocks += [(f"“{item['quote']}” (step {item['step']['index'] + 1:,})", "text") for item in label["evidence"]]
        blocks += [(label["note"], "text")] if label["note"] else []
    blocks += [(f"∅ none of {book['id']} {book['version']}", "good") for book in said["none"]]
    return blocks + ([("", "text"), ("Note", "accent"), (said["note"], "text")] if said["note"] else [])
