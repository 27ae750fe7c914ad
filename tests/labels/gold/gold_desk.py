"""A database with runs and votes, for tests of gold."""

from pathlib import Path
from typing import Any

from helpers import put

from labels.codebook import BUILT_IN, load
from labels.ledger import Ledger, chunk_target, run_target
from labels.maintenance import remember_codebook
from labels.model import Act, Evidence, Label, Op, SetLabel, SetNone, SetVerdict, StepRef, Target
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.chunks import Policy, chunk_ref, chunks_of
from sessions.run import Part, Step
from sessions.store import Store

MAST = load(BUILT_IN / "mast.toml")
POLICY = "every:2"
LOOP, SKIP = "step-repetition", "no-or-incomplete-verification"
APPROVE = SetVerdict(verdict="approve")
NONE = SetNone(codebook=MAST.ref)


def texts(number: int, count: int = 6) -> list[Step | str]:
    """The steps of the run with this number: a user's task first, then the agent."""
    first = Step("user", "user", [Part("text", f"Task {number}: count to {count}.")])
    return [first, *(f"run {number} counts step {place}" for place in range(2, count + 1))]


class Desk:
    """A database, and a short way to decide on its runs."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store, self.folder = store, folder
        remember_codebook(store, MAST)

    def run(self, number: int = 1, steps: list[Step | str] | None = None) -> RunInfo:
        return put(self.store, self.folder / f"run{number}.jsonl", texts(number) if steps is None else steps)

    def target(self, run: RunInfo, number: int | None) -> Target:
        """The chunk with this number, from 1; None for the whole run."""
        if number is None:
            return run_target(self.store, run)
        return chunk_target(
            chunk_ref(self.store, run, chunks_of(self.store, run, Policy.parse(POLICY)), number - 1), POLICY
        )

    def label(self, run: RunInfo, mode: str, step: int, *, to: int | None = None, **more: Any) -> SetLabel:
        """A label on steps step..to (from 1), which quotes the first word of the step."""
        info = MAST.by_slug[mode]
        first, last = self.ref(run, step), self.ref(run, to or step)
        text = catalog.step(self.store, run.no, step - 1).step.parts[0].text
        quote = more.pop("quote", text[:3])
        start = text.index(quote)
        evidence = (Evidence(step=first, part=0, start=start, end=start + len(quote), quote=quote),)
        made = Label(
            id=more.pop("id", f"{mode}-{step}"), mode=mode, code=info.code, name=info.name, codebook=MAST.ref,
            first=first, last=last, evidence=evidence, **more,
        )  # fmt: skip
        return SetLabel(label=made)

    def ref(self, run: RunInfo, step: int) -> StepRef:
        found = catalog.step_id(self.store, run.no, step - 1)
        assert found is not None
        return StepRef(id=found, index=step - 1)

    def say(self, who: str, run: RunInfo, chunk: int | None, *ops: Op, verdict: Op = APPROVE, **more: Any) -> None:
        act = Act(
            target=self.target(run, chunk),
            ops=(verdict, *ops),
            **{"blind_suggestions": True, "blind_votes": True, "seconds": 12.5, **more},
        )
        Ledger(self.store, who).record(run, act)


def fill(desk: Desk) -> None:
    """Two runs of six steps in chunks of two, judged by three people who do not always agree.

    Run 1, chunk 1: all none. Chunk 2: ann and bob see a loop in step 3, cat says none. Chunk 3: ann skips it, bob sees
    a skipped check, cat says none (a draw). Run 2, whole: ann says none; chunk 1 by bob, unsure.
    """
    one, two = desk.run(1), desk.run(2)
    for who in ("ann", "bob", "cat"):
        desk.say(who, one, 1, NONE)
    desk.say("ann", one, 2, desk.label(one, LOOP, 3, to=4, root_cause=True))
    desk.say("bob", one, 2, desk.label(one, LOOP, 3, note="again"))
    desk.say("cat", one, 2, NONE)
    desk.say("ann", one, 3)
    desk.say("bob", one, 3, desk.label(one, SKIP, 6))
    desk.say("cat", one, 3, NONE)
    desk.say("ann", two, None, NONE)
    desk.say("bob", two, 1, desk.label(two, LOOP, 2, sure=False))
