"""What every screen has: bindings and footer from the action table, and work done off the UI thread."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from textual.screen import Screen
from textual.timer import Timer

from review_tui.actions import Action, bindings, key_name
from review_tui.sanitize import clean
from review_tui.transcript.folding import cells
from review_tui.widgets.bar import Bar
from review_tui.widgets.rows import Pieces
from sessions.errors import UserError

if TYPE_CHECKING:
    from review_tui.app import ReviewApp

Result = TypeVar("Result")
#: After this long a wait is explained, in seconds.
PATIENCE = 0.4
#: The same where nothing that the reviewer did is being written: another station that starts takes as long.
LONG = 1.0
#: How long a message stays, and how long it must have been there before a movement takes it away, in seconds.
MESSAGE_S, GLANCE_S = 8.0, 1.0
#: How long an answer to a key is not pushed aside by news, in seconds.
MENTION_S = 2.0


class StationScreen(Screen[None]):
    """A screen of the station. Subclasses set ACTIONS and have a `Bar` with the id `footer`."""

    ACTIONS: ClassVar[list[Action]] = []
    _said_at = 0.0
    _forget: Timer | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        cls.BINDINGS = [*bindings(cls.ACTIONS)]
        super().__init_subclass__(**kwargs)

    #: Whether the screen can be used: keys that were typed ahead of it are dropped.
    ready = False

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.ready and super().check_action(action, parameters)

    @property
    def station(self) -> ReviewApp:
        return cast("ReviewApp", self.app)

    # -- saying things ------------------------------------------------------------------------------------------

    def say(self, text: str, look: str = "text") -> None:
        """A message in the footer, for MESSAGE_S or until the reviewer moves on. Text is cleaned here."""
        self.query_one("#footer", Bar).show([(clean(text), look)])
        self._said_at = time.monotonic()
        if self._forget is not None:
            self._forget.stop()
        self._forget = self.set_timer(MESSAGE_S, self.show_keys)

    def mention(self, text: str, look: str = "text") -> None:
        """A message that nobody asked for: left unsaid while one that somebody did has just been given."""
        if time.monotonic() - self._said_at > MENTION_S:
            self.say(text, look)

    def moved_on(self) -> None:
        """The reviewer does something else: a message that was there long enough to be read goes."""
        if self._said_at and time.monotonic() - self._said_at > GLANCE_S:
            self.show_keys()

    def show_keys(self) -> None:
        """The most useful keys in the footer."""
        self._said_at = 0.0
        self.query_one("#footer", Bar).show(self._footer())

    def on_resize(self) -> None:
        """(Textual calls this besides the handler of a subclass.)"""
        if self.is_mounted and not self._said_at:
            self.show_keys()

    def _footer(self) -> Pieces:
        """As many keys as there is room for, each whole. The one that explains all others comes first."""
        pieces: list[tuple[str, str] | None] = []
        room = self.size.width - 1
        for action in sorted(self.ACTIONS, key=lambda action: action.id != "help"):
            if action.footer:
                key, words = _shown(action)
                room -= cells(key) + cells(words) + 3
                if room < -2:  # the two blanks behind the last one may be lost
                    break
                pieces += [(key, "key"), (f" {words}  ", "faint")]
        return pieces

    # -- working ------------------------------------------------------------------------------------------------

    async def work(self, call: Callable[..., Result], *args: Any, **kwargs: Any) -> Result | None:
        """Run something slow in a thread and give its result; a UserError becomes a message and None."""
        task = asyncio.ensure_future(asyncio.to_thread(call, *args, **kwargs))
        done, _ = await asyncio.wait({task}, timeout=LONG)
        if not done:
            self.say("waiting for the database ...", "warn")
        try:
            return await task
        except UserError as error:
            self.say(str(error), "error")
            return None


def _shown(action: Action) -> tuple[str, str]:
    """An action's key and word in the footer. Some have several keys there, written in front of the word."""
    if action.footer.startswith("[ ]"):
        return "[ ]", action.footer[4:]
    key = key_name(action.keys[0])
    if action.footer.startswith(("/", "?", "[", "^", "y/", f"{key} ")):
        key, _, words = action.footer.partition(" ")
        return key, words
    return key, action.footer
