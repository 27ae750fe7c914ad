"""The station: the Textual application that holds the store, opens screens, and reads runs in the background."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App, SystemCommand
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.screen import Screen

from review_tui.actions import Action
from review_tui.collector import Collector
from review_tui.detection import Detection
from review_tui.sanitize import clean, short
from review_tui.screens.base import StationScreen
from review_tui.screens.inbox import InboxScreen
from review_tui.screens.review import ReviewScreen
from review_tui.transcript.scroller import Place
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.errors import UserError
from sessions.importing import Importer
from sessions.store import Store

if TYPE_CHECKING:
    from labels.codebook import Codebook, Codebooks, Mode
    from review_tui.gates import GateView
    from review_tui.screens.picker import ModePicker
    from sessions.live.gates import GateInfo

TICK_S = 0.2
#: What is not needed for the first frame waits this long, so as not to compete with it, in seconds.
SETTLE_S = 0.15
DEBUG_VARIABLE = "REVIEW_TUI_DEBUG"
#: How long the first screen waits for the first steps of a file that was named, in seconds.
PATIENCE_S = 0.4


class ReviewApp(App[None]):
    """One reviewer at one database. paths: runs to open; a single run opens at once, more are listed in the inbox."""

    TITLE = "review station"
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True),
        Binding("ctrl+c", "interrupt", "Quit, or close the prompt", show=False, priority=True),
    ]
    # Where toasts cover neither a side panel, beside or below the transcript, nor what the foot of a window says.
    CSS = """
    ToastRack { align: left bottom; margin-bottom: 3; }
    ToastHolder { align-horizontal: left; }
    ReviewScreen.-narrow ToastRack { dock: top; align: left top; margin-top: 2; margin-bottom: 0; }
    """

    def __init__(
        self,
        store: Store,
        reviewer: str,
        paths: Iterable[Path] = (),
        *,
        format: str | None = None,
        codebook_paths: Iterable[Path] = (),
        importer: Importer | None = None,
        detect: bool = True,
        gate: GateInfo | None = None,
    ) -> None:
        """importer: an import of the paths that is under way already; one is started if there is none. detect: let the
        detectors that are on look at the runs, in a process of their own. gate: a live gate to begin at."""
        super().__init__()
        self.store, self.reviewer, self.format = store, reviewer, format
        self.paths = list(paths)
        self.codebook_paths = list(codebook_paths)
        self.last_problem = ""
        self.collector = Collector()
        self._importer = importer
        self._detection = Detection(self) if detect and not store.read_only else None
        #: What ended the station, if something inside it went wrong.
        self.fault: Exception | None = None
        self._first_gate = gate
        #: Ids of live gates that have been on the screen: nobody needs to be told of them.
        self.seen_gates: set[str] = set()
        self._events: asyncio.AbstractEventLoop
        self._codebooks: Codebooks | None = None
        self._read_before: Codebooks | None = None
        self._picker: ModePicker | None = None
        self._begun = self._opened = self._found = False

    # -- life ---------------------------------------------------------------------------------------------------

    async def on_mount(self) -> None:
        loop = self._events = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._told_to_stop)
        known = self._single_known_run()
        if known is None and self._one_file:
            # The import has a head start: wait a moment for the run's first steps rather than paint an empty inbox.
            self.run_worker(self._follow_import, thread=True, group="import", exit_on_error=False)
            self.set_timer(PATIENCE_S, self._begin)
        else:
            self._begin(known)
            self.set_timer(SETTLE_S, self._follow_in_background)

    @property
    def _one_file(self) -> bool:
        return len(self.paths) == 1 and self.paths[0].is_file()

    def _begin(self, run: RunInfo | None = None) -> None:
        """Show the first screen, if there is none yet."""
        if self._begun:
            return
        self._begun = True
        self.push_screen(ReviewScreen(run) if run else InboxScreen())
        if self._first_gate is not None:
            self.call_after_refresh(self.open_gate, self._first_gate)
        self.call_after_refresh(self._after_first_frame)

    def _follow_in_background(self) -> None:
        self.run_worker(self._follow_import, thread=True, group="import", exit_on_error=False)

    def _single_known_run(self) -> RunInfo | None:
        """The run to open straight away, where one file was named that holds one run and is in the store unchanged."""
        if not self._one_file:
            return None
        runs = catalog.known_runs(self.store, self.paths[0], self.format)
        return runs[0] if len(runs) == 1 else None

    def _after_first_frame(self) -> None:
        self.collector.start()
        self.set_interval(TICK_S, self.collector.tick)
        self.set_timer(SETTLE_S, self._warm_up_in_background)

    def _warm_up_in_background(self) -> None:
        if self._detection is not None and not self.importing:
            self._detection.start()
        self.run_worker(self._warm_up, thread=True, group="warm-up", exit_on_error=False)

    def _warm_up(self) -> None:
        """Import what the first verdict and label will need, so that their keys do not wait for it."""
        import labels.adjudication
        import labels.coding.seen
        import labels.ledger  # noqa: F401
        import review_tui.screens.picker  # noqa: F401

        try:
            self.codebooks()
        except UserError as error:
            self._failed(str(error))
            return
        with suppress(RuntimeError):  # the station has ended; and not wait for it: it may be about to
            self.call_later(self._mount_picker)

    def _handle_exception(self, error: Exception) -> None:
        """An error of the user's making is said and the station goes on; any other ends it, in one plain line."""
        if isinstance(error, UserError):
            self.notify(clean(str(error)), severity="error", markup=False)
        elif self.is_headless or os.environ.get(DEBUG_VARIABLE):
            super()._handle_exception(error)
        else:
            self.fault = error
            self.exit(return_code=1)

    def _told_to_stop(self) -> None:
        self.exit()

    async def _on_exit_app(self) -> None:
        if self._importer is not None:
            self._importer.stop() if self.is_headless else self._importer.leave()
        if self._detection is not None:
            self._detection.stop()
        for screen in self.screen_stack:
            if isinstance(screen, ReviewScreen):
                screen.leave()
                screen.stop_search()
                await screen.finish()
        self.collector.stop()
        await super()._on_exit_app()

    def _display(self, screen: Screen[object], renderable: object) -> None:
        super()._display(screen, renderable)  # type: ignore[arg-type]
        self.collector.painted()

    def detecting(self, run_id: str) -> bool:
        """Whether the detectors have yet to look at this run, and will."""
        return self._detection is not None and self._detection.waits(run_id)

    def looked_at(self, run_id: str | None) -> None:
        """The detectors are through with a run (None: with all of them)."""
        for screen in self.screen_stack:
            if isinstance(screen, ReviewScreen) and screen.ready and run_id in (None, screen.opened.id):
                self.run_worker(screen.look_again(), exit_on_error=False)

    # -- reading runs -------------------------------------------------------------------------------------------

    @property
    def importing(self) -> bool:
        """Whether files are being read."""
        return self._importer is not None and self._importer.busy

    def _follow_import(self) -> None:
        if self._importer is None:
            self._importer = Importer(self.store.path, self.paths, self.format)
        self._importer.follow(started=self._run_started, finished=self._file_read, failed=self._failed)
        if self.paths and not self._found and not self.last_problem:
            self._failed(f"there is no run in {', '.join(map(str, self.paths))}.")
        if self._detection is not None:
            with suppress(RuntimeError):  # the station has ended; and not wait for it: it may be about to
                self._events.call_soon_threadsafe(self._detection.start)

    def _run_started(self, run_id: str) -> None:
        """A single file that was named opens as soon as its first steps are there."""
        if self._one_file and not self._opened:
            self._opened = True
            self._soon(self._open_started(run_id))

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        """Let the UI thread do something; called from a worker's."""
        self.call_from_thread(self.run_worker, work, exit_on_error=False)

    async def _open_started(self, run_id: str) -> None:
        run = catalog.run_by_id(self.store, run_id)
        if run is None:
            return
        if not self._begun:
            self._begin(run)
        elif isinstance(self.screen, InboxScreen):
            await self.open_run(run)

    def _file_read(self, path: str, runs: list[str], reason: str | None) -> None:
        if runs and not self._found and (len(runs) > 1 or not self._one_file):
            self.call_from_thread(self._point_at, runs[0])
        self._found = self._found or bool(runs)
        if len(runs) > 1 and self._one_file:
            self._soon(self._several_runs(len(runs)))
        if reason is not None:
            self._failed(f"{path}: {reason}.")

    def _point_at(self, run_id: str) -> None:
        """Put the inbox's cursor on the first run of what was named."""
        for screen in self.screen_stack:
            if isinstance(screen, InboxScreen):
                screen.point_at(run_id)

    async def _several_runs(self, count: int) -> None:
        """The file held more than one run: the inbox is the better place to begin."""
        if isinstance(self.screen, ReviewScreen) and self.screen.decided_nothing:
            await self.back_to_inbox()
            self.notify(f"{count} runs in this file.", markup=False)

    def _failed(self, message: str) -> None:
        def show() -> None:
            self._begin()
            self.last_problem = short(message, 200)
            self.notify(clean(message), severity="error", markup=False, timeout=8)

        self.call_from_thread(show)

    # -- screens ------------------------------------------------------------------------------------------------

    async def open_run(self, run: RunInfo, *, place: Place | None = None, find: str = "") -> None:
        """Show a run for review, in place of any run that is shown now."""
        if self._detection is not None:
            self._detection.prefer(run.id)
        if isinstance(self.screen, ReviewScreen):
            self.screen.leave()
            await self.switch_screen(ReviewScreen(run, place=place, find=find))
        else:
            await self.push_screen(ReviewScreen(run, place=place, find=find))

    async def open_gate(self, gate: GateInfo) -> None:
        """Show the run of a live gate, at what the gate shows."""
        run = catalog.run_by_id(self.store, gate.run)
        if run is None:
            return
        first = min(max(0, gate.first), max(0, gate.last))
        if isinstance(self.screen, ReviewScreen) and self.screen.opened.id == run.id:
            self.screen.go_chunk(self.screen.desk.chunks.of_step(first))
        else:
            await self.open_run(run, place=Place(first, 0))

    async def action_interrupt(self) -> None:
        """Ctrl+C: where one is writing what Esc does, so that a slip does not end the station; elsewhere it quits."""
        from textual.widgets import Input, TextArea

        if isinstance(self.focused, (Input, TextArea)) and hasattr(self.screen, "action_cancel"):
            await self.run_action("cancel", self.screen)
        else:
            await self.action_quit()

    def pop_screen(self) -> AwaitComplete:
        self.collector.window_closed()
        return super().pop_screen()

    async def back_to_inbox(self) -> None:
        if isinstance(self.screen, ReviewScreen):
            self.screen.leave()
        if any(isinstance(screen, InboxScreen) for screen in self.screen_stack):
            while not isinstance(self.screen, InboxScreen):
                await self.pop_screen()
        else:
            await self.switch_screen(InboxScreen())

    def ring(self, view: GateView) -> None:
        """Tell the reviewer of a gate that has just opened: the bell, the terminal's notification, and a message. It is
        in the footer, not in a toast, which would soon lie over the gate itself."""
        gate = view.gate
        text = short(f"{gate.agent} waits at {gate.key}: {gate.reason or gate.name}", 120)
        self.bell()
        if self._driver is not None:
            self._driver.write(f"\x1b]9;{text}\x1b\\")  # `short` leaves nothing in it that could end it early
        if isinstance(self.screen, StationScreen):
            self.screen.say(text, "warn")

    async def open_search(self) -> None:
        from review_tui.screens.search import SearchScreen

        async def chosen(hit: tuple[RunInfo, int, str] | None) -> None:
            if hit is not None:
                run, index, query = hit
                await self.open_run(run, place=Place(index, 0), find=query)

        await self.push_screen(SearchScreen(), chosen)

    async def open_codebook(self) -> None:
        from review_tui.screens.picker import ModePicker

        try:
            await self.push_screen(ModePicker(self.codebooks(), "Codebook", instant=False))
        except UserError as error:
            self.notify(clean(str(error)), severity="error", markup=False)

    async def pick_mode(self, heading: str, chosen: Callable[[tuple[Codebook, Mode] | None], Any]) -> None:
        """Ask for a failure mode. One screen serves all labels: mounting one takes longer than showing it."""

        async def in_one_frame(choice: tuple[Codebook, Mode] | None) -> None:
            with self.batch_update():  # the screen that is back, and what the choice changes in it
                await chosen(choice)

        self._mount_picker().begin(heading)
        await self.push_screen("picker", in_one_frame)

    def _mount_picker(self) -> ModePicker:
        from review_tui.screens.picker import ModePicker

        if self._picker is None:
            self._picker = ModePicker(self.codebooks())
            self.install_screen(self._picker, "picker")
            self._get_screen("picker")
        return self._picker

    async def show_help(self, actions: list[Action], title: str) -> None:
        from review_tui.screens.about import keys_help
        from review_tui.screens.reader import Reader

        await self.push_screen(Reader(title, keys_help(actions)))

    async def show_about(self, run: RunInfo) -> None:
        from review_tui.screens.about import about_run
        from review_tui.screens.reader import Reader

        await self.push_screen(Reader(f"About {short(run.title, 60)}", about_run(self.store, run)))

    def codebooks(self) -> Codebooks:
        """The codebooks in use, loaded once. A file that cannot be read is said and left out; one that could be read
        before stays as it was."""
        if self._codebooks is None:
            from labels.codebook import Codebooks, load_all
            from labels.codebook_paths import user_codebook_folder

            before = self._read_before or Codebooks(())
            found = load_all(self.codebook_paths, folder=user_codebook_folder(), before=before)
            for problem in found.problems:
                with suppress(RuntimeError):  # the station has ended
                    self.call_later(self.notify, clean(str(problem)), severity="warning", markup=False)
            self._codebooks = self._read_before = found
        return self._codebooks

    def codebooks_changed(self, path: Path) -> None:
        """A codebook file was written: it is read, with all others, when codebooks are next asked for."""
        from labels.codebook_paths import user_codebook_folder

        if path.resolve().parent != user_codebook_folder().resolve() and path not in self.codebook_paths:
            self.codebook_paths.append(path)
        self._codebooks = None
        if self._picker is not None:
            self.uninstall_screen("picker")
            self._picker = None

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The command palette: every action of the screen, then Textual's own (theme, screenshot ...)."""
        if isinstance(screen, StationScreen):
            for action in screen.ACTIONS:
                yield SystemCommand(action.title, action.help, self._runner(screen, action))
        ours = {
            "Keys",
            "Quit",
            "Maximize",
            "Minimize",
        }  # the first two are actions of ours, the others mean nothing here
        yield from (command for command in super().get_system_commands(screen) if command.title not in ours)

    @staticmethod
    def _runner(screen: StationScreen, action: Action) -> Callable[[], Coroutine[Any, Any, None]]:
        async def run() -> None:
            await screen.run_action(action.id)

        return run


def run(
    db: Path | None,
    paths: Iterable[Path],
    reviewer: str,
    format: str | None = None,
    codebook_paths: Iterable[Path] = (),
    importer: Importer | None = None,
    gate: GateInfo | None = None,
) -> None:
    """Open the station until the reviewer quits. Raises UserError if the database cannot be opened."""
    with Store.open(db) as store:
        app = ReviewApp(
            store, reviewer, paths, format=format, codebook_paths=codebook_paths, importer=importer, gate=gate
        )
        app.run()
    gc.freeze()  # the program ends: looking for garbage once more would keep the reviewer waiting for the shell
    if app.fault is not None:
        raise UserError(
            f"something went wrong inside ({type(app.fault).__name__}: {clean(str(app.fault))[:120]}).",
            f"Everything decided is kept. {DEBUG_VARIABLE}=1 shows the details.",
        )
