"""What the commands of `codes` share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from review_tui.cli import output
from review_tui.cli.settings import settings

if TYPE_CHECKING:
    from labels.coding.coder import Coder
    from labels.coding.fold import Code
    from labels.coding.notes import Board, Note
    from sessions.store import Store


def opened(ctx: click.Context) -> tuple[Store, Board, Coder]:
    """The database, what this reviewer may see of notes and codes, and the reviewer as one who codes."""
    from labels.coding.coder import Coder
    from labels.coding.notes import board

    store = settings(ctx).store(ctx)
    name = settings(ctx).reviewer_name()
    return store, board(store, name), Coder(store, name, "review-tui codes")


def note_json(board: Board, note: Note) -> dict[str, Any]:
    """A note, its anchor and its codes."""
    return {
        "note": note.id, "run": note.key.run, "reviewer": note.key.reviewer, "chunk": note.key.chunk,
        "label": note.key.label or None, "chunk_number": note.number, "policy": note.policy, "text": note.text,
        "first": _step(note.first), "last": _step(note.last),
        "mode": f"{note.mode}@{note.codebook}" if note.mode else None,
        "evidence": output.numbered(list(note.evidence)), "at": note.at,
        "codes": [code.name for code in board.of.get(note.key, ())],
    }  # fmt: skip


def _step(index: int) -> dict[str, int]:
    return {"step_number": index + 1, "step_index": index}


def code_json(board: Board, code: Code) -> dict[str, Any]:
    return {
        "code": code.id, "name": code.name, "former_names": code.former, "notes": len(code.notes),
        "runs": len({key.run for key in code.notes}), "given_by": code.by,
        "promoted": [{"codebook": book, "version": version, "mode": mode} for book, version, mode in code.promoted],
        "note_ids": [board.by_key[key].id for key in code.notes],
    }  # fmt: skip


def say_hidden(board: Board) -> None:
    if board.hidden:
        output.note(f"{output.count(board.hidden, 'note')} of others not shown: decide on those chunks first.")


def near_json(near: list[tuple[Code, float]]) -> list[dict[str, Any]]:
    return [{"name": code.name, "similarity": round(cosine, 3)} for code, cosine in near]


def point_out(code: Code, near: list[tuple[Code, float]]) -> None:
    """Say that a new code is near to others."""
    if near:
        names = ", ".join(f"{other.name!r} ({cosine:.2f})" for other, cosine in near[:3])
        output.note(f"near to {names}: if it is one, `codes merge {code.name!r} INTO` makes them one.")
