"""Promoting a code: it becomes a mode of one's own codebook, with examples from its notes' evidence, and what was
decided on its notes comes back to be labelled with it.

The codebook is a file of the user's, so secrets are taken out of all that goes into it, and so are characters that a
codebook cannot have.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from labels.codebook import Codebook, Mode
from labels.codebook import load as load_codebook
from labels.codebook_write import add_mode, create
from labels.coding.coder import Coder
from labels.coding.fold import Code
from labels.coding.notes import Board, Note
from labels.coding.similar import typical
from labels.maintenance import affected, remember_codebook
from labels.queue_again import OWN_PREFIX, Back, Wish, bring_back
from labels.redaction import Redactor
from sessions import catalog
from sessions.errors import UsageError
from sessions.store import Store

#: How many notes say when the mode applies, and how many quotes make up its example.
MOST_CASES, MOST_QUOTES = 5, 3
#: Characters of a quote, and of a note, that go into a codebook.
LONGEST_QUOTE, LONGEST_CASE = 800, 400


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the mode is to be like. name, definition: "" for the code's name, and its most typical note. slug, code,
    category, version: "" for made up, none, none, raised. id, title: of a codebook that is made."""

    name: str = ""
    slug: str = ""
    code: str = ""
    category: str = ""
    definition: str = ""
    version: str = ""
    id: str = ""
    title: str = ""


@dataclass(slots=True)
class Promoted:
    """book: the codebook as it is now. created: whether the file is new. quotes, notes: how many went into the mode.
    redacted: secrets taken out. nones: decisions that said "none" of this codebook before it had the mode (where they
    come back too, they are in `back`). back: what comes back to queues."""

    book: Codebook
    mode: Mode
    path: Path
    created: bool
    quotes: int
    notes: int
    redacted: int
    nones: int = 0
    back: Back = field(default_factory=Back)


def promote(
    store: Store, coder: Coder, board: Board, code: Code, path: Path, wanted: Wanted | None = None, *,
    requeue: bool = True, nones: bool = False,
) -> Promoted:  # fmt: skip
    """Make a mode of a code in the codebook file at `path` (made if it is not there), and let its notes' chunks come
    back. nones: those on which "none" was said of this codebook, too. Raises UserError or UsageError; the file is
    then as it was."""
    wanted = wanted or Wanted()
    notes = typical(board.notes_of(code))
    if not notes:
        raise UsageError(f"the code {code.name!r} has no notes.", "Give it to some first.")
    mode, redactor = _mode(code, notes, wanted)
    old: list[Codebook] = []
    if created := not path.exists():
        key = wanted.id or slug_of(path.stem, "--id")
        book = create(path, key, wanted.title or f"Failure modes of {key}", mode, wanted.version or "0.1")
    else:
        old = [load_codebook(path)]
        book = add_mode(path, mode, wanted.version)
    for state in (*old, book):
        remember_codebook(store, state)
    coder.promote(code.id, book.ref, mode.slug)
    mode = book.by_slug[mode.slug]
    quotes = mode.example.text.count("[step ") if mode.example else 0
    found = Promoted(book, mode, path, created, quotes, len(notes), redactor.found)
    wishes = [Wish(note.key.run, note.key.chunk, note.policy) for note in notes]
    more = _nones(store, book, old)
    found.nones = len(more)
    if requeue:
        reason = f"{mode.slug}@{book.id} is new: it was noted here as {code.name!r}"
        found.back = bring_back(store, f"{OWN_PREFIX}{mode.label}", [*wishes, *(more if nones else ())], reason, book)
    return found


def _mode(code: Code, notes: Sequence[Note], wanted: Wanted) -> tuple[Mode, Redactor]:
    redactor = Redactor()
    redactor.learn(text for note in notes for text in (note.text, *note.quotes))

    def safe(text: str, most: int) -> str:
        short = plain(redactor.redact(text).text)
        return short if len(short) <= most else f"{short[: most - 1]}…"

    cases = list(dict.fromkeys(safe(" ".join(note.text.split()), LONGEST_CASE) for note in notes))
    name = wanted.name or code.name
    runs, people = len({note.key.run for note in notes}), len({note.key.reviewer for note in notes})
    data: dict[str, object] = {
        "slug": wanted.slug or slug_of(name, "--slug"),
        "code": wanted.code,
        "name": name,
        "category": wanted.category,
        "definition": wanted.definition or cases[0],
        "when": cases[1 if not wanted.definition else 0 :][:MOST_CASES],
        "aliases": [alias for alias in dict.fromkeys([code.name, *code.former]) if alias != name][:20],
        "note": f'From the open code "{code.name}": {_count(len(notes), "note")} in {_count(runs, "run")}, by'
        f" {_count(people, 'reviewer')}.",
    }
    quotes = [(note, item) for note in notes for item in note.evidence if str(item["quote"]).strip()][:MOST_QUOTES]
    if quotes:
        text = "\n\n".join(
            f"[step {item['step']['index'] + 1}] {safe(str(item['quote']).strip(), LONGEST_QUOTE)}"
            for _, item in quotes
        )
        data["example"] = {"text": text, "why": safe(" ".join(quotes[0][0].text.split()), LONGEST_CASE)}
    try:
        return Mode.model_validate(data), redactor
    except ValidationError as error:
        fault = error.errors()[0]
        field_name = ".".join(map(str, fault["loc"]))
        raise UsageError(f"this makes no mode: `{field_name}` {_words(str(fault['msg']))}.") from None


def _words(message: str) -> str:
    if message.startswith("String should match pattern"):
        return "must be letters, digits and single hyphens, a small letter first"
    return message.removeprefix("Value error, ")


def _count(number: int, one: str) -> str:
    return f"{number:,} {one}" if number == 1 else f"{number:,} {one}s"


def plain(text: str) -> str:
    """Text without what a codebook cannot have; each such character becomes U+FFFD."""
    return "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in text)


def slug_of(name: str, option: str) -> str:
    """A slug made of a name. Raises UsageError where nothing of it can be one; option: what to give instead."""
    ascii_text = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", ascii_text)
    while words and not words[0][0].isalpha():
        words.pop(0)
    slug = "-".join(words)[:80].rstrip("-")
    if not slug:
        raise UsageError(f"no slug can be made of {name[:80]!r}.", f"Give one with {option} (like wrong-time-zone).")
    return slug


def _nones(store: Store, book: Codebook, old: Sequence[Codebook]) -> list[Wish]:
    """Where "none" was said of the codebook before it had the mode."""
    touched = {(item.run, item.chunk) for item in affected(store, book, old) if not item.label}
    found = []
    for run, chunk in sorted(touched):
        info = catalog.run_by_id(store, run)
        rows = store.query("SELECT policy FROM decision WHERE run = ? AND chunk = ? LIMIT 1", [run, chunk])
        if info is not None and rows:
            found.append(Wish(info.id, chunk, str(rows[0][0])))
    return found
