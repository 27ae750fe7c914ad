"""Databases in which several people have judged runs, for tests of the screens for adjudication and agreement."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

from helpers import put

from labels.codebook import Codebook, load_all
from labels.ledger import Ledger, chunk_target, run_target
from labels.maintenance import remember_codebook
from labels.model import Act, Evidence, Label, Op, SetJudged, SetLabel, SetNone, SetNote, SetVerdict, StepRef, Target
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.chunks import Policy, chunk_ref, chunks_of
from sessions.run import Part, Step
from sessions.store import Store

POLICY = "every:2"
LOOP, SKIP, RESET = "step-repetition", "no-or-incomplete-verification", "conversation-reset"
#: Markup, terminal escapes (title, colour, clear), a C1 control, a right-to-left override, a zero-width space.
HOSTILE = "[b]bold[/b] [/red] \x1b]0;owned\x07 \x1b[31mred\x1b[2J \x9b5n \u202egnihtemos\u202c a\u200bb"


def mast() -> Codebook:
    (book,) = [book for book in load_all([]) if book.id == "mast"]
    return book


class Voters:
    """Short ways to let people decide in a database."""

    def __init__(self, db: Path, book: Codebook | None = None) -> None:
        db.parent.mkdir(parents=True, exist_ok=True)
        self.db, self.book = db, book or mast()
        with Store.open(db) as store:
            remember_codebook(store, self.book)

    def run(self, name: str = "run1", steps: int = 6, first: str = "") -> RunInfo:
        """A run of so many steps; its title is the name."""
        made: list[Step | str] = [Step("user", "user", [Part("text", first or f"Task {name}.")])]
        made += [f"{name} counts step {number}" for number in range(2, steps + 1)]
        with Store.open(self.db) as store:
            return put(store, self.db.parent / f"{name}.jsonl", made)

    def say(
        self,
        who: str,
        run: RunInfo,
        chunk: int | None,
        *modes: str | tuple[str, int],
        note: str = "",
        label_note: str = "",
        sure: bool = True,
        root: bool = False,
        verdict: str = "approve",
        judged: tuple[str, ...] = (),
        book: Codebook | None = None,
        **more: Any,
    ) -> None:
        """Decide on a chunk (from 1; None: the whole run). modes: labelled, at the chunk's first step or the given one
        (from 1); "none of the codebook" where there is no mode."""
        using = book or self.book
        with Store.open(self.db) as store:
            remember_codebook(store, using)
            target = self._target(store, run, chunk)
            ops: list[Op] = [SetVerdict.model_validate({"verdict": verdict})]
            ops += [
                SetLabel(
                    label=self._label(store, run, target, mode, using, sure=sure, note=label_note, root_cause=root)
                )
                for mode in modes
            ]
            ops += [] if modes else [SetNone(codebook=using.ref)]
            ops += [SetJudged(codebook=using.ref, modes=judged)] if judged else []
            ops += [SetNote(text=note)] if note else []
            facts = {"blind_suggestions": True, "blind_votes": True, "seconds": 12.0, **more}
            Ledger(store, who).record(run, Act(target=target, ops=tuple(ops), **facts))

    def _target(self, store: Store, run: RunInfo, chunk: int | None) -> Target:
        if chunk is None:
            return run_target(store, run)
        return chunk_target(chunk_ref(store, run, chunks_of(store, run, Policy.parse(POLICY)), chunk - 1), POLICY)

    @staticmethod
    def _label(
        store: Store, run: RunInfo, target: Target, mode: str | tuple[str, int], book: Codebook, **more: Any
    ) -> Label:
        slug, number = mode if isinstance(mode, tuple) else (mode, target.first.index + 1)
        info = book.by_slug[slug]
        step_id = catalog.step_id(store, run.no, number - 1)
        assert step_id is not None
        ref = StepRef(id=step_id, index=number - 1)
        quote = catalog.step(store, run.no, number - 1).step.parts[0].text[:9]
        evidence = (Evidence(step=ref, part=0, start=0, end=len(quote), quote=quote),)
        return Label(
            id=uuid.uuid4().hex[:12], mode=slug, code=info.code, name=info.name, codebook=book.ref, first=ref,
            last=ref, evidence=evidence, **more,
        )  # fmt: skip


def disputed(db: Path, runs: int = 2) -> Voters:
    """Runs of six steps in chunks of two, judged by annika, bobby and xavier.

    Of each run: chunk 1, all say none. Chunk 2: annika and bobby see a loop, xavier does not. Chunk 3: bobby alone sees
    a skipped check, xavier says none, annika did not look: a draw.
    """
    voters = Voters(db)
    for number in range(1, runs + 1):
        run = voters.run(f"run{number}")
        for who in ("annika", "bobby", "xavier"):
            voters.say(who, run, 1)
        voters.say("annika", run, 2, LOOP)
        voters.say("bobby", run, 2, (LOOP, 4), label_note="again and again")
        voters.say("xavier", run, 2)
        voters.say("bobby", run, 3, (SKIP, 6))
        voters.say("xavier", run, 3, note="nothing was skipped")
    return voters
