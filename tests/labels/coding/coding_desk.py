"""A database with small runs, people who note things on them, and people who give codes."""

from pathlib import Path
from typing import Any

from helpers import put

from labels.codebook import load_all
from labels.coding.coder import Coder
from labels.coding.fold import NoteKey
from labels.coding.notes import Board, Note, board
from labels.ledger import Ledger, chunk_target, run_target
from labels.model import Act, Evidence, Label, Op, SetLabel, SetNone, SetNote, SetVerdict, StepRef
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.chunks import Policy, chunk_ref, chunks_of
from sessions.store import Store

POLICY = "every:2"
MAST = load_all().get("mast")


class CodingDesk:
    """Runs of six steps: three chunks each. `note` returns the note's key."""

    def __init__(self, store: Store, folder: Path, runs: int = 3, *, shared: bool = True) -> None:
        self.store = store
        name = "run" if shared else folder.name
        folder.mkdir(parents=True, exist_ok=True)
        texts = [[f"{name} {n} step {k}: the password=hunter2hunter2 is kept" for k in range(6)] for n in range(runs)]
        self.runs = [put(store, folder / f"{n}.jsonl", steps) for n, steps in enumerate(texts)]

    def target(self, run: RunInfo, chunk: int | None) -> Any:
        if chunk is None:
            return run_target(self.store, run)
        return chunk_target(chunk_ref(self.store, run, chunks_of(self.store, run, Policy.parse(POLICY)), chunk), POLICY)

    def act(self, who: str, run: int, chunk: int | None, *ops: Op, **more: Any) -> str:
        """Record an act; the chunk's id. chunk: from 0, None for the whole run."""
        info = self.runs[run]
        target = self.target(info, chunk)
        act = Act(target=target, ops=ops, **{"blind_suggestions": True, "blind_votes": True, **more})
        Ledger(self.store, who).record(info, act)
        return str(target.id)

    def note(self, text: str, *, run: int = 0, chunk: int | None = 0, who: str = "ann") -> NoteKey:
        done = self.act(who, run, chunk, SetVerdict(verdict="approve"), SetNote(text=text))
        return NoteKey(self.runs[run].id, who, done, "")

    def label_note(
        self, text: str, *, run: int = 0, step: int = 0, quote: str = "step", who: str = "ann", mode: str = ""
    ) -> NoteKey:
        """A note on a label of a step, with a quote as evidence."""
        info = self.runs[run]
        stored = catalog.step(self.store, info.no, step)
        ref = StepRef(id=stored.id, index=step)
        start = stored.step.parts[0].text.index(quote)
        evidence = Evidence(step=ref, part=0, start=start, end=start + len(quote), quote=quote)
        label = Label(
            id=f"label-{who}-{run}-{step}", mode=mode or MAST.modes[0].slug, codebook=MAST.ref, first=ref, last=ref,
            evidence=(evidence,), note=text,
        )  # fmt: skip
        done = self.act(who, run, step // 2, SetVerdict(verdict="approve"), SetLabel(label=label))
        return NoteKey(info.id, who, done, label.id)

    def none(self, who: str, run: int, chunk: int, book: Any = MAST) -> str:
        return self.act(who, run, chunk, SetVerdict(verdict="approve"), SetNone(codebook=book.ref))

    def coder(self, who: str = "ann") -> Coder:
        return Coder(self.store, who, "test")

    def board(self, who: str = "ann") -> Board:
        return board(self.store, who)

    def shown(self, who: str = "ann") -> dict[str, list[str]]:
        """Code -> the texts of its notes."""
        found = self.board(who)
        return {code.name: [found.by_key[key].text for key in code.notes] for code in found.codes}

    def note_of(self, key: NoteKey, who: str = "ann") -> Note:
        return self.board(who).by_key[key]
