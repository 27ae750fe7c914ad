"""One person who codes: what they say of codes goes into the log, one event an act, and can be taken back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from labels import events
from labels.codebook_ref import CodebookRef
from labels.coding import said as say
from labels.coding.fold import Code, Codes, NoteKey, fold
from labels.coding.said import CODE, MOST_NOTES, NOWHERE, Coding, NoteRef
from labels.events import REDO, UNDO, Event
from labels.glance import check_reviewer
from sessions.errors import UsageError, UserError
from sessions.store import Store, Transaction


def codes_of(source: Store | Transaction) -> Codes:
    """What the codes are now."""
    sql = "SELECT alias, run FROM run_alias"
    rows = source.query(sql) if isinstance(source, Store) else source.execute(sql)
    owner = {str(alias): str(run) for alias, run in rows}
    return fold(events.of_runs(source, [NOWHERE]), owner)


class Coder:
    """Codes given by one person; reading is everybody's (`codes_of`)."""

    def __init__(self, store: Store, name: str, tool: str = "") -> None:
        """Raises UsageError for a name that cannot be a reviewer's."""
        self.store, self.name, self.tool = store, check_reviewer(name), tool

    # -- saying -------------------------------------------------------------------------------------------------

    def assign(self, name: str, notes: Sequence[NoteKey]) -> Code:
        """Give notes the code of that name (or of the code that once had it), which is made if there is none."""
        with self.store.write() as tx:
            codes = codes_of(tx)
            known = codes.find(name)
            key = known.id if known else say.code_id(name)
            fresh = [note for note in notes if known is None or note not in known.notes]
            if not fresh:
                raise UserError(f"{'these notes have' if len(notes) > 1 else 'this note has'} that code already.")
            _there(tx, fresh)
            name = known.name if known else _name(name)
            self._append(tx, say.Assign(notes=_refs(fresh), code=key, name=name))
        return codes_of(self.store).codes[key]

    def unassign(self, code: str, notes: Sequence[NoteKey]) -> None:
        """Take a code (by id) from notes."""
        with self.store.write() as tx:
            codes = codes_of(tx)
            have = [note for note in notes if note in _code(codes, code).notes]
            if not have:
                raise UserError("no note has that code here.", "Nothing was taken away.")
            self._append(tx, say.Unassign(notes=_refs(have), code=code))

    def rename(self, code: str, name: str) -> Code:
        """Call a code otherwise. Raises UserError where another one has that name: that would be a merge."""
        with self.store.write() as tx:
            codes = codes_of(tx)
            _free(codes, name, but=_code(codes, code).id)
            self._append(tx, say.Rename(code=code, name=_name(name)))
        return codes_of(self.store).codes[code]

    def merge(self, which: Sequence[str], into: str) -> Code:
        """Make codes part of another one. Their names stay known, and undo parts them again."""
        with self.store.write() as tx:
            codes = codes_of(tx)
            others = tuple(dict.fromkeys(_code(codes, code).id for code in which if code != _code(codes, into).id))
            if not others:
                raise UsageError("a code cannot be merged into itself.", "Name two.")
            self._append(tx, say.Merge(codes=others, into=into))
        return codes_of(self.store).codes[into]

    def split(self, code: str, name: str, notes: Sequence[NoteKey]) -> Code:
        """Let some notes of a code have a new code instead."""
        with self.store.write() as tx:
            codes = codes_of(tx)
            have = [note for note in notes if note in _code(codes, code).notes]
            if not have:
                raise UserError("none of these notes has that code.", "Say which of its notes go.")
            if len(have) == len(codes.codes[code].notes):
                raise UserError("that would leave no note to the old code.", "Rename it instead, or split off fewer.")
            _free(codes, name)
            key = say.code_id(name)
            self._append(tx, say.Split(code=code, notes=_refs(have), into=key, name=_name(name)))
        return codes_of(self.store).codes[key]

    def promote(self, code: str, codebook: CodebookRef, mode: str) -> Event:
        """Say that a code has become a mode (`labels.coding.promote` makes the mode)."""
        with self.store.write() as tx:
            codes = codes_of(tx)
            _code(codes, code)
            return self._append(tx, say.Promote(code=code, codebook=codebook, mode=mode))

    def _append(self, tx: Transaction, said: say.Op) -> Event:
        origin = tx.execute("SELECT value FROM meta WHERE name = 'origin'")[0][0]
        rows = tx.execute(
            "SELECT origin, max(seq) FROM event WHERE run = ? AND origin <> ? GROUP BY origin", [NOWHERE, origin]
        )
        after = {str(other): int(seq) for other, seq in rows}
        content = Coding(said=said, tool=self.tool, after=after)
        return events.append(
            tx, kind=CODE, reviewer=self.name, run=NOWHERE, content_id=None, chunk=NOWHERE, payload=content.payload()
        )

    # -- taking back --------------------------------------------------------------------------------------------

    def undo(self) -> Event | None:
        """Take this person's last act back; the event it was, None if there is nothing left."""
        return self._back_or_forth(UNDO)

    def redo(self) -> Event | None:
        """Do what was last taken back again; the event it was, None if there is nothing."""
        return self._back_or_forth(REDO)

    def _back_or_forth(self, kind: str) -> Event | None:
        with self.store.write() as tx:
            origin = tx.execute("SELECT value FROM meta WHERE name = 'origin'")[0][0]
            mine = [event for event in events.of_runs(tx, [NOWHERE], self.name) if event.origin == origin]
            undo, redo = _stacks(mine)
            stack = undo if kind == UNDO else redo
            if not stack:
                return None
            events.append(
                tx, kind=kind, reviewer=self.name, run=NOWHERE, content_id=None, chunk=NOWHERE,
                payload={"target": stack[-1].id},
            )  # fmt: skip
        return stack[-1]


