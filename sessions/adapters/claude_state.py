"""What hooks of one Claude Code session must know of those before them, and that they come one after the other."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from hashlib import sha256
from pathlib import Path
from typing import Any

from sessions.errors import UserError
from sessions.jsontext import BadJson, dumps, loads
from sessions.store import Store

_NAME = "hook claude-code "


@dataclass
class State:
    """name: of the run; number: how many runs the session had before. begun: whether SessionStart, or the first call,
    was seen. transcript: `Transcript.memory`. calls: what there is no transcript for. intent: the gate that was about
    to be opened, with what follows once it is. refused: calls of an attempt that was given up, and what they are told.
    """

    session: str
    name: str = ""
    number: int = 0
    begun: bool = False
    workspace: str = ""
    task: str = ""
    transcript: dict[str, Any] = field(default_factory=dict)
    calls: list[dict[str, Any]] = field(default_factory=list)
    intent: dict[str, Any] | None = None
    flying: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    told: str = ""

    @classmethod
    def load(cls, store: Store, session: str) -> State:
        """Raises UserError if what is stored is damaged: nothing is known then of what was shown."""
        row = store.one("SELECT value FROM meta WHERE name = ?", [_NAME + session])
        try:
            known = loads(row[0]) if row else {}
            state = cls(**{**known, "session": session})
        except (BadJson, TypeError):
            raise UserError(f"the notes on session {session} are damaged.", "Start a new session.") from None
        state.opened(store)
        return state

    def opened(self, store: Store) -> None:
        self._store = store

    def save(self) -> None:
        values = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "session"}
        name, text = _NAME + self.session, dumps(values)
        with self._store.write("NORMAL", eager=True) as tx:
            tx.execute("DELETE FROM meta WHERE name = ?", [name])
            tx.execute("INSERT INTO meta VALUES (?, ?)", [name, text])

    # -- gates ------------------------------------------------------------------------------------------------------

    def intend(self, gate: str, payload: str, transcript: dict[str, Any], flying: list[str]) -> None:
        """A gate is about to be opened. transcript: what is known once it is. flying: calls that are under way."""
        self.intent = {"gate": gate, "sha256": payload, "transcript": transcript}
        self.flying = flying
        self.save()

    def settle(self, opened: bool) -> None:
        """The gate was opened and answered, or it never was."""
        if self.intent is not None and opened:
            self.transcript, self.calls = self.intent["transcript"], []
        self.intent = None
        self.save()

    def refuse(self, reason: str) -> None:
        """Calls that were under way when an attempt was given up are not made any more."""
        self.refused, self.told = self.flying, reason
        self.save()

    def refusal(self, call: str | None) -> str:
        """Why a call is not made; "" if it may be."""
        if call is None or call not in self.refused:
            return ""
        return f"This call belongs to an attempt that was given up.\n\n{self.told}"


@contextmanager
def lock(database: Path, session: str) -> Iterator[None]:
    """Held by one hook of a session at a time: Claude Code runs several at once where calls are made in parallel. It
    goes with the process that holds it. All sessions share one file, each locks a byte of it."""
    path = database.with_name(f"{database.name}-hooks")
    place = int.from_bytes(sha256(session.encode("utf-8", "surrogatepass")).digest()[:7], "big")
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}.", "Hooks take turns with it.") from None
    try:
        fcntl.lockf(file, fcntl.LOCK_EX, 1, place)
        yield
    finally:
        os.close(file)
