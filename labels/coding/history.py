"""What became of codes: every act that stands, in the order of the log, with the names that codes had at the time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from labels.coding.fold import Code
from labels.coding.notes import Board


@dataclass(frozen=True, slots=True)
class Told:
    """One act. event: its id. op: as in the log. code: the name it is about; other: the name it becomes part of, is
    called now, or that is split off; for a promotion, `mode@codebook version`. notes: how many."""

    event: str
    at: str
    by: str
    op: str
    code: str
    other: str = ""
    notes: int = 0

    @property
    def words(self) -> str:
        """The act as a line; names of codes are as people typed them: clean it before it is shown."""
        notes = f"{self.notes:,} {'note' if self.notes == 1 else 'notes'}"
        match self.op:
            case "assign":
                return f"{self.code!r} given to {notes}"
            case "unassign":
                return f"{self.code!r} taken from {notes}"
            case "rename":
                return f"{self.code!r} called {self.other!r}"
            case "merge":
                return f"{self.code} merged into {self.other!r}"
            case "split":
                return f"{self.other!r} split off {self.code!r} with {notes}"
            case _:
                return f"{self.code!r} promoted to {self.other}"


def history(board: Board, code: Code | None = None) -> list[Told]:
    """The acts on codes that this board shows; with `code`, those on it and on what was merged into it."""
    shown = {code.id} if code is not None else {item.id for item in board.codes}
    names: dict[str, str] = {}
    found = []
    for event, said in board.every.history:
        told = _told(event.id, event.at, event.reviewer, said, names)
        if any(board.every.into.get(key, key) in shown for key in _about(said)):
            found.append(told)
    return found


def _about(said: dict[str, Any]) -> Iterator[str]:
    """Ids of the codes that an act names."""
    yield from said.get("codes", ())
    yield from (said[key] for key in ("code", "into") if key in said)


def _told(event: str, at: str, by: str, said: dict[str, Any], names: dict[str, str]) -> Told:
    """The act in words; `names` is brought up to what codes are called after it."""
    op, notes = said["op"], len(said.get("notes", ()))
    code = names.get(said.get("code", ""), said.get("name", "?"))
    match op:
        case "assign":
            code = names.setdefault(said["code"], said["name"])
            return Told(event, at, by, op, code, notes=notes)
        case "rename":
            names[said["code"]] = said["name"]
            return Told(event, at, by, op, code, said["name"])
        case "merge":
            merged = ", ".join(repr(names.get(key, "?")) for key in said["codes"])
            return Told(event, at, by, op, merged, names.get(said["into"], "?"))
        case "split":
            names.setdefault(said["into"], said["name"])
            return Told(event, at, by, op, code, said["name"], notes)
        case "promote":
            book = said["codebook"]
            return Told(event, at, by, op, code, f"{said['mode']}@{book['id']} {book['version']}")
        case _:
            return Told(event, at, by, op, code, notes=notes)
