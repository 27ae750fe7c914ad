"""Queues as rows of lists: progress of the reviewer and of all, and the rule that each goes by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from review_tui.sanitize import short
from review_tui.transcript.folding import cells
from review_tui.widgets.rows import Pieces

if TYPE_CHECKING:  # the inbox draws rows before there is need of what counts them
    from labels.queue_progress import Overview
    from labels.queues import Queue

#: Cells of a bar, where the screen is as wide as WIDE.
BAR, WIDE = 20, 100


def progress_bar(share: float, width: int) -> tuple[str, str]:
    """A bar of `width` cells in two pieces of text: what is done, and what is not. Done only when it is."""
    full = width if share >= 1 else min(width - 1, int(share * width + 0.5))
    if not full and share > 0:
        full = 1
    return "━" * full, "─" * (width - full)


class QueueRows:
    """Four rows a queue: its name and the reviewer's progress, that of all, its rule, and a blank (or what has changed
    since it was made)."""

    def __init__(self, found: Sequence[Overview], reviewer: str, changes: Mapping[str, Sequence[str]]) -> None:
        self.reviewer = reviewer
        self._rows: list[tuple[str | None, Overview, str]] = []
        for item in found:
            lines = ["you", "all", "who", "rule", *(f"!{text}" for text in changes.get(item.queue.id, ()))]
            self._rows += [(item.queue.id, item, line) for line in lines]
            self._rows.append((None, item, ""))

    def __len__(self) -> int:
        return len(self._rows)

    def key(self, index: int) -> str | None:
        return self._rows[index][0]

    def pieces(self, index: int, width: int) -> Pieces:
        _, item, line = self._rows[index]
        if line == "you":
            return self._you(item, width)
        if line == "all":
            return self._all(item, width)
        if line == "who":
            return [("   ", "text"), (short(self._who(item), width - 4), "faint")]
        if line == "rule":
            return [("   ", "text"), (short(rule_text(item.queue), width - 4), "faint")]
        return [("   ", "text"), (short(line[1:], width - 4), "warn")]

    def _you(self, item: Overview, width: int) -> Pieces:
        glyph, look = (" · ", "accent") if item.left else (" ✓ ", "good")
        left = f"{item.left:,} left for you" if item.left else "nothing left for you"
        room = self._name_width(width)
        name = short(item.queue.name, room)
        pieces = _progress("you", item.share, item.mine, item.mine + item.left, left, width)
        return [(glyph, look), (name, "strong"), (" " * (room - cells(name)), "text"), *pieces]

    def _all(self, item: Overview, width: int) -> Pieces:
        share = item.finished / item.queue.items if item.queue.items else 1.0
        begun = f"finished, {item.begun:,} begun" if item.begun else "finished"
        pieces = _progress("all", share, item.finished, item.queue.items, begun, width)
        return [(" " * (self._name_width(width) + 3), "text"), *pieces]

    @staticmethod
    def _name_width(width: int) -> int:
        return max(8, min(48, width - (64 if width >= WIDE else 36)))

    def _who(self, item: Overview) -> str:
        at = dict(item.at)
        words = []
        for who, done in [*item.others, *((who, 0) for who in at if who not in dict(item.others))]:
            if who != self.reviewer:
                words.append(f"{who} {done:,}" + (" (at the next one)" if who in at else ""))
        mine = "an item is kept for you · " if self.reviewer in at else ""  # its number may tell that it comes again
        return mine + (f"others: {', '.join(words)}" if words else "nobody else has begun")


def _progress(whose: str, share: float, done: int, total: int, words: str, width: int) -> Pieces:
    bar, rest = progress_bar(share, BAR if width >= WIDE else 10)
    return [
        (f"{whose:>5} ", "faint"), (bar, "good"), (rest, "faint"), (f" {f'{done:,} of {total:,}':>15}", "text"),
        (f"  {words}" if width >= WIDE else "", "faint"),
    ]  # fmt: skip


def rule_text(queue: Queue) -> str:
    """A queue's rule in one line."""
    need = "1 person each" if queue.reviewers == 1 else f"{queue.reviewers} people each"
    what = "whole runs" if queue.scope == "runs" else f"chunks by {queue.policy}"
    blind = f"{queue.blind_share:.0%} blind" if queue.blind_share else "none blind"
    order = {"given": "in the order given", "random": "in random order"}.get(queue.order, f"by {queue.order}")
    books = ", ".join(ref.id for ref in queue.codebooks)
    runs = f"{queue.runs:,} {'run' if queue.runs == 1 else 'runs'}"
    return " · ".join([runs, what, order, need, blind, *([f"judged by {books}"] if books else [])])


def queue_row(item: Overview, width: int) -> Pieces:
    """A queue on one line, for the inbox."""
    done, rest = progress_bar(item.share, 8)
    total = item.mine + item.left
    others = ", ".join(f"{who} {count:,}" for who, count in item.others[:3])
    all_of = f"all {item.finished:,}/{item.queue.items:,} finished"
    tail: list[tuple[str, str]] = [
        (f"{short(others, 30)}   " if others and width >= 110 else "", "faint"),
        (f"{all_of}  " if width >= 84 else "", "faint"),
        (done if width >= 60 else "", "good"),
        (rest if width >= 60 else "", "faint"),
        (f" {f'you {item.mine:,}/{total:,}':>13} ", "text"),
    ]
    room = width - 4 - sum(len(text) for text, _ in tail) - 1
    rule = "whole runs" if item.queue.scope == "runs" else item.queue.policy
    name = short(item.queue.name, max(6, room))
    more = short(f"{rule} · {item.left:,} left", room - len(name) - 2) if room - len(name) > 14 else ""
    return [(" ▸ ", "accent"), (name, "strong"), (f"  {more}", "faint"), None, *tail]