def _stacks(mine: Iterable[Event]) -> tuple[list[Event], list[Event]]:
    """What can be undone and redone, the next one last. A new act clears redo."""
    by_id: dict[str, Event] = {}
    undo: list[str] = []
    redo: list[str] = []
    for event in mine:
        if event.kind == CODE:
            by_id[event.id] = event
            undo.append(event.id)
            redo.clear()
            continue
        source, other = (undo, redo) if event.kind == UNDO else (redo, undo)
        target = str(event.data["target"])
        if source and source[-1] == target:
            source.pop()
            other.append(target)
    return [by_id[key] for key in undo], [by_id[key] for key in redo]


def _refs(notes: Sequence[NoteKey]) -> tuple[NoteRef, ...]:
    if len(notes) > MOST_NOTES:
        raise UsageError(f"that are more than {MOST_NOTES:,} notes at once.", "Take fewer.")
    return tuple(NoteRef(**note._asdict()) for note in dict.fromkeys(notes))


def _there(tx: Transaction, notes: Sequence[NoteKey]) -> None:
    for note in notes:
        if not tx.execute("SELECT 1 FROM note WHERE run = ? AND reviewer = ? AND chunk = ? AND label = ?", note):
            raise UserError("a note is not there any more: it was changed from elsewhere.", "Look again.")


def _code(codes: Codes, id: str) -> Code:
    if id not in codes.codes:
        raise UserError("that code is not there any more: it was merged or taken back meanwhile.", "Look again.")
    return codes.codes[id]


def _free(codes: Codes, name: str, *, but: str = "") -> None:
    other = codes.find(name)
    if other is not None and other.id != but:
        known = "is called so" if say.fold_name(other.name) == say.fold_name(name) else f"was ({other.name!r})"
        raise UserError(f"a code {known} already.", "Merge the two, or choose another name.")


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not name or len(name) > say.LONGEST_NAME or not name.isprintable():
        raise UsageError("that cannot be a code's name.", f"Use 1 to {say.LONGEST_NAME} printable characters.")
    return name
