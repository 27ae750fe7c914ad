"""The gate of the current chunk, as rows at the top of the side panel: what waits, why, and what can be taken back."""

from __future__ import annotations

from typing import Any

from review_tui.gates import GateView, age_text
from review_tui.sanitize import clean, short
from review_tui.widgets.paint import VERDICT_GLYPH, VERDICT_WORD
from review_tui.widgets.rows import Pieces

Rows = list[tuple[str | None, Pieces]]
#: From this risk on a gate is drawn as an alarm.
ALARM = 0.7
#: Rules whose reasons stand among the suggestions as well.
IN_SUGGESTIONS = ("detectors", "fatal-mode")
#: Lines of a proposed call, and checks, that are shown.
CALL_LINES, CHECKS = 6, 5


def gate_rows(view: GateView, width: int) -> Rows:
    """Rows of the section GATE."""
    gate = view.gate
    head = f"GATE · {short(gate.key, max(8, width - 24))}"
    rows: Rows = [(None, [(head, "heading"), None, (f"{_state(view)} ", _state_look(view))])]
    rows += _why(view, width)
    rows += _proposed(gate.proposed, width)
    rows += _who(view, width)
    rows += _files(view, width)
    rows += _decided(view, width)
    return rows


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


def _proposed(calls: list[Any], width: int) -> Rows:
    if not calls:
        return []
    rows: Rows = [(None, [(" wants to run", "strong")])]
    for call in calls:
        name, arguments = str(call.get("name") or "(no name)"), call.get("arguments")
        rows.append((None, [(f"  ▸ {short(name, width - 5)}", "accent")]))
        lines = clean_lines(arguments)
        rows += [(None, [(f"    {short(line, width - 6)}", "text")]) for line in lines[:CALL_LINES]]
        if len(lines) > CALL_LINES:
            rows.append((None, [(f"    … {len(lines) - CALL_LINES} more lines", "faint")]))
    return rows


def clean_lines(arguments: Any) -> list[str]:
    """A call's arguments as lines for people."""
    from sessions.run import arguments_text

    return [clean(line) for line in arguments_text(arguments).split("\n")] if arguments else []


def _who(view: GateView, width: int) -> Rows:
    state = {
        "running": ("running", "good"),
        "waiting": ("waiting", "good"),
        "silent": ("silent", "warn"),
        "dead": ("its process is gone", "error"),
    }[view.agent]
    rows: Rows = [(None, [(f" {short(view.live.agent, width - 24)} ", "text"), state])]
    if frozen := int(view.gate.snapshot_facts.get("process_count") or 0):
        rows.append((None, [(f" {_counted(frozen, 'process', 'processes')} held", "faint")]))
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
        text = f" ! {_counted(unread, 'record')} of its session file could not be read"
        rows.append((None, [(short(text, width - 2), "warn")]))
    if earlier := int(facts.get("earlier_steps") or 0):
        rows.append((None, [(short(f" {_counted(earlier, 'step')} from before it was started", width - 2), "faint")]))
    return rows


def _counted(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _files(view: GateView, width: int) -> Rows:
    """Whether the workspace can be taken back to this gate, and what cannot."""
    facts = view.gate.snapshot_facts
    if failed := facts.get("failed"):
        return [(None, [(f" no snapshot: {short(str(failed), width - 15)}", "error")])]
    able = "files and state" if "state" in view.live.can else "files only; the agent is stopped and briefed"
    if view.gate.snapshot is None:
        return [(None, [(" files cannot be taken back (no snapshot)", "warn")])] if view.live.workspace else []
    rows: Rows = [(None, [(f" snapshot {view.gate.snapshot[:8]} · {facts.get('files', 0):,} files", "good")])]
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
