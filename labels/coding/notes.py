"""The notes to be coded, and the codes beside them, as one reviewer may see them.

In a queue, what others noted of a chunk is hidden until one has decided on it oneself (`labels.queues.hidden` says the
same of one run); so are codes that only such notes have. Nothing vanishes that one has read: a note to which one gave a
code stays, and so do the notes of runs that came back because of them (`labels.coding.seen`; what is decided there
later is recorded as not blind). What the importer of a corpus wrote itself is no note to code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import orjson

from labels import beside
from labels.beside import VERDICT
from labels.coding import seen
from labels.coding.coder import codes_of
from labels.coding.fold import Code, Codes, NoteKey
from labels.glance import OUTSIDE_PREFIX
from labels.ledger import adopt
from labels.model import WHOLE_RUN
from labels.queues import queued_runs
from labels.wordless import wordless
from sessions import catalog
from sessions.errors import UserError
from sessions.store import Store


@dataclass(frozen=True, slots=True)
class Note:
    """A note and where it is anchored. first, last: step indices (from 0). quotes: the evidence of its label. number:
    of the chunk under `policy`, 0 for a whole run. mode: of the label, "" for a note on the decision."""

    key: NoteKey
    at: str
    text: str
    scope: str
    policy: str
    number: int
    first: int
    last: int
    mode: str = ""
    codebook: str = ""
    mode_name: str = ""
    evidence: tuple[dict[str, Any], ...] = ()
    title: str = ""

    @property
    def id(self) -> str:
        """What people name it by on the command line."""
        return sha256("\n".join(self.key).encode("utf-8", "surrogatepass")).hexdigest()[:12]

    @property
    def is_imported(self) -> bool:
        """Whether it came with a corpus."""
        return self.key.reviewer.startswith(OUTSIDE_PREFIX)

    @property
    def quotes(self) -> list[str]:
        return [str(item["quote"]) for item in self.evidence]


@dataclass(slots=True)
class Board:
    """notes: that may be seen, uncoded ones first, people's before imported ones, then by run and step. hidden: how
    many may not. codes: those with notes that may be seen (only such are in `Code.notes`), most frequent first, then
    those without any. of: note -> its codes. every: all of it, for looking up ids."""

    notes: list[Note]
    hidden: int
    codes: list[Code]
    of: dict[NoteKey, list[Code]]
    every: Codes
    by_key: dict[NoteKey, Note] = field(default_factory=dict)
    #: Of each note, worked out once: a list of ten thousand asks often.
    ids: dict[NoteKey, str] = field(default_factory=dict)

    @property
    def uncoded(self) -> int:
        return sum(1 for note in self.notes if not self.of.get(note.key))

    def note(self, text: str) -> Note:
        """The note whose id begins so. Raises UserError for none or several."""
        found = [note for note in self.notes if self.ids[note.key].startswith(text.lower())] if text else []
        if len(found) == 1:
            return found[0]
        what = f"{len(found)} notes have ids that begin with" if found else "there is no note"
        raise UserError(f"{what} {text[:40]!r}.", "`codes notes` lists them.")

    def code(self, text: str) -> Code:
        """The code of that name (or former name), or whose id begins so. Raises UserError."""
        named = self.every.find(text)
        if named is not None and (mine := self._seen(named.id)):
            return mine
        found = [code for code in self.codes if len(text) >= 4 and code.id.startswith(text.lower())]
        if len(found) == 1:
            return found[0]
        from labels.coding.similar import near_names

        near = [code.name for code, _ in near_names(text, self.codes)][:3]
        hint = f"Closest: {', '.join(near)}." if near else "`codes list` lists them."
        raise UserError(f"there is no code {text[:80]!r}.", hint)

    def _seen(self, id: str) -> Code | None:
        return next((code for code in self.codes if code.id == id), None)

    def notes_of(self, code: Code) -> list[Note]:
        """Its notes, in the order of `notes`."""
        mine = set(code.notes)
        return [note for note in self.notes if note.key in mine]


def board(store: Store, reviewer: str) -> Board:
    """All notes that this reviewer may see, with their codes."""
    beside.fill(store)
    adopt(store)
    notes, hidden = _visible(store, reviewer)
    every = codes_of(store)
    coded = {key for code in every.codes.values() for key in code.notes}
    notes = [note for note in notes if note.key in coded or not wordless(note.key.reviewer)]
    shown = {note.key for note in notes}
    of: dict[NoteKey, list[Code]] = {}
    codes = []
    for code in every.codes.values():
        mine = [key for key in code.notes if key in shown]
        if mine or not code.notes:
            own = Code(code.id, code.name, code.former, mine, code.promoted, code.by)
            codes.append(own)
            for key in mine:
                of.setdefault(key, []).append(own)
    codes.sort(key=lambda code: (-len(code.notes), code.name.casefold()))
    notes.sort(key=lambda note: (bool(of.get(note.key)), note.is_imported))  # stable: by run and step before
    by_key = {note.key: note for note in notes}
    return Board(notes, hidden, codes, of, every, by_key, {note.key: note.id for note in notes})


def _visible(store: Store, reviewer: str) -> tuple[list[Note], int]:
    """Notes in the order of runs (as imported) and steps; how many others there are."""
    runs = catalog.runs(store)
    owner = {str(alias): str(run) for alias, run in store.query("SELECT alias, run FROM run_alias")}
    place = {run.id: (run.no, run.title or run.id[:8]) for run in runs}
    queued = {owner.get(run, run) for run in queued_runs(store)}
    queued -= {owner.get(run, run) for run in seen.runs_back(store)}
    mine: set[tuple[str, str]] | None = None
    known: set[NoteKey] = set()
    found: list[Note] = []
    hidden = 0
    for run, who, chunk, label, at, text, anchor in store.query("SELECT * FROM note"):
        key = NoteKey(str(owner.get(run, run)), who, chunk, label)
        if who != reviewer and key.run in queued and not wordless(who):
            if mine is None:
                mine, known = _decided(store, owner, reviewer), seen.handled(store, reviewer, owner)
            if (key.run, chunk) not in mine and key not in known:
                hidden += 1
                continue
        found.append(_note(key, at, text, orjson.loads(anchor), place.get(key.run, (0, key.run[:8]))[1]))
    last = len(place) and max(no for no, _ in place.values())
    found.sort(
        key=lambda note: (place.get(note.key.run, (last + 1, ""))[0], note.first, note.last, note.key),
    )
    return found, hidden


def _decided(store: Store, owner: dict[str, str], reviewer: str) -> set[tuple[str, str]]:
    """(run, chunk) on which a reviewer has given a verdict."""
    rows = store.query("SELECT run, chunk, flags FROM pace WHERE reviewer = ?", [reviewer])
    return {(str(owner.get(run, run)), chunk) for run, chunk, flags in rows if flags & VERDICT}


def _note(key: NoteKey, at: str, text: str, anchor: dict[str, Any], title: str) -> Note:
    return Note(
        key, at, text, anchor["scope"], anchor["policy"], anchor["number"], anchor["first"]["index"],
        anchor["last"]["index"], anchor.get("mode", ""), anchor.get("codebook", ""), anchor.get("name", ""),
        tuple(anchor["evidence"]), title,
    )  # fmt: skip


def where(note: Note) -> str:
    """`chunk 2, steps 6-8`, as people read it."""
    steps = f"step {note.first + 1}" if note.first == note.last else f"steps {note.first + 1}-{note.last + 1}"
    return f"whole run, {steps}" if note.key.chunk == WHOLE_RUN else f"chunk {note.number}, {steps}"
