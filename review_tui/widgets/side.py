"""What stands beside the transcript: suggestions, labels and notes for the current chunk, as rows of a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from labels.views import DecisionView, LabelView, LookView, SuggestionView
from review_tui.gates import GateView
from review_tui.sanitize import clean, short
from review_tui.widgets.gate_panel import PanelRows, gate_rows
from review_tui.widgets.paint import VERDICT_GLYPH, VERDICT_WORD
from review_tui.widgets.rows import FixedRows, Pieces
from review_tui.words import counted, steps_text

#: The codebook of what must not pass unseen.
SAFETY = "safety"
Rows = list[tuple[str | None, Pieces]]
ANSWER_WORD = {"accept": "accepted", "reject": "rejected", "relabel": "relabelled"}


@dataclass(frozen=True)
class Silence:
    """Why there may be no suggestions to be seen: which detectors looked, whether they are still at it, whether the
    chunk is to be decided before anything is shown, and whether it is a gate's checks that look (live runs)."""

    looks: Sequence[LookView] = ()
    looking: bool = False
    blind: bool = False
    at_gate: bool = False

    def words(self) -> list[tuple[str, str]]:
        """What to say in the place of suggestions, line by line: (text, look)."""
        if self.blind:
            return [("hidden until you give a verdict:", "warn"), ("this chunk is decided blind", "faint")]
        if self.at_gate:
            return [("none by the checks at this gate", "faint")]
        off = [look for look in self.looks if look.state == "off"]
        done = len(self.looks) - len(off)
        if self.looking:
            return [("detectors are looking …", "faint")]
        if not self.looks:
            return [("no detector has looked at this run", "faint")]
        return [(f"none: {done} {'detector' if done == 1 else 'detectors'} found nothing here", "faint")]

    def faults(self) -> list[str]:
        """Detectors that were switched off for this run, one line each."""
        return [f"{look.detector} was switched off: {look.reason}" for look in self.looks if look.state == "off"]


def side_rows(
    decision: DecisionView | None,
    labels: list[LabelView],
    suggestions: list[SuggestionView],
    *,
    width: int,
    title: str,
    current: str | None,
    answers: Mapping[str, str],
    silence: Silence,
    gate: GateView | None = None,
    whole: DecisionView | None = None,
    in_panel: bool = False,
) -> FixedRows:
    """Rows of the panel. labels: of the decision shown; suggestions: that touch it. current: key of the current item.
    answers: to suggestions, wherever in the run they were given. silence: what to say where there are no suggestions.
    gate: that shows the chunk. whole: what is said of the run, if it is not shown. in_panel: the reviewer is in the
    panel, where there is room for all of what a gate's agent wants to run.

    Keys are `label:ID`, `suggestion:ID`, and `gate:N` for each line of the gate.
    """
    rows: Rows = []
    if gate is not None:
        rows += [*gate_rows(gate, width, whole=in_panel), (None, [("", "text")])]
    rows += _suggestions(suggestions, answers, width, current, silence)
    rows.append((None, [("", "text")]))
    rows += _labels(labels, decision, width, title, current)
    if decision is not None and decision.note:
        rows.append((None, [("", "text")]))
        rows.append((None, [("NOTE", "heading")]))
        rows += [(None, [(f" {line}", "text")]) for line in _wrapped(decision.note, width - 2)]
    if whole is not None:
        rows += [(None, [("", "text")]), (None, [("WHOLE RUN · W", "heading")]), *_verdict(whole)]
        if whole.labels:
            rows.append((None, [(f" {counted(len(whole.labels), 'label')}", "faint")]))
    return PanelRows(rows, gate)


def _suggestions(
    items: list[SuggestionView], answers: Mapping[str, str], width: int, current: str | None, silence: Silence
) -> Rows:
    rows: Rows = [(None, [("SUGGESTIONS", "heading")])]
    if not items:
        rows += [(None, [(f" {short(text, width - 2)}", look)]) for text, look in silence.words()]
    for item in items:
        key = f"suggestion:{item.id}"
        mark = "›" if key == current else " "
        glyph, look = suggestion_look(item)
        name = short(f"{item.code} {item.name}".strip(), width - 9)
        sure = f"p {item.probability:.2f} " if item.probability is not None else f"{item.score:.2f} "
        rows.append((key, [(f"{mark}{glyph} ", look), (name, "strong"), None, (sure, "faint")]))
        steps = steps_text(item.first, item.last)
        said = ANSWER_WORD.get(answers.get(item.id, ""), "")
        look = "good" if said == "accepted" else "faint"
        rows.append((key, [(f"   {steps} · {short(item.detector, 20)}", "faint"), None, (f"{said} ", look)]))
        quote = short(item.evidence[0].quote, width - 8)
        more = f" +{len(item.evidence) - 1}" if len(item.evidence) > 1 else ""
        rows.append((key, [(f"   “{quote}”{more}", "text")]))
        lines = _wrapped(item.rationale, width - 4)
        rows += [(key, [(f"   {line}", "faint")]) for line in (lines if key == current else lines[:2])]
    rows += [(None, [(f" {short(text, width - 2)}", "warn")]) for text in silence.faults()]
    return rows


def suggestion_look(item: SuggestionView) -> tuple[str, str]:
    """Glyph and look of a suggestion: what cannot be taken back stands out from the rest."""
    return ("▲", "error") if item.codebook == SAFETY else ("◇", "suggestion")


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


def _wrapped(text: str, width: int) -> list[str]:
    from textwrap import wrap

    return wrap(clean(" ".join(text.split())), max(10, width))
