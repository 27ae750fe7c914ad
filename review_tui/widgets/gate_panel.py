"""The gate of the current chunk, as rows at the top of the side panel: what is about to be done, why it waits, and what
can be taken back."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from review_tui.gates import GateView, age_text
from review_tui.sanitize import clean, short
from review_tui.transcript.folding import fold
from review_tui.widgets.paint import VERDICT_GLYPH, VERDICT_WORD
from review_tui.widgets.rows import FixedRows, Pieces
from review_tui.words import counted

Rows = list[tuple[str | None, Pieces]]
#: From this risk on a gate is drawn as an alarm.
ALARM = 0.7
#: Rules whose reasons stand among the suggestions as well.
IN_SUGGESTIONS = ("detectors", "fatal-mode")
#: How the keys of the gate's rows begin: each has its own, so that the cursor goes through them line by line.
KEY = "gate:"
#: Lines of a proposed call, and checks, that are shown; lines while the reviewer is in the panel to read them.
CALL_LINES, CHECKS, WHOLE_LINES = 4, 5, 400
#: Proposed calls that are shown, and characters of one that are laid out.
MOST_CALLS, MOST_CHARS = 40, 40_000


@dataclass(frozen=True)
class PanelRows(FixedRows):
    """Rows of the side panel; the first one tells the gate's age as it is when it is drawn."""

    gate: GateView | None = None

    def pieces(self, index: int, width: int) -> Pieces:
        return self.rows[index][1] if index or self.gate is None else _head(self.gate, width)


def gate_rows(view: GateView, width: int, *, whole: bool = False) -> Rows:
    """Rows of the section GATE. What is about to be done comes first, whatever else there is no room for.
    whole: every line of the proposed calls."""
    rows: Rows = [(None, _head(view, width))]
    rows += _proposed(view.gate.proposed, width, WHOLE_LINES if whole else CALL_LINES)
    rows += _why(view, width)
    rows += _who(view, width)
    rows += _files(view, width)
    rows += _decided(view, width)
    return [(f"{KEY}{number}", pieces) for number, (_, pieces) in enumerate(rows)]


def _head(view: GateView, width: int) -> Pieces:
    head = f"GATE · {short(view.gate.key, max(8, width - 24))}"
    return [(head, "heading"), None, (f"{_state(view)} ", _state_look(view))]


def _state(view: GateView) -> str:
    if view.waits:
        return f"waits {age_text(view.age_s)}"
    return {"decided": "decided", "consumed": "passed", "void": "void"}[view.gate.state]


def _state_look(view: GateView) -> str:
    return "warn" if view.waits else "faint"


def _why(view: GateView, width: int) -> Rows:
    rows: Rows = []
    if view.held is not None:
        why = f": {view.held.reason}" if view.held.reason else ""
        rows.append((None, [(f" ‖ held by {short(view.held.reviewer + why, width - 12)}", "error")]))
    if view.gate.stage:
        rows.append((None, [(f" stage {short(view.gate.stage, width - 8)}", "accent")]))
    for rule, action, reason in [check for check in view.checks if check[0] not in IN_SUGGESTIONS][:CHECKS]:
        alarming = action in ("hold", "stop", "reject")
        glyph, look = ("▲", "error") if alarming else ("·", "faint")
        for number, line in enumerate(_wrapped(reason, width - 4)[:3]):
            rows.append((None, [(f" {glyph if not number else ' '} ", look), (line, "text")]))
        rows.append((None, [(f"   {short(rule, width - 4)}", "faint")]))
    return rows


def _proposed(calls: list[Any], width: int, most: int) -> Rows:
    """most: lines of each call."""
    rows: Rows = []
    for call in calls[:MOST_CALLS]:
        name = str(call.get("name") or "(no name)")
        words = " and then " if rows else " wants to run "
        rows.append((None, [(words, "strong"), (f"▸ {short(name, width - len(words) - 3)}", "accent")]))
        lines, cut = call_lines(call.get("arguments"), width - 4)
        rows += [(None, [(f"   {line}", "text")]) for line in lines[:most]]
        if len(lines) > most:
            how = "Tab ↓ shows them" if most == CALL_LINES else "E shows them"
            rows.append((None, [(f"   … {counted(len(lines) - most, 'more line')}: {how}", "warn")]))
        elif cut:
            rows.append((None, [("   … and more: E shows all of it", "warn")]))
    if len(calls) > MOST_CALLS:
        rows.append((None, [(f" … {counted(len(calls) - MOST_CALLS, 'more call')}: E shows them", "warn")]))
    return rows


