"""A database with runs, outcomes and labels, for tests of insights."""

import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

from helpers import FORMAT, line_of

from labels.codebook import BUILT_IN, Codebooks, load
from labels.insights import Scope, build
from labels.insights.figures import Insights, Profile
from labels.ledger import Ledger, chunk_target, run_target
from labels.maintenance import remember_codebook
from labels.model import Act, Label, Op, SetLabel, SetNone, SetVerdict, StepRef, Target, Verdict
from sessions import catalog, readers
from sessions.catalog import RunInfo
from sessions.chunks import Policy, chunk_ref, chunks_of
from sessions.ingest import import_file
from sessions.run import Part, Step
from sessions.store import Store

MAST = load(BUILT_IN / "mast.toml")
SAFETY = load(BUILT_IN / "safety.toml")
BOOKS = Codebooks((MAST, SAFETY))
POLICY = "every:2"
LOOP, RESET, WRONG, MISMATCH = (
    "step-repetition", "conversation-reset", "incorrect-verification", "reasoning-action-mismatch",
)  # fmt: skip
NONE = SetNone(codebook=MAST.ref)
APPROVE = SetVerdict(verdict="approve")


class Desk:
    """A database, and a short way to make runs and decide on them."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store, self.folder = store, folder
        self._made = 0
        for book in (MAST, SAFETY):
            remember_codebook(store, book)

    def run(self, *, steps: int = 6, told: list[dict[str, Any]] | None = None, **header: Any) -> RunInfo:
        """A run of so many steps. told: what is known of each step (`at`, `tokens_in` ...). header: of the run
        (`system`, `reference={"reward": 1.0}`, `facts={"benchmark": ...}` ...)."""
        self._made += 1
        made = [
            Step("agent", "agent", [Part("text", f"run {self._made} step {place}")], **(told[place] if told else {}))
            for place in range(steps)
        ]
        path = self.folder / f"run{self._made}.jsonl"
        head = json.dumps({"run": {"title": f"run {self._made}", **header}})
        path.write_text("\n".join([head, *map(line_of, made)]) + "\n")
        with patch.dict(readers.BUILT_IN, {FORMAT: "helpers:LinesReader"}):
            (imported,) = import_file(self.store, path, FORMAT).runs
        run = catalog.run_by_id(self.store, imported.run)
        assert run is not None
        return run

    def target(self, run: RunInfo, number: int | None, policy: str = POLICY) -> Target:
        """The chunk with this number, from 1; None for the whole run."""
        if number is None:
            return run_target(self.store, run)
        parsed = Policy.parse(policy)
        return chunk_target(chunk_ref(self.store, run, chunks_of(self.store, run, parsed), number - 1), policy)

    def ref(self, run: RunInfo, step: int) -> StepRef:
        found = catalog.step_id(self.store, run.no, step - 1)
        assert found is not None
        return StepRef(id=found, index=step - 1)

    def label(self, run: RunInfo, mode: str, step: int, to: int | None = None, **more: Any) -> SetLabel:
        """A label on steps step..to, from 1."""
        book = MAST if mode in MAST.by_slug else SAFETY
        info = book.by_slug[mode]
        made = Label(
            id=more.pop("id", f"{mode}-{step}"), mode=mode, code=info.code, name=info.name, codebook=book.ref,
            first=self.ref(run, step), last=self.ref(run, to or step), **more,
        )  # fmt: skip
        return SetLabel(label=made)

    def say(
        self, who: str, run: RunInfo, chunk: int | None, *ops: Op, verdict: Verdict | None = "approve", back: int = 0,
        policy: str = POLICY, **more: Any,
    ) -> None:  # fmt: skip
        """back: of a rollback, the first step undone, from 1."""
        first: tuple[Op, ...] = ()
        if verdict is not None:
            first = (SetVerdict(verdict=verdict, to=self.ref(run, back) if back else None),)
        act = Act(
            target=self.target(run, chunk, policy), ops=(*first, *ops),
            **{"blind_suggestions": True, "blind_votes": True, **more},
        )  # fmt: skip
        Ledger(self.store, who).record(run, act)

    def judged(self, run: RunInfo, *modes: str, who: str = "ann", at: int = 1) -> None:
        """Judge the run as a whole: it has these modes, at a step, and no others of MAST."""
        self.say(who, run, None, *([self.label(run, mode, at) for mode in modes] or [NONE]), verdict=None, how="import")

    def insights(self, **scope: Any) -> Insights:
        return build(self.store, BOOKS, Scope(**scope))

    def profile(self, **scope: Any) -> Profile:
        found = self.insights(**scope).profile("mast")
        assert found is not None
        return found
