"""A decision in words. Takes JSON values, not models, so that lists need no pydantic."""

from __future__ import annotations

from typing import Any

from review_tui.cli.output import numbered, steps_text
from review_tui.sanitize import short

NOTE_WIDTH = 200


def target_text(target: dict[str, Any]) -> str:
    """`chunk 3 (steps 11-15)`, `the whole run`."""
    if target["scope"] == "run":
        return "the whole run"
    return f"chunk {target['number']} ({steps_text(target['first']['index'], target['last']['index'])})"


def label_text(label: dict[str, Any]) -> str:
    """`2.6 reasoning-action-mismatch steps 12-13, root cause, unsure`."""
    words = [f"{label['code']} {label['mode']} {steps_text(label['first']['index'], label['last']['index'])}".strip()]
    words += ["root cause"] if label["root_cause"] else []
    words += [f"caused by {label['caused_by'][:8]}"] if label["caused_by"] else []
    words += [] if label["sure"] else ["unsure"]
    words += [f'"{short(item["quote"], 60)}"' for item in label["evidence"]]
    return ", ".join(words)


def verdict_text(verdict: str | None, to: dict[str, Any] | None) -> str:
    if verdict is None:
        return "no verdict"
    return f"{verdict} to step {to['index'] + 1}" if to else verdict


def decision_lines(decision: dict[str, Any]) -> list[str]:
    """A current decision: the verdict, then each thing it says."""
    lines = [f"{target_text(decision['target'])}: {verdict_text(decision['verdict'], decision['to'])}"]
    lines += [f"  {label['id'][:8]}  {label_text(label)}" for label in decision["labels"]]
    lines += [f"  none of {book['id']} {book['version']}" for book in decision["none"]]
    lines += [f"  suggestion {name[:8]}: {answer['answer']}" for name, answer in decision["answers"].items()]
    lines += [f"  note: {short(decision['note'], NOTE_WIDTH)}"] if decision["note"] else []
    return lines


def decision_json(decision: dict[str, Any]) -> dict[str, Any]:
    """A decision for a program, with step numbers."""
    found: dict[str, Any] = numbered(decision)
    return found


def op_text(op: dict[str, Any]) -> str:
    """One operation of a recorded act; "" for those that say nothing by themselves."""
    match op["op"]:
        case "verdict":
            return verdict_text(op["verdict"], op["to"])
        case "label":
            return label_text(op["label"])
        case "unlabel":
            return f"label {op['id'][:8]} removed"
        case "none":
            return f"{'none' if op['value'] else 'no longer none'} of {op['codebook']['id']}"
        case "note":
            return f"note: {short(op['text'], NOTE_WIDTH)}"
        case "answer":
            return f"suggestion {op['suggestion'][:8]}: {op['answer'] or 'unanswered'}"
    return ""
