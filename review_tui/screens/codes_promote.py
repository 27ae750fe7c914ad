"""Promoting a code: it becomes a failure mode of a codebook file of the user's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from review_tui.sanitize import short
from review_tui.screens.codes_acts import CodeActs
from review_tui.screens.prompt import Prompt
from review_tui.words import counted

if TYPE_CHECKING:
    from labels.coding.fold import Code
    from labels.coding.promote import Promoted


class Promoting(CodeActs):
    """The act that leads out of the codes: asks for file, name and definition, and says what has come of it."""

    #: Where the last code was promoted to.
    _file = ""

    async def action_promote(self) -> None:
        """Ask for the file, the name and the definition; then make the mode."""
        code = self._code_or_say()
        if code is None or self.board is None:
            return
        if not code.notes:
            self.say("This code has no notes: a gives it to some.", "warn")
            return

        async def to_file(text: str | None) -> None:
            if text is None or not text.strip():
                return
            if await self.work(_checked, Path(text.strip()).expanduser()):
                self._file = text.strip()
                hint = "of the mode; Enter keeps it"
                await self.station.push_screen(Prompt("Name", code.name, hint), named)

        async def named(name: str | None) -> None:
            if name is None:
                return
            from labels.coding.similar import typical

            assert self.board is not None
            first = " ".join(typical(self.board.notes_of(code))[0].text.split())[:400]

            async def defined(definition: str | None) -> None:
                if definition is not None:
                    await self._promote(code, Path(self._file).expanduser(), name.strip(), definition.strip())

            await self.station.push_screen(
                Prompt("Definition", short(first, 400), "what is it, in a sentence"), defined
            )

        path = self._file or await self.work(self._own_file) or ""
        hint = "a .toml of yours; made if new"
        await self.station.push_screen(Prompt("Promote to the codebook", path, hint, select=True), to_file)

    def _own_file(self) -> str:
        """The first codebook of the user's own, else a new one in their folder."""
        from labels.codebook import BUILT_IN
        from labels.codebook_paths import user_codebook_folder

        paths = self.station.codebooks().paths.values()
        own = [path for path in paths if path.resolve().parent != BUILT_IN.resolve()]
        path = own[0] if own else user_codebook_folder() / "own.toml"
        home = Path.home()
        return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)

    async def _promote(self, code: Code, path: Path, name: str, definition: str) -> None:
        from labels.coding.promote import Wanted, promote

        board = self.board
        assert board is not None
        wanted = Wanted(name=name, definition=definition)
        made = await self.work(promote, self.station.store, self._coder(), board, code, path, wanted)
        if made is None or not self.ready:
            return
        self.station.codebooks_changed(path)
        await self.load()
        from review_tui.screens.reader import Reader

        await self.station.push_screen(Reader("Promoted", promoted(made)))


def _checked(path: Path) -> bool:
    """In a thread: True. Raises UserError where no codebook can be."""
    from labels.codebook_write import check_path

    check_path(path)
    return True


def promoted(made: Promoted) -> list[tuple[str, str]]:
    """What has come of promoting a code: (text, look) blocks."""
    book, mode = made.book, made.mode
    blocks = [(mode.label, "strong"), (f"{mode.slug}@{book.id} {book.version} · {made.path}", "faint"), ("", "text")]
    blocks += [(mode.definition, "text"), ("", "text")]
    if mode.example is not None:
        blocks += [("Example, from the evidence of its notes", "accent"), (mode.example.text, "text"), ("", "text")]
    else:
        blocks += [("None of its notes has evidence: add an example by hand.", "warn"), ("", "text")]
    if made.redacted:
        blocks.append((f"Secrets taken out: {made.redacted:,}.", "warn"))
    for queue, items in made.back.queues.items():
        chunks = "1 chunk" if items == 1 else f"{items:,} chunks"
        blocks.append((f"{chunks} to be decided on again in the queue {queue} (Q in the inbox).", "good"))
    for (run, _), why in made.back.left.items():
        blocks.append((f"Not back in a queue: a chunk of {run[:8]}: {why}.", "warn"))
    if made.nones:
        text = f'On {counted(made.nones, "chunk")} "none" was said before there was this mode: codes promote --nones.'
        blocks.append((text, "faint"))
    blocks.append((f"review-tui codebook check {made.path} says what else helps reviewers agree.", "faint"))
    return blocks
