"""Naming a code: typing with completion; codes that are called nearly so are shown while one types."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input

from labels.coding.fold import Code
from labels.coding.said import LONGEST_NAME, fold_name
from review_tui.sanitize import short
from review_tui.screens.modal import Modal
from review_tui.widgets.rows import Pieces, RowList

#: Rows of the list, and of each kind in it.
ROWS, MOST = 10, 7


class Names:
    """The rows, with a mark at the one that Enter takes: the focus is in the line above, so colour would be faint."""

    def __init__(self, rows: Sequence[tuple[str | None, Pieces]], prompt: CodePrompt) -> None:
        self.rows, self.prompt = rows, prompt

    def __len__(self) -> int:
        return len(self.rows)

    def key(self, index: int) -> str | None:
        return self.rows[index][0]

    def pieces(self, index: int, _width: int) -> Pieces:
        key, pieces = self.rows[index]
        here = key is not None and self.prompt.chosen and key == self.prompt.rows.selected
        return [("› " if here else "  ", "accent"), *pieces]


@dataclass(frozen=True)
class Named:
    """What was chosen. code: an existing one, None for a new one of that name."""

    name: str
    code: Code | None


class CodePrompt(Modal[Named | None]):
    """Gives a code, or the name of a new one; None if the reviewer changed their mind."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", show=False, priority=True),
        Binding("down", "move(1)", "Down", show=False, priority=True),
        Binding("up", "move(-1)", "Up", show=False, priority=True),
        Binding("tab", "complete", "Complete", show=False, priority=True),
        Binding("ctrl+n", "new", "New", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    CodePrompt { background: transparent; align: left bottom; }
    CodePrompt > Vertical { height: auto; background: $panel; border: round $primary; padding: 0 1;
        border-title-color: $text-primary; border-subtitle-color: $text-muted; }
    CodePrompt Input { border: none; height: 1; padding: 0; background: $panel; }
    CodePrompt Input:focus { border: none; }
    CodePrompt RowList { background: $surface; height: 10; }
    """

    def __init__(
        self,
        title: str,
        codes: Sequence[Code],
        guesses: Sequence[tuple[Code, float]],
        near: Callable[[str], list[tuple[Code, float]]],
        *,
        new: bool = True,
    ) -> None:
        """codes: to choose from. guesses: likely ones, to begin with. near(name): codes that are called nearly so. new:
        whether a new one may be named."""
        super().__init__()
        self.heading, self.codes, self.guesses, self.near, self.new = title, list(codes), list(guesses), near, new
        self._by_id = {code.id: code for code in self.codes}
        self._moved = False

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = Content(short(self.heading, 100))
            keys = "Enter chooses · ↑ ↓ · Tab completes" + (" · ^N new code as typed" if self.new else "")
            box.border_subtitle = f"{keys} · Esc"
            yield Input(placeholder="a short name for what went wrong", max_length=LONGEST_NAME)
            yield RowList(id="names")

    def on_mount(self) -> None:
        self.rows.styles.height = min(ROWS, max(3, self.app.size.height - 8))
        self.rows.can_focus = False
        self.set_focus(self.query_one(Input))
        self._show("")

    @property
    def rows(self) -> RowList:
        return self.query_one(RowList)

    @property
    def typed(self) -> str:
        return " ".join(self.query_one(Input).value.split())

    @property
    def chosen(self) -> bool:
        """Whether Enter takes the row under the cursor: not before anything speaks for it."""
        return bool(self.typed or self._moved or self.guesses)

    # -- showing ------------------------------------------------------------------------------------------------

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._show(self.typed)

    def _show(self, typed: str) -> None:
        rows = self._all(typed) if typed else self._first()
        if not rows:
            rows = [(None, [("no code yet: type a name, Enter makes it" if self.new else "no other code", "faint")])]
        chosen = next((key for key, _ in rows if key is not None), None)
        fits = any(self._fits(self._by_id.get(key or ""), typed) for key, _ in rows)
        if typed and self.new and not fits:
            chosen = "new"  # nothing begins so: what is near is pointed out, and not chosen by Enter
        self.rows.cursor = -1
        self.rows.show(Names(rows, self), select=chosen)

    def _first(self) -> list[tuple[str | None, Pieces]]:
        """Before anything is typed: codes of notes that say the same, then the most frequent ones."""
        rows: list[tuple[str | None, Pieces]] = []
        for code, cosine in self.guesses[:3]:
            rows.append((code.id, [*_name(code), None, (f"its notes say nearly this  {cosine:.2f} ", "good")]))
        known = {key for key, _ in rows}
        rows += [(code.id, _row(code)) for code in self.codes if code.id not in known][: ROWS - len(rows)]
        return rows

    def _all(self, typed: str) -> list[tuple[str | None, Pieces]]:
        fits = [code for code in self.codes if self._fits(code, typed)][:MOST]
        rows: list[tuple[str | None, Pieces]] = [(code.id, _row(code)) for code in fits]
        known = {code.id for code in fits}
        near = [(code, cosine) for code, cosine in self.near(typed) if code.id not in known and code.id in self._by_id]
        for code, cosine in near[: max(2, MOST - len(rows))]:
            rows.append((code.id, [*_name(code), None, (f"≈ nearly the same  {cosine:.2f} ", "warn")]))
        if self.new and not any(fold_name(code.name) == fold_name(typed) for code in fits):
            rows.append(("new", [(short(typed, 60), "strong"), ("  a new code", "good")]))
        return rows

    @staticmethod
    def _fits(code: Code | None, typed: str) -> bool:
        """Whether each typed word begins a word of the code's name, or of one that it had."""
        if code is None:
            return False
        wanted = fold_name(typed).split()
        return any(
            all(any(word.startswith(piece) for word in fold_name(name).split()) for piece in wanted)
            for name in (code.name, *code.former)
        )

    # -- choosing -----------------------------------------------------------------------------------------------

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self.chosen:
            self._choose(self.rows.selected)

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        self._choose(event.key)

    def _choose(self, key: str | None) -> None:
        if key == "new":
            self.action_new()
        elif key is not None and (code := self._by_id.get(key)) is not None:
            self.dismiss(Named(code.name, code))

    def action_new(self) -> None:
        if self.new and self.typed:
            known = next((code for code in self.codes if fold_name(code.name) == fold_name(self.typed)), None)
            self.dismiss(Named(self.typed, known))

    def action_complete(self) -> None:
        """Put the name under the cursor into the line."""
        code = self._by_id.get(self.rows.selected or "")
        if code is not None:
            line = self.query_one(Input)
            line.value = code.name
            line.cursor_position = len(code.name)

    def action_move(self, step: int) -> None:
        if self.chosen:
            self.rows.move(step)
        self._moved = True
        self.rows.refresh()

    def action_cancel(self) -> None:
        self.dismiss(None)


def _name(code: Code) -> list[tuple[str, str]]:
    return [(short(code.name, 60), "text")]


def _row(code: Code) -> Pieces:
    former = f"  was {short(code.former[-1], 30)}" if code.former else ""
    return [*_name(code), (former, "faint"), None, (f"{len(code.notes):,} ", "faint")]
