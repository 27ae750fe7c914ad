"""What every screen has: bindings and footer from the action table, and work done off the UI thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from textual.screen import Screen

from review_tui.actions import Action, bindings, key_name
from review_tui.sanitize import clean
from review_tui.widgets.bar import Bar
from review_tui.widgets.rows import Pieces
from sessions.errors import UserError

if TYPE_CHECKING:
    from review_tui.app import ReviewApp

Result = TypeVar("Result")
#: After this long a wait is explained, in seconds.
PATIENCE = 0.4


class StationScreen(Screen[None]):
    """A screen of the station. Subclasses set ACTIONS and have a `Bar` with the id `footer`."""

    ACTIONS: ClassVar[list[Action]] = []

    def __init_subclass__(cls, **kwargs: Any) -> None:
        cls.BINDINGS = [*bindings(cls.ACTIONS)]
        super().__init_subclass__(**kwargs)

    @property
    def station(self) -> ReviewApp:
        return cast("ReviewApp", self.app)

    # -- saying things ------------------------------------------------------------------------------------------

    def say(self, text: str, look: str = "text") -> None:
        """A message in the footer, until the next key. Text is cleaned here."""
        self.query_one("#footer", Bar).show([(clean(text), look)])

    def show_keys(self) -> None:
        """The most useful keys in the footer."""
        self.query_one("#footer", Bar).show(self._footer())

    def _footer(self) -> Pieces:
        pieces: list[tuple[str, str] | None] = []
        for action in self.ACTIONS:
            if not action.footer:
                continue
            key = key_name(action.keys[0])
            words = (
                action.footer
                if action.footer.startswith(("/", "?", "[", "^", "y/", f"{key} "))
                else f"{key} {action.footer}"
            )
            shown, _, rest = words.partition(" ")
            if words.startswith("[ ]"):
                shown, rest = "[ ]", words[4:]
            pieces += [(shown, "key"), (f" {rest}  ", "faint")]
        return pieces

    # -- working ------------------------------------------------------------------------------------------------

    async def work(self, call: Callable[..., Result], *args: Any, **kwargs: Any) -> Result | None:
        """Run something slow in a thread and give its result; a UserError becomes a message and None."""
        task = asyncio.ensure_future(asyncio.to_thread(call, *args, **kwargs))
        done, _ = await asyncio.wait({task}, timeout=PATIENCE)
        if not done:
            self.say("waiting for the database ...", "warn")
        try:
            return await task
        except UserError as error:
            self.say(str(error), "error")
            return None
