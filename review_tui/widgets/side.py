"""What stands beside the transcript: suggestions, labels and notes for the current chunk, as rows of a list."""

from __future__ import annotations

from collections.abc import Mapping

from labels.views import DecisionView, LabelView, SuggestionView
from review_tui.sanitize import clean, short
from review_tui.widgets.paint import VERDICT_GLYPH, VERDICT_WORD
from review_tui.widgets.rows import FixedRows, Pieces

Rows = list[tuple[str | None, Pieces]]
ANSWER_WORD = {"accept": "accepted", "reject": "rejected", "relabel": "relabelled"}


def side_rows(
    decision: DecisionView | None,
    labels: list[LabelView],
    suggestions: list[SuggestionView],
    *,
    width: int,
    title: str,
    current: str | None,
    answers: Mapping[str, str],
    whole: DecisionView | None = None,
) -> FixedRows:
    """Rows of the panel. labels: of the decision shown; suggestions: that touch it. current: key of the current item.
    answers: to suggestions, wherever in the run they were given. whole: what is said of the run, if it is not shown.

    Keys are `label:ID` and `suggestion:ID`.
    """
    rows: Rows = []
    rows += _suggestions(suggestions, answers, width, current)
    rows.append((None, [("", "text")]))
    rows += _labels(labels, decision, width, title, current)
    if decision is not None and decision.note:
        rows.append((None, [("", "text")]))
        rows.append((None, [("NOTE", "heading")]))
        rows += [(None, [(f" {line}", "text")]) for line in _wrapped(decision.note, width - 2)]
    if whole is not None:
        rows += [(None, [("", "text")]), (None, [("WHOLE RUN · W", "heading")]), *_verdict(whole)]
        if whole.labels:
            rows.append((None, [(f" {len(whole.labels)} labels", "faint")]))
    return FixedRows(rows)


def _suggestions(items: list[SuggestionView], answers: Mapping[str, str], width: int, current: str | None) -> Rows:
    rows: Rows = [(None, [("SUGGESTIONS", "heading")])]
    if not items:
        return [*rows, (None, [(" none: no detector has run on this", "faint")])]
    for item in items:
        key = f"suggestion:{item.id}"
        mark = "›" if key == current else " "
        score = f"{item.probability if item.probability is not None else item.score:.2f}"
        name = short(f"{item.code} {item.name}".strip(), width - 9)
        rows.append((key, [(f"{mark}◇ ", "suggestion"), (name, "strong"), None, (f"{score} ", "faint")]))
        steps = steps_text(item.first, item.last)
        said = ANSWER_WORD.get(answers.get(item.id, ""), "")
        look = "good" if said == "accepted" else "faint"
        rows.append((key, [(f"   {steps} · {short(item.detector, 20)}", "faint"), None, (f"{said} ", look)]))
        for line in _wrapped(item.rationale or item.evidence[0].quote, width - 4)[:2]:
            rows.append((key, [(f"   {line}", "text")]))
    return rows


def _labels(items: list[LabelView], decision: DecisionView | None, width: int, title: str, current: str | None) -> Rows:
    rows: Rows = [(None, [(f"LABELS · {title}", "heading")])]
    for item in items:
        key = f"label:{item.id}"
        mark = "›" if key == current else " "
        name = short(f"{item.code} {item.name}".strip(), width - 4)
        rows.append((key, [(f"{mark}◆ ", "label"), (name, "strong")]))
        rows.append((key, [(f"   {short(_details(item, items), width - 4)}", "faint")]))
        if item.evidence:
            quote = short(item.evidence[0].quote, width - 8)
            more = f" +{len(item.evidence) - 1}" if len(item.evidence) > 1 else ""
            rows.append((key, [(f"   “{quote}”{more}", "text")]))
        rows += [(key, [(f"   {line}", "text")]) for line in _wrapped(item.note, width - 4)]
    if decision is not None and decision.none:
        rows.append((None, [(f" ∅ none of {short(', '.join(decision.none), width - 12)}", "good")]))
    elif not items:
        rows.append((None, [(" none yet: l labels, 0 says none", "faint")]))
    return rows + (_verdict(decision) if decision is not None else [])


def _verdict(decision: DecisionView) -> Rows:
    if not decision.verdict:
        return []
    word = VERDICT_WORD[decision.verdict]
    if decision.to is not None:
        word += f" to before step {decision.to + 1}"
    return [(None, [(f" {VERDICT_GLYPH[decision.verdict]} {word}", f"verdict-{decision.verdict}")])]


def _details(label: LabelView, others: list[LabelView]) -> str:
    words = [steps_text(label.first, label.last)]
    if label.root_cause:
        words.append("root cause")
    if label.caused_by:
        cause = next((other for other in others if other.id == label.caused_by), None)
        words.append(f"follows {cause.code or cause.name}" if cause else "consequence")
    if not label.sure:
        words.append("maybe")
    return " · ".join(words)


def steps_text(first: int, last: int) -> str:
    """Steps for people, from indices."""
    return f"step {first + 1:,}" if first == last else f"steps {first + 1:,}–{last + 1:,}"


def _wrapped(text: str, width: int) -> list[str]:
    from textwrap import wrap

    return wrap(clean(" ".join(text.split())), max(10, width))
