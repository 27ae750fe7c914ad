"""A database with small runs, and people who work through queues of them."""

from pathlib import Path
from typing import Any

from helpers import put

from labels import queues, suggestions
from labels.codebook import load_all
from labels.ledger import Ledger, chunk_target, run_target
from labels.model import WHOLE_RUN, Act, Clear, Evidence, Label, Op, SetLabel, SetNone, SetVerdict, StepRef
from labels.suggestions import Suggestion
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.chunks import ChunkRef, Policy, chunk_ref, chunks_of
from sessions.store import Store

POLICY = "every:2"
MAST = load_all().get("mast")


class Desk:
    """Runs of six steps: three chunks each."""

    def __init__(self, store: Store, folder: Path, runs: int = 3) -> None:
        self.store = store
        self.runs = [put(store, folder / f"{n}.jsonl", [f"run {n} step {k}" for k in range(6)]) for n in range(runs)]

    def queue(self, **settings: Any) -> queues.Queue:
        return queues.create(self.store, "q", self.runs, policy=POLICY, **settings)

    def chunk(self, run: RunInfo, number: int) -> ChunkRef:
        return chunk_ref(self.store, run, chunks_of(self.store, run, Policy.parse(POLICY)), number)

    def ref(self, run: RunInfo, index: int) -> StepRef:
        return StepRef(id=catalog.step_id(self.store, run.no, index) or "", index=index)

    def decide(self, who: str, run: str, chunk: str, *modes: str) -> None:
        info = next(item for item in self.runs if item.id == run)
        if chunk == WHOLE_RUN:
            target = run_target(self.store, info)
        else:
            found = next(ref for number in range(3) if (ref := self.chunk(info, number)).id == chunk)
            target = chunk_target(found, POLICY)
        ops: list[Op] = [Clear(), SetVerdict(verdict="approve")]
        for mode in modes:
            ops.append(
                SetLabel(label=Label(id=mode, mode=mode, codebook=MAST.ref, first=target.first, last=target.last))
            )
        if not modes:
            ops.append(SetNone(codebook=MAST.ref))
        act = Act(target=target, ops=tuple(ops), blind_suggestions=True, blind_votes=True)
        Ledger(self.store, who).record(info, act)

    def suggest(self, run: int, index: int, mode: str) -> None:
        step = self.ref(self.runs[run], index)
        quote = Evidence(step=step, part=0, start=0, end=3, quote="run")
        item = Suggestion(
            mode=mode, codebook=MAST.ref, first=step, last=step, evidence=(quote,), score=1, detector="d", version="1"
        )
        suggestions.save(self.store, self.runs[run], [item])
