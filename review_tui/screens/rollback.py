"""What a rollback would do to the files: shown before it is done, with a choice where somebody else has changed
something since. Where nothing goes back, that is said before anybody agrees."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content

from review_tui.sanitize import clean, short
from review_tui.screens.modal import Modal
from review_tui.widgets.fitting import lines
from review_tui.widgets.rows import FixedRows, Pieces, RowList
from review_tui.words import counted
from sessions.errors import UserError
from sessions.live import files
from sessions.live.gates import GateInfo, LiveRun, live_run

if TYPE_CHECKING:
    from review_tui.app import ReviewApp
    from sessions.workspace.plan import Choice, Plan
    from sessions.workspace.snapshots import Snapshots

GLYPH = {
    "rewrite": "~", "create": "+", "delete": "-", "chmod": "m", "mkdir": "+", "rmdir": "-", "symlink": "@",
    "touch": "t",
}  # fmt: skip
#: The next choice for a path that somebody else has changed.
NEXT: dict[str, Choice] = {"keep": "take", "take": "both", "both": "keep"}
CHOICE_WORD = {"keep": "kept as it is now", "take": "taken back", "both": "kept, the snapshot's beside it"}
#: Paths that are listed of each kind.
MOST = 500


class RollbackScreen(Modal[bool | None]):
    """Gives True if the reviewer agrees, None if not. look: only to be looked at."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "cancel", "Cancel", show=False),
        Binding("space", "choose", "Choose", show=False, priority=True),
        Binding("enter", "agree", "Agree", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    RollbackScreen { align: center middle; background: $background 60%; }
    RollbackScreen > Vertical { width: 96%; max-width: 130; height: 92%; background: $panel; border: round $primary;
        border-title-color: $text-primary; border-subtitle-color: $text-muted; padding: 0 1; }
    RollbackScreen RowList { background: $panel; }
    """

    def __init__(self, gate: GateInfo, target: GateInfo | None, *, look: bool = False) -> None:
        """gate: where the rollback is decided. target: whose snapshot is gone back to, None for the beginning."""
        super().__init__()
        self.gate, self.target, self.look = gate, target, look
        self.choices: dict[str, Choice] = {}
        self._plan: Plan | None = None
        #: Why no file goes back, and what must be known of the snapshot.
        self._stays = ""
        self._notes: list[str] = []
        self._left_out: list[tuple[str, str, int]] = []
        self._outside: list[str] = []
        self._folder: Any = None

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            word = "Files at" if self.look else "Back to"
            where = f"gate {short(self.target.key, 40)}" if self.target else "the beginning"
            box.border_title = Content(clean(f"{word} {where}"))  # never as markup
            box.border_subtitle = "looking …"
            yield RowList(id="plan")

    def on_mount(self) -> None:
        self.query_one(RowList).show(FixedRows([(None, [(" comparing the workspace with the snapshot …", "faint")])]))
        self.query_one(RowList).focus()
        self.run_worker(self._load, thread=True, exit_on_error=False)

    def _load(self) -> None:
        """In a worker's thread: the plan, or why there is none."""
        app: ReviewApp = self.app  # type: ignore[assignment]
        live = live_run(app.store, self.gate.run)
        try:
            if live is None or live.workspace is None:
                self._stays = f"{short(live.agent, 40) if live else 'The agent'} named no workspace."
            else:
                with files.open_snapshots(None, [app.store.path]) as store:
                    self._read_plan(store, live.workspace)
            self._notes.append(_state_words(live))
            self._outside = self._effects(app)
        except UserError as error:
            app.call_from_thread(self._loaded, str(error))
            return
        app.call_from_thread(self._loaded)

    def _read_plan(self, store: Snapshots, workspace: str) -> None:
        """What going back would change, or why nothing does. Raises UserError if the snapshot cannot be read."""
        snapshot = self.target.snapshot if self.target else None
        if self.target is None and (first := files.beginning_of(store, self.gate.run)) is not None:
            snapshot = first.id
            if first.key != files.BEGINNING:
                self._notes.append(
                    f"None was taken before step 1. The earliest snapshot is gate {short(first.key, 40)}'s: what was"
                    " done to the files before that gate stays."
                )
        if snapshot is None:
            self._stays = "There is no snapshot of the workspace to go back to."
            return
        self._folder = store.folder
        self._left_out = store.not_covered(snapshot)
        self._plan = store.plan(Path(workspace), snapshot)

    def _effects(self, app: ReviewApp) -> list[str]:
        """What the steps to be undone did elsewhere."""
        from labels.outside import effects
        from sessions import catalog

        run = catalog.run_by_id(app.store, self.gate.run)
        last = self.target.last if self.target else -1
        if run is None or self.look or last >= self.gate.last:
            return []
        steps = catalog.steps(app.store, run.no, last + 1, self.gate.last)
        return [f"step {item.index + 1} {item.what}: {item.call}" for item in effects(steps)]

    def _loaded(self, problem: str = "") -> None:
        if not self.is_attached:
            return  # left meanwhile
        if problem:
            self._say(problem)
        else:
            self._show()

    def _say(self, text: str) -> None:
        rows = self.query_one(RowList)
        rows.show(FixedRows(_wrapped(text, max(30, rows.size.width), "error")))
        self.query_one(Vertical).border_subtitle = "Esc closes"

    def _show(self) -> None:
        keys = "Esc closes" if self.look else "Enter goes on · Space chooses for ! · Esc cancels"
        self.query_one(Vertical).border_subtitle = keys
        rows = self.query_one(RowList)
        selected = rows.selected
        rows.show(FixedRows(self._rows(max(30, rows.size.width))), select=selected)

    # -- rows ---------------------------------------------------------------------------------------------------

    def _rows(self, width: int) -> list[tuple[str | None, Pieces]]:
        rows: list[tuple[str | None, Pieces]] = []
        if not self.look:
            rows += [row for note in self._notes for row in _wrapped(note, width, "text")]
            rows.append((None, [("", "text")]))
        if self._plan is not None:
            rows += self._planned(self._plan, width)
        elif self._stays:
            rows += [(None, [("FILES STAY AS THEY ARE", "heading")]), *_wrapped(self._stays, width, "warn")]
        return rows + _section("NOT UNDONE: done outside the workspace", self._outside, width)

    def _planned(self, plan: Plan, width: int) -> list[tuple[str | None, Pieces]]:
        changes = [change for change in plan.changes if not change.implied]
        conflicts = [change for change in changes if change.conflict]
        rows: list[tuple[str | None, Pieces]] = []
        if conflicts:
            rows.append((None, [("CHANGED BY SOMEBODY ELSE SINCE", "heading")]))
            rows += [self._conflict(change, width) for change in conflicts[:MOST]]
            rows.append((None, [("", "text")]))
        word = "NOTHING ELSE" if conflicts else "NOTHING"
        own = [change for change in changes if not change.conflict]
        title = f"{counted(len(own), 'PATH GOES', 'PATHS GO')} BACK" if own else f"{word} WOULD CHANGE"
        rows.append((None, [(title, "heading")]))
        rows += [_change(change, width) for change in own[:MOST]]
        if len(own) > MOST:
            rows.append((None, [(f"   … and {len(own) - MOST:,} more", "faint")]))
        rows += _section("OPEN ELSEWHERE: close and reopen afterwards", sorted(plan.open_databases), width)
        rows += _section("LEFT ALONE: not covered by the snapshot", sorted(plan.alone), width)
        left_out = [f"{path} ({reason})" for path, reason, _ in self._left_out]
        return rows + _section("NOT IN THE SNAPSHOT", left_out, width)

    def _conflict(self, change: Any, width: int) -> tuple[str | None, Pieces]:
        choice = self.choices.get(change.path, "keep")
        path = short(change.path, width - 42)
        look = "warn" if choice == "keep" else "error"
        return change.path, [
            (f" ! {GLYPH[change.action]} ", "error"), (path, "text"), None, (f"{CHOICE_WORD[choice]} ", look)
        ]  # fmt: skip

    # -- keys ---------------------------------------------------------------------------------------------------

    def action_choose(self) -> None:
        """Another choice for the path under the cursor, where there is one to be made."""
        if self._plan is None or self.look:  # without a plan there may be no list yet: keys can be faster than screens
            return
        path = self.query_one(RowList).selected
        if path is not None and any(change.path == path and change.conflict for change in self._plan.changes):
            self.choices[path] = NEXT[self.choices.get(path, "keep")]
            self._show()

    def action_agree(self) -> None:
        if self.look or (self._plan is None and not self._stays):
            return
        chosen = {path: choice for path, choice in self.choices.items() if choice != "keep"}
        if chosen and self._folder is not None:
            files.save_choices(self._folder, self.gate.id, chosen)
        self.dismiss(True)

    @on(RowList.Chosen)
    def _row_chosen(self, event: RowList.Chosen) -> None:
        event.stop()

    def action_cancel(self) -> None:
        self.dismiss(None)


def _change(change: Any, width: int) -> tuple[str | None, Pieces]:
    size = f"{change.size:,} B " if change.size else ""
    look = "error" if change.action in ("delete", "rmdir") else "text"
    return change.path, [
        (f"   {GLYPH[change.action]} ", look), (short(change.path, width - 26), "text"), None,
        (f"{change.action} ", "faint"), (size, "faint"),
    ]  # fmt: skip


def _state_words(live: LiveRun | None) -> str:
    if live is not None and "state" in live.can:
        return "The agent's own state goes back, too."
    return "The agent's own state does not go back: it is told what is undone."


def _wrapped(text: str, width: int, look: str) -> list[tuple[str | None, Pieces]]:
    return [(None, [(f" {line}", look)]) for line in lines(text, width - 2, 8)]


def _section(title: str, items: list[str], width: int) -> list[tuple[str | None, Pieces]]:
    if not items:
        return []
    rows: list[tuple[str | None, Pieces]] = [(None, [("", "text")]), (None, [(title, "heading")])]
    rows += [(None, [(f"   {short(item, width - 4)}", "warn")]) for item in items[:50]]
    return rows + ([(None, [(f"   … and {len(items) - 50:,} more", "faint")])] if len(items) > 50 else [])
