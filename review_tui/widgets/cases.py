"""The rows of the list of cases, and what is said of the one under the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from labels.gold.roots import APART
from review_tui.agreement_words import alpha_look, alpha_words
from review_tui.widgets.fitting import fit, pad
from review_tui.widgets.rows import Pieces
from review_tui.widgets.votes import stand_text, where_text
from review_tui.words import steps_text

if TYPE_CHECKING:
    from labels.disputes import Dispute
    from labels.docket import Item

#: In the place of a mode (codebook, slug): root causes at different steps, by whatever codebook.
ROOTS = ("", APART)


def fits(one: Dispute, wanted: tuple[str, str] | None) -> bool:
    """Whether a dispute is about the mode that is wanted (None: any)."""
    if wanted == ROOTS:
        return one.how == APART
    return wanted is None or (one.codebook, one.mode) == wanted


class CaseRows:
    """One row a case: alpha, run, where, the first open mode, how the votes stand."""

    def __init__(self, items: Sequence[Item], keys: Sequence[str], mode: tuple[str, str] | None) -> None:
        """keys: of the items, made once. mode: the one that is filtered by: shown first."""
        self.items, self.keys, self.mode = items, keys, mode

    def __len__(self) -> int:
        return len(self.items)

    def key(self, index: int) -> str:
        return self.keys[index]

    def pieces(self, index: int, width: int) -> Pieces:
        item = self.items[index]
        first = next(one for one in item.modes if fits(one, self.mode))
        alpha = "    –" if first.alpha is None else f"{first.alpha:5.2f}"
        more = f"+{len(item.modes) - 1}" if len(item.modes) > 1 else ""
        where = where_text(item.unit, item.numbers, narrow=width < 100)
        name = f"{first.code} {first.name or first.mode}"
        votes = stand_text(first)
        looks = (alpha_look(first.alpha), "strong", "faint", "text", "faint", "text")
        return _columns((alpha, item.run.title or item.run.id[:8], where, name, more, votes), looks, width)


def header(width: int) -> Pieces:
    """The names of the columns."""
    return _columns(("alpha", "run", "where", "least agreed mode that is open", "", "yes:no"), ("faint",) * 6, width)


def _columns(texts: Sequence[str], looks: Sequence[str], width: int) -> Pieces:
    alpha, title, where, name, more, votes = texts
    place = 24 if width >= 100 else 18 if width >= 60 else 0
    spare = max(16, width - 22 - place - 2 * (place > 0))
    left = spare * 2 // 5
    there = f"  {pad(where, place)}  " if place else "  "
    return [
        (f" {alpha}  ", looks[0]), (pad(title, left), looks[1]),
        (there, looks[2]), (fit(name, spare - left), looks[3]), None,
        (f"{more:>3}", looks[4]), (f" {votes:>6} ", looks[5]),
    ]  # fmt: skip


def detail_rows(item: Item, width: int, height: int) -> list[tuple[str | None, Pieces]]:
    """What is open in a case, how the votes stand, and why it comes where it does."""
    rows: list[tuple[str | None, Pieces]] = [
        (None, [(f" {fit(item.run.title or item.run.id, width - 2)}", "strong")]),
        (None, [(f" {fit(_about(item), width - 2)}", "faint")]),
    ]
    for one in item.modes:
        unsure = f", {len(one.unsure)} unsure" if one.unsure else ""
        votes = f"{len(one.present)} present, {len(one.absent)} absent{unsure}"
        votes = one.how if one.how == APART else votes
        name = fit(f"{one.code} {one.name or one.mode}", max(10, width - len(votes) - 5))
        rows.append((None, [(f" ? {name}", "text"), None, (f"{votes} ", "faint")]))
        why = alpha_words(one.alpha)
        if height > 2 * len(item.modes) + 2:
            rows.append((None, [(f"   {fit(one.how + ' · ' + why, width - 4)}", "faint")]))
    return rows if len(rows) <= height else [*rows[: height - 1], (None, [("   …", "faint")])]


def _about(item: Item) -> str:
    system = f" · {item.run.system}" if item.run.system else ""
    last = item.unit["last"]["step_index"]
    whole = item.unit["scope"] == "run"
    where = f"whole run, {steps_text(0, last)}" if whole else where_text(item.unit, item.numbers)
    return f"{where}{system} · {item.run.id[:8]}"
