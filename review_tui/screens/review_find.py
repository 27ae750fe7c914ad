"""Finding one's way in the review screen: search, jumps, going to a step, cutting the run another way."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable

from textual import events, work

from review_tui.sanitize import clean, short
from review_tui.screens.prompt import Prompt
from review_tui.screens.reader import Reader
from review_tui.screens.review_parts import ReviewParts
from review_tui.transcript.scroller import Place
from review_tui.words import counted
from sessions import catalog, search
from sessions.chunks import POLICY_HELP
from sessions.errors import UserError
from sessions.run import Flag
from sessions.search import Hit

_JUMPS = {"e": "error", "s": "suggestion", "l": "label", "c": "change", "u": "undecided"}


class FindActions(ReviewParts):
    """The actions that jump and search."""

    _query = ""
    _hits: list[int]
    _where: dict[int, str]
    _searching = False
    _stop_search: threading.Event | None = None
    jumping = False

    # -- search -------------------------------------------------------------------------------------------------

    async def action_search(self) -> None:
        def typed(query: str | None) -> None:
            if query is not None and query.strip():
                self.begin_search(query)

        await self.station.push_screen(Prompt("/", self._query, "texts, names, ids, raw records"), typed)

    def begin_search(self, query: str) -> None:
        """Look for a text in the run; the first hit at or after the cursor is shown as soon as it is found."""
        self.clear_search()
        self._query, self._hits, self._where, self._searching = query, [], {}, True
        self.transcript.marks.search = search.pattern(query)
        self.transcript.refresh()
        self._stop_search = threading.Event()
        self._run_search(query, self.transcript.cursor, self._stop_search)

    @work(thread=True, exclusive=True, group="search", exit_on_error=False)
    def _run_search(self, query: str, start: Place, stop: threading.Event) -> None:
        try:
            for hits in search.search(self.station.store, query, self.desk.run):
                if stop.is_set():
                    return
                if hits:
                    self.app.call_from_thread(self._found, hits, start)
        except UserError as error:
            self.app.call_from_thread(self.say, str(error), "error")
        finally:
            self.station.store.close_thread()
        if not stop.is_set():
            self.app.call_from_thread(self._search_done)

    def _found(self, hits: list[Hit], start: Place) -> None:
        first = not self._hits
        for hit in hits:
            insort(self._hits, hit.index)
            self._where[hit.index] = hit.where
        if first:
            at = bisect_left(self._hits, start.step)
            self._show_hit(at if at < len(self._hits) else 0)
        else:
            self._say_hits()

    def _search_done(self) -> None:
        self._searching = False
        if not self._hits:
            query = self._query
            self.clear_search()
            self.say(f"{short(query, 40)!r} is nowhere in this run.", "warn")
        else:
            self._say_hits()

    def _say_hits(self) -> None:
        at = bisect_right(self._hits, self.transcript.cursor.step)
        count = counted(len(self._hits), "step") + (" so far ..." if self._searching else "")
        self.say(f"{short(self._query, 40)!r}: {max(1, at):,} of {count}   n next · N previous · Esc ends")

    def _show_hit(self, number: int) -> None:
        """Jump to the number-th step that was found, to the match itself if it is in its text."""
        index = self._hits[number]
        texts = [part.text for part in self.document.step(index).step.parts]
        spots = search.places(texts, self._query, limit=1)
        if spots:
            self.transcript.go_to(index, spots[0].part, spots[0].start)
        else:
            self.transcript.go_to(index)
        self._say_hits()
        if not spots and self._where.get(index) == "raw":
            self.say(f"{short(self._query, 30)!r} is in the raw record of step {index + 1}: i shows it.")

    def action_next_hit(self) -> None:
        self._step_hit(1)

    def action_previous_hit(self) -> None:
        self._step_hit(-1)

    def _step_hit(self, way: int) -> None:
        """Within a step from match to match, then on to the next step."""
        if not self._query or not self._hits:
            self.say("Nothing was searched for: / searches.", "warn")
            return
        cursor, row = self.transcript.cursor, self.transcript.row
        if place := self._match_in_step(cursor, row.part, row.start, way):
            self.transcript.go(place)
            self._say_hits()
            return
        at = bisect_right(self._hits, cursor.step) if way > 0 else bisect_left(self._hits, cursor.step) - 1
        self._show_hit(at % len(self._hits))

    def _match_in_step(self, cursor: Place, part: int, position: int, way: int) -> Place | None:
        texts = [item.text for item in self.document.step(cursor.step).step.parts]
        spots = search.places(texts, self._query)
        here = (cursor.row, cursor.step)
        rows = [self.document.layout(cursor.step).row_of(spot.part, spot.start) for spot in spots
                if not self.document.layout(cursor.step).parts[spot.part].folded]  # fmt: skip
        beyond = [row for row in rows if (row > here[0] if way > 0 else row < here[0])]
        if not beyond or part < 0 or position < 0:
            return None
        return Place(cursor.step, min(beyond) if way > 0 else max(beyond))

    def stop_search(self) -> None:
        """Look no further."""
        if self._stop_search is not None:
            self._stop_search.set()

    def clear_search(self) -> bool:
        """End the search. False if there was none."""
        self.stop_search()
        if not self._query:
            return False
        self._query, self._searching, self._hits = "", False, []
        self.transcript.marks.search = None
        self.transcript.refresh()
        self.show_keys()
        return True

    async def action_search_all(self) -> None:
        await self.station.open_search()

    # -- jumps --------------------------------------------------------------------------------------------------

    def action_jump(self) -> None:
        self.jumping = True
        self.say(
            "Jump to the next: e error · s suggestion · l label · c change to the world · u undecided (capitals: back)"
        )

    def on_key(self, event: events.Key) -> None:
        """The second key of a jump; any other key clears the last message."""
        if not self.jumping:
            return
        self.jumping = False
        event.stop()
        event.prevent_default()
        letter = event.character or ""
        kind = _JUMPS.get(letter.lower())
        if kind is None:
            self.show_keys()
            return
        self._jump(kind, -1 if letter.isupper() else 1)

    def _jump(self, kind: str, way: int) -> None:
        steps = sorted(set(self._targets(kind)))
        here = self.transcript.cursor.step
        if kind == "undecided":
            here = self.desk.chunks.starts[self.desk.chunk] if len(self.desk.chunks) else 0
        at = bisect_right(steps, here) if way > 0 else bisect_left(steps, here) - 1
        if not steps or not 0 <= at < len(steps):
            self.say(f"No {'further' if way > 0 else 'earlier'} {kind}.", "warn")
            return
        self.transcript.go_to(steps[at])
        self.show_keys()

    def _targets(self, kind: str) -> Iterable[int]:
        """Indices of the steps that a jump can go to."""
        match kind:
            case "error":
                return self._flagged(Flag.ERROR)
            case "change":
                return self._flagged(Flag.EFFECT)
            case "label":
                return [label.first for label in self.desk.labels()]
            case "suggestion":
                return [item.first for item in self.desk.suggestions]
            case _:
                done = {chunk for chunk, item in self.desk.decided().items() if item.verdict}
                return [start for chunk, start in enumerate(self.desk.chunks.starts) if chunk not in done]

    def _flagged(self, flag: Flag) -> list[int]:
        return [row.index for row in catalog.index_rows(self.station.store, self.desk.run.no) if row.flags & flag]

    async def action_goto(self) -> None:
        def typed(text: str | None) -> None:
            if text is not None and text.strip():
                self._goto(text.strip().lower())

        await self.station.push_screen(Prompt("Go to", "", "a step: 12 · a chunk: c3"), typed)

    def _goto(self, text: str) -> None:
        kind, number = ("chunk", text[1:]) if text.startswith("c") else ("step", text)
        most = len(self.desk.chunks) if kind == "chunk" else self.desk.run.steps
        if not number.strip().isdecimal() or len(number) > 12 or not 1 <= int(number) <= most:
            self.say(f"{short(text, 20)!r}: there is no such {kind}; give 1 to {most:,} (chunks: c1 ...).", "error")
        elif kind == "chunk":
            self.go_chunk(int(number) - 1)
        else:
            self.transcript.go_to(int(number) - 1)

    # -- other views --------------------------------------------------------------------------------------------

    async def action_policy(self) -> None:
        async def typed(text: str | None) -> None:
            if text is None or not text.strip():
                return
            try:
                cut = await self.on_desk(self._cut, text.strip())
            except UserError as error:
                self.say(str(error), "error")
                return
            if cut:
                self.document.recut(self.desk.chunks)
                self.transcript.changed()
                self.refresh_all()
                kept = sum(1 for item in self.desk.decisions if item.scope == "chunk") - len(self.desk.decided())
                others = f" {counted(kept, 'decision')} under other policies kept." if kept else ""
                self.say(f"{counted(len(self.desk.chunks), 'chunk')} by {self.desk.policy}.{others}", "good")

        await self.station.push_screen(Prompt("Chunks by", str(self.desk.policy), " · ".join(POLICY_HELP)), typed)

    def _cut(self, text: str) -> bool:
        self.desk.set_policy(text, self.transcript.cursor.step)
        return True

    async def action_raw(self) -> None:
        if not self.desk.run.steps:
            return
        index = self.transcript.cursor.step
        records = await self.work(catalog.raw, self.station.store, self.desk.run, index)
        if records is None:
            return
        blocks = [(pretty(record), "text") for record in records] or [("(this step has no record of its own)", "faint")]
        await self.station.push_screen(Reader(f"Raw record of step {index + 1}", blocks))

    async def action_about(self) -> None:
        await self.station.show_about(self.desk.run)

    async def action_codebook(self) -> None:
        await self.station.open_codebook()


def pretty(record: bytes) -> str:
    """A raw record for reading: JSON set out in lines, anything else as it is."""
    import json

    from sessions.jsontext import BadJson, loads

    try:
        return json.dumps(loads(record), indent=2, ensure_ascii=False)
    except (BadJson, RecursionError):
        return clean(record.decode("utf-8", "replace"))