def call_lines(arguments: Any, width: int) -> tuple[list[str], bool]:
    """A call's arguments as clean lines of at most `width` cells, and whether there is more than was laid out."""
    from sessions.run import arguments_text

    text = arguments_text(arguments)
    found: list[str] = []
    for part in text[:MOST_CHARS].split("\n") if text else []:
        line = clean(part)
        found += [line[one:two] for one, two in pairwise([*fold(line, max(8, width)), len(line)])]
    return found, len(text) > MOST_CHARS


def _who(view: GateView, width: int) -> Rows:
    state = {
        "running": ("running", "good"),
        "waiting": ("waiting", "good"),
        "silent": ("silent", "warn"),
        "dead": ("its process is gone", "error"),
    }[view.agent]
    rows: Rows = [(None, [(f" {short(view.live.agent, width - 24)} ", "text"), state])]
    if frozen := int(view.gate.snapshot_facts.get("process_count") or 0):
        rows.append((None, [(f" {counted(frozen, 'process', 'processes')} held", "faint")]))
    rows += _unheld(view, width)
    if view.gate.needs > 1:
        missing = view.gate.needs - len(view.approvals)
        by = f": {', '.join(view.approvals)}" if view.approvals else ""
        text = f"needs {view.gate.needs} people, {max(0, missing)} to go{by}"
        rows.append((None, [(f" {short(text, width - 2)}", "warn")]))
    if view.holder is not None:
        rows.append((None, [(f" {short(view.holder.who, width - 16)} is at it", "faint")]))
    return rows


def _unheld(view: GateView, width: int) -> Rows:
    """What `review-tui run` could not hold, or not read: nothing that a reviewer should learn later."""
    facts = view.gate.snapshot_facts
    rows: Rows = []
    if moving := facts.get("not_held"):
        names = ", ".join(f"{process.get('name')} ({process.get('pid')})" for process in moving)
        rows.append((None, [(f" ▲ still runs: {short(names, width - 15)}", "error")]))
    if unread := int(facts.get("unread_records") or 0):
        text = f" ! {counted(unread, 'record')} of its session file could not be read"
        rows.append((None, [(short(text, width - 2), "warn")]))
    if earlier := int(facts.get("earlier_steps") or 0):
        rows.append((None, [(short(f" {counted(earlier, 'step')} from before it was started", width - 2), "faint")]))
    return rows


def _files(view: GateView, width: int) -> Rows:
    """Whether the workspace can be taken back to this gate, and what cannot."""
    facts = view.gate.snapshot_facts
    if failed := facts.get("failed"):
        return [(None, [(f" no snapshot: {short(str(failed), width - 15)}", "error")])]
    able = "files and state" if "state" in view.live.can else "files only; the agent is stopped and briefed"
    if view.gate.snapshot is None:
        return [(None, [(" files cannot be taken back (no snapshot)", "warn")])] if view.live.workspace else []
    files = counted(int(facts.get("files", 0)), "file")
    rows: Rows = [(None, [(f" snapshot {view.gate.snapshot[:8]} · {files}", "good")])]
    rows.append((None, [(f" goes back: {short(able, width - 13)}", "faint")]))
    if left_out := int(facts.get("not_covered", 0)):
        rows.append((None, [(f" ! {left_out:,} not in the snapshot: P lists them", "warn")]))
    return rows


def _decided(view: GateView, width: int) -> Rows:
    made = view.decision
    if made is None:
        return []
    by = f"the rule {made.rule}" if made.how == "policy" else made.who
    glyph, word = VERDICT_GLYPH[made.verdict], VERDICT_WORD[made.verdict]
    rows: Rows = [(None, [(f" {glyph} {word} by {short(by, width - 18)}", f"verdict-{made.verdict}")])]
    rows += [(None, [(f"   {line}", "text")]) for line in _wrapped(made.message, width - 4)[:4]]
    return rows


def _wrapped(text: str, width: int) -> list[str]:
    from textwrap import wrap

    return wrap(clean(" ".join(text.split())), max(10, width))
