"""Rows of the coding screen: notes, codes, and a note in full."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from labels.coding.fold import Code, NoteKey
from labels.coding.notes import Board, Note
from labels.model import WHOLE_RUN
from review_tui.sanitize import clean, short
from review_tui.transcript.folding import cells, crop
from review_tui.widgets.rows import FixedRows, Pieces
from review_tui.words import counted, steps_text

#: A code's column of counts.
COUNTS = 12
#: Characters of a note, and of a quote, that the details wrap.
LONGEST = 2000


class NoteRows:
    """Two rows a note: what it says, and where and whose it is. The keys are the notes' ids."""

    def __init__(self, board: Board, notes: Sequence[Note], marked: set[NoteKey]) -> None:
        """notes: those of the board that are shown. marked: kept by the screen, changed in place."""
        self.board, self.notes, self.marked = board, list(notes), marked
        self.ids: list[str] = [board.ids[note.key] for note in self.notes]
        self.place = {key: place for place, key in enumerate(self.ids)}

    def __len__(self) -> int:
        return 2 * len(self.notes)

    def key(self, index: int) -> str:
        return self.ids[index // 2]

    def note(self, key: str | None) -> Note | None:
        place = self.place.get(key or "")
        return None if place is None else self.notes[place]

    def pieces(self, index: int, width: int) -> Pieces:
        note = self.notes[index // 2]
        codes = self.board.of.get(note.key, [])
        if index % 2 == 0:
            mark = ("✓", "accent") if note.key in self.marked else ("●", "good") if codes else ("○", "warn")
            text = fit(note.text, max(8, width - 4))
            return [(" ", "text"), mark, (" ", "text"), (text, "text" if codes else "strong")]
        where = steps(note)
        names = fit(" · ".join(short(code.name, 40) for code in codes), width // 2)
        who = fit(note.key.reviewer, 12)
        title = fit(note.title, max(6, width - 10 - len(where) - cells(names) - cells(who)))
        right: list[tuple[str, str] | None] = [None, (f"{names} ", "label")] if names else []
        return [("   ", "text"), (f"{title} · {where} · {who}", "faint"), *right]


def fit(text: str, width: int) -> str:
    """Text of others on one line, in so many cells, with an ellipsis where it is cut."""
    line = short(text, 2 * width + 8)
    return line if cells(line) <= width else f"{crop(line, max(0, width - 1)).rstrip()}…"


def steps(note: Note) -> str:
    if note.key.chunk == WHOLE_RUN and not note.key.label:
        return "whole run"
    return steps_text(note.first, note.last)


def code_rows(codes: Sequence[Code], width: int) -> FixedRows:
    """A row a code: its name, notes and runs; a star if it has become a mode."""
    rows: list[tuple[str | None, Pieces]] = []
    for code in codes:
        runs = len({key.run for key in code.notes})
        star = " ★" if code.promoted else ""
        name = fit(code.name, max(6, width - COUNTS - len(star) - 2))
        counts = f"{len(code.notes):>5,} {runs:>5,} "
        look = "text" if code.notes else "faint"
        rows.append((code.id, [(f" {name}", look), (star, "good"), None, (counts, "faint")]))
    return FixedRows(rows)


def details(board: Board, note: Note, width: int, height: int) -> FixedRows:
    """A note in full, its codes, its label and its evidence, in so many rows."""
    rows: list[tuple[str | None, Pieces]] = []
    codes = board.of.get(note.key, [])
    names = " · ".join(short(code.name, 60) for code in codes) or "no code yet"
    rows.append((None, [(fit(names, max(8, width - 1)), "label" if codes else "warn")]))
    rows += [(None, [(line, "text")]) for line in _wrapped(note.text, width)]
    if note.mode:
        label = fit(note.mode_name or note.mode, max(8, width - 14))
        rows.append((None, [("on the label ", "faint"), (label, "accent")]))
    for quote in note.quotes:
        lines = _wrapped(quote, width - 2)
        rows += [(None, [("│ ", "faint"), (line, "suggestion")]) for line in lines[:3]]
    if len(rows) > height > 1:
        rows = [*rows[: height - 1], (None, [("… i shows all of it", "faint")])]
    return FixedRows(rows)


def _wrapped(text: str, width: int) -> list[str]:
    line = clean(" ".join(text[:LONGEST].split()))
    return wrap(line, max(10, width - 1)) or [""]


def code_in_full(board: Board, code: Code) -> list[tuple[str, str]]:
    """A code with what became of it, for reading in a window."""
    from labels.coding.history import history

    runs = len({key.run for key in code.notes})
    blocks = [
        (code.name, "strong"),
        (f"{counted(len(code.notes), 'note')} in {counted(runs, 'run')}, given by {', '.join(code.by)}", "faint"),
    ]
    if code.promoted:
        modes = ", ".join(f"{mode}@{book} {version}" for book, version, mode in code.promoted)
        blocks.append((f"became {modes}", "good"))
    blocks += [("", "text"), ("What became of it", "accent")]
    blocks += [(f"{told.at[:16].replace('T', ' ')}  {told.by}  {told.words}", "text") for told in history(board, code)]
    blocks += [("", "text"), ("Its notes", "accent")]
    blocks += [(f"• {' '.join(board.by_key[key].text.split())[:LONGEST]}", "text") for key in code.notes[:200]]
    return blocks


def in_full(board: Board, note: Note) -> list[tuple[str, str]]:
    """The same for reading in a window: (text, look) blocks."""
    where = f"{note.title} · {steps(note)} · {note.key.reviewer} · {note.at[:16].replace('T', ' ')}"
    blocks = [(note.text, "strong"), ("", "text"), (where, "faint")]
    codes = board.of.get(note.key, [])
    blocks += [("", "text"), ("Codes", "accent"), (" · ".join(code.name for code in codes) or "none yet", "text")]
    if note.mode:
        blocks += [
            ("", "text"),
            ("On the label", "accent"),
            (f"{note.mode_name} ({note.mode}@{note.codebook})", "text"),
        ]
    if note.quotes:
        blocks += [("", "text"), ("Evidence", "accent"), *((quote, "text") for quote in note.quotes)]
    return blocks
