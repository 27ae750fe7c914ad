"""The reviewer's desk: one run, its chunks and what this reviewer says of them. No Textual in here.

The review screen asks the desk to do things, in a worker thread; the desk writes them through the ledger and reads
back what is now said. What it returns is on disk.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labels import second, views
from labels.blind import Veil
from labels.queues import rule_for
from labels.views import DecisionView, LabelView, LookView, SuggestionView
from review_tui import drafts, gates
from review_tui.drafts import EvidenceWish
from sessions import catalog, identity
from sessions.catalog import RunInfo
from sessions.chunks import Chunks, Policy, chunk_ref, chunks_of
from sessions.errors import UserError
from sessions.live.gates import GateInfo
from sessions.store import Store

if TYPE_CHECKING:  # the models pull pydantic in, which the first frame does not wait for
    from labels.codebook import Codebook, Mode
    from labels.codebook_ref import CodebookRef
    from labels.model import Op
    from review_tui.transcript.seen import Seen

#: What a label takes over from the suggestion it is made of.
_CLAIM = ("mode", "code", "name", "codebook", "first", "last", "evidence")
#: The chunk policy of live runs: what each gate showed.
GATES_POLICY = "gates"
#: Time on a chunk beyond which nobody was reading any more, in seconds.
LONGEST_LOOK = 900.0


@dataclass(frozen=True)
class Spot:
    """What a decision is about: a chunk (from 0), or the whole run. Kept while a question is open, because the reviewer
    may have turned to another chunk before the answer is written."""

    chunk: int
    whole_run: bool


@dataclass(frozen=True)
class Change:
    """What was changed from elsewhere. what: `decisions`, `gates` or `suggestions`. new: how many suggestions are."""

    what: str
    new: int


@dataclass(frozen=True)
class Undone:
    """What an undone or redone act was about: the whole run, or steps first..last (indices)."""

    whole_run: bool
    first: int
    last: int


class Desk:
    """What is on the desk. `chunk` is the current one, from 0; `whole_run` turns decisions to the run as a whole."""

    def __init__(self, store: Store, run: RunInfo, reviewer: str, policy: str) -> None:
        self.store, self.run, self.reviewer = store, run, reviewer
        self.rule = rule_for(store, run, reviewer)
        self.policy = Policy.parse(self.rule.policy or policy)
        self.chunks: Chunks = chunks_of(store, run, self.policy)
        self.chunk = 0
        self.whole_run = False
        self.decisions: list[DecisionView] = []
        self.suggestions: list[SuggestionView] = []
        #: Ids of chunks that a queue has given this reviewer a second time: what they said before is not shown.
        self.again: frozenset[str] = frozenset()
        #: Suggestions that this reviewer may not see yet.
        self.hidden = 0
        self.looks: tuple[LookView, ...] = ()
        #: The run's gates, in the order of opening; empty for a recorded run.
        self.gates: list[GateInfo] = []
        #: What of the run's text has been on a screen; None where there is none.
        self.seen: Seen | None = None
        self._entered = time.monotonic()
        self._remembered: set[str] = set()
        self._here: dict[tuple[int, str | None, str], bool] = {}
        self.reload()

    # -- reading ------------------------------------------------------------------------------------------------

    def reload(self) -> None:
        """Read decisions and suggestions again."""
        self.decisions, self.again = second.decisions(self.store, self.run, self.reviewer)
        self.looks = views.looks(self.store, self.run)
        self.veil = Veil(self.store, self.run, self.chunks, self.rule, again=self.again)
        every = views.suggestions(self.store, self.run)
        self.suggestions = [item for item in every if not self.veil.hides(item)]
        self.hidden = len(every) - len(self.suggestions)
        # A recorded run in a queue is decided on as if nobody had: what was said at its gates is others' verdicts.
        queued = self.rule.queue and self.run.complete
        self.gates = [] if queued else gates.of_run(self.store, self.run.id)

    @property
    def gate(self) -> GateInfo | None:
        """The live gate that shows the current chunk, if there is one."""
        if not self.gates or self.whole_run or not len(self.chunks):
            return None
        return gates.here(self.gates, *self.chunks.bounds(self.chunk))

    def changed_elsewhere(self) -> Change | None:
        """Read everything again; what another station or a detector has changed since, None if nothing."""
        decisions, before, passed = self.decisions, (self.suggestions, self.looks), self.gates
        self.reload()
        if decisions != self.decisions:
            return Change("decisions", 0)
        if passed != self.gates:
            return Change("gates", 0)
        if before != (self.suggestions, self.looks):
            known = {item.id for item in before[0]}
            return Change("suggestions", sum(1 for item in self.suggestions if item.id not in known))
        return None

    @property
    def blind(self) -> bool:
        """Whether suggestions on the current chunk are hidden until there is a verdict."""
        return self._veiled(self.spot)

    def _veiled(self, spot: Spot) -> bool:
        return self.veil.over_all if spot.whole_run else self.veil.veiled(spot.chunk)

    @property
    def whole_decision(self) -> DecisionView | None:
        """What is said of the run as a whole."""
        return next((item for item in self.decisions if item.scope == "run"), None)

    def refresh_run(self) -> bool:
        """Read the run's row again; True if it has changed (more steps, complete, joined with another)."""
        fresh = catalog.run_by_id(self.store, self.run.id)
        if fresh is None or fresh == self.run:
            return False
        chunks = chunks_of(self.store, fresh, self.policy)
        self.rule = rule_for(self.store, fresh, self.reviewer)
        self.run, self.chunks = fresh, chunks  # together: half of it would let a chunk be decided that still grows
        self.chunk = min(self.chunk, max(0, len(self.chunks) - 1))
        return True

    def set_policy(self, text: str, index: int) -> None:
        """Cut the run another way; the chunk of step `index` is then the current one. Raises UsageError."""
        policy = Policy.parse(text)
        if self.rule.policy is not None and str(policy) != self.rule.policy:
            raise UserError(f"the queue {self.rule.name!r} cuts this run by {self.rule.policy}, for every reviewer.")
        self.chunks = chunks_of(self.store, self.run, policy)
        self.policy = policy
        self.chunk = self.chunks.of_step(index)
        self.reload()

    def enter(self, chunk: int, *, anew: bool = False) -> None:
        """Turn to a chunk; its clock starts. anew: even if it is the current one."""
        if anew or chunk != self.chunk:
            self.chunk = chunk
            self._entered = time.monotonic()

    @property
    def chunk_open(self) -> bool:
        """Whether the current chunk is still growing: its last step is not in yet. What a gate shows is all there."""
        if self.policy.kind == GATES_POLICY:
            return False
        return not self.run.complete and self.chunk == len(self.chunks) - 1

    @property
    def spot(self) -> Spot:
        """What a decision made now would be about."""
        return Spot(self.chunk, self.whole_run)

    @property
    def bounds(self) -> tuple[int, int]:
        """First and last step index that a decision made now would cover."""
        return self._bounds(self.spot)

    def _bounds(self, spot: Spot) -> tuple[int, int]:
        if spot.whole_run or not len(self.chunks):
            return 0, max(0, self.run.steps - 1)
        return self.chunks.bounds(spot.chunk)

    @property
    def decision(self) -> DecisionView | None:
        """What is said of the current chunk (or of the whole run)."""
        if self.whole_run:
            return self.whole_decision
        if not len(self.chunks):
            return None
        first, last = self.bounds
        for item in self.decisions:
            if item.scope == "chunk" and item.first == first and item.chunk == self._chunk_id(first, last):
                return item
        return None

    def _chunk_id(self, first: int, last: int) -> str:
        ends = (catalog.step_id(self.store, self.run.no, first), catalog.step_id(self.store, self.run.no, last))
        return identity.chunk_id(ends[0] or "", ends[1] or "")

    def decided(self) -> dict[int, DecisionView]:
        """Decisions on the chunks of the current policy: chunk (from 0) -> decision."""
        found = {}
        for item in self.decisions:
            if item.scope == "chunk" and len(self.chunks):
                chunk = self.chunks.of_step(item.first)
                if self.chunks.bounds(chunk) == (item.first, item.last) and self._is_here(item):
                    found[chunk] = item
        return found

    def _is_here(self, item: DecisionView) -> bool:
        """Whether the steps that a decision was made on are still the ones that stand there."""
        key = (self.run.no, self.run.content_id, item.chunk)
        if key not in self._here:
            self._here[key] = self._chunk_id(item.first, item.last) == item.chunk
        return self._here[key]

    def answers(self) -> dict[str, str]:
        """Every answer of this reviewer in the run: suggestion id -> `accept`, `reject` or `relabel`."""
        return {key: value for item in self.decisions for key, value in item.answers.items()}

    def labels(self) -> list[LabelView]:
        """Every label of this reviewer in the run."""
        return [label for item in self.decisions for label in item.labels]

    def open_suggestions(self) -> list[SuggestionView]:
        """Suggestions that touch the current chunk."""
        first, last = self.bounds
        return [item for item in self.suggestions if item.first <= last and item.last >= first]

    def next_undecided(self) -> int | None:
        """The next chunk without a verdict, after the current one and then from the start; None if all have one."""
        done = {chunk for chunk, item in self.decided().items() if item.verdict}
        order = [*range(self.chunk + 1, len(self.chunks)), *range(self.chunk)]
        return next((chunk for chunk in order if chunk not in done), None)

    # -- deciding -----------------------------------------------------------------------------------------------

    def verdict(self, verdict: str, to: int | None = None, at: Spot | None = None) -> None:
        """Decide. to: for `rollback`, the index of the first step undone. at: what on, if not the current chunk."""
        from labels.model import SetVerdict

        target = None if to is None else drafts.step_ref(self.store, self.run, to)
        self._record(SetVerdict.model_validate({"verdict": verdict, "to": target}), at=at)

    def none(self, codebooks: Sequence[Codebook], at: Spot | None = None) -> None:
        """Say that no mode of these codebooks occurs here, or take it back if that is said of all of them."""
        from labels.model import SetNone

        spot, value = at or self.spot, not self.says_none(codebooks)
        self._record(*[SetNone(codebook=self._ref(book), value=value) for book in codebooks], at=spot)

    def says_none(self, codebooks: Sequence[Codebook]) -> bool:
        """Whether "none" is said of each of these codebooks."""
        return self.decision is not None and all(book.id in self.decision.none for book in codebooks)

    def note(self, text: str, at: Spot | None = None) -> None:
        from labels.model import SetNote

        self._record(SetNote(text=text), at=at)

    def add_label(
        self,
        codebook: Codebook,
        mode: Mode,
        first: int,
        last: int,
        evidence: list[EvidenceWish],
        at: Spot | None = None,
    ) -> LabelView:
        """Label steps first..last (indices) with a mode. Returns the label as it is now."""
        from labels.model import SetLabel

        label = drafts.label(self.store, self.run, self._ref(codebook), mode, (first, last), evidence)
        self._record(SetLabel(label=label), at=at)
        found = next((item for item in self.labels() if item.id == label.id), None)
        if found is None:
            raise self._elsewhere()
        return found

    def change_label(self, label: LabelView, **changes: Any) -> None:
        """Change fields of a label: sure, root_cause, caused_by, note, or first/last/evidence as models."""
        from labels.model import Label, SetLabel

        self._record(SetLabel(label=Label.model_validate({**label.data, **changes})), owner=self._owner(label))

    def stretch_label(self, label: LabelView, index: int) -> None:
        """Let a label reach to another step."""
        changes = {
            "first": drafts.step_ref(self.store, self.run, min(label.first, index)),
            "last": drafts.step_ref(self.store, self.run, max(label.last, index)),
        }
        self.change_label(label, **changes)

    def add_evidence(self, label: LabelView, evidence: list[EvidenceWish]) -> None:
        """Quote further passages for a label, which then reaches to their steps."""
        quotes = [drafts.evidence(self.store, self.run, wish).model_dump() for wish in evidence]
        steps = [item.index for item in evidence]
        self.change_label(
            label,
            evidence=[*label.data["evidence"], *quotes],
            first=drafts.step_ref(self.store, self.run, min(label.first, *steps)),
            last=drafts.step_ref(self.store, self.run, max(label.last, *steps)),
        )

    def remove_label(self, label: LabelView) -> None:
        from labels.model import RemoveLabel

        self._record(RemoveLabel(id=label.id), owner=self._owner(label))

    def answer(
        self,
        suggestion: SuggestionView,
        answer: str,
        mode: tuple[Codebook, Mode] | None = None,
        at: Spot | None = None,
    ) -> None:
        """Accept, reject or relabel a suggestion. Accepting makes the label and its evidence in the same act; another
        answer to the same suggestion takes the label of the one before away."""
        from labels.model import Label, RemoveLabel, SetAnswer, SetLabel

        spot = at or self.spot
        # A suggestion that touches several chunks has one answer, kept where it was given first.
        owner = next((item for item in self.decisions if suggestion.id in item.answers), None)
        before = owner.labels if owner else ()
        ops: list[Op] = [RemoveLabel(id=item.id) for item in before if item.suggestion == suggestion.id]
        label_id = None
        if answer != "reject":
            label_id = uuid.uuid4().hex[:12]
            data = {key: suggestion.data[key] for key in _CLAIM}
            if mode is not None:
                codebook, chosen = mode
                data |= {"mode": chosen.slug, "code": chosen.code, "name": chosen.name}
                data["codebook"] = self._ref(codebook)
            label = Label.model_validate({**data, "id": label_id, "suggestion": suggestion.id})
            ops.append(SetLabel(label=label))
        seconds = round(self._seconds(), 1)
        ops.append(
            SetAnswer.model_validate(
                {"suggestion": suggestion.id, "answer": answer, "label": label_id, "seconds": seconds}
            )
        )
        self._record(*ops, owner=owner, at=spot)

    def undo(self) -> Undone | None:
        """Take the last act back; what it was about, None if there is nothing to undo."""
        return self._step("undo")

    def redo(self) -> Undone | None:
        """Do again what was undone last; as `undo`."""
        return self._step("redo")

    def _step(self, which: str) -> Undone | None:
        from labels.ledger import Ledger

        ledger = Ledger(self.store, self.reviewer)
        event = ledger.undo(self.run) if which == "undo" else ledger.redo(self.run)
        self.reload()
        if event is None:
            return None
        act = next(item for item in ledger.history(self.run) if item.id == event.data["target"])
        target = act.data["target"]
        return Undone(target["scope"] == "run", target["first"]["index"], target["last"]["index"])

    # -- making models ------------------------------------------------------------------------------------------

    def _ref(self, codebook: Codebook) -> CodebookRef:
        """The codebook as labels name it; its content is kept beside them, so that a change can be told later."""
        from labels.maintenance import remember_codebook

        if codebook.hash not in self._remembered:
            remember_codebook(self.store, codebook)
            self._remembered.add(codebook.hash)
        return codebook.ref

    def _owner(self, label: LabelView) -> DecisionView:
        """The decision a label belongs to: labels of other chunks can be changed from anywhere."""
        owner = next((item for item in self.decisions if label.id in {own.id for own in item.labels}), None)
        if owner is None:
            raise self._elsewhere()
        return owner

    def _elsewhere(self) -> UserError:
        """Another station has taken back what this one was about to change."""
        self.reload()
        return UserError("this was changed from elsewhere meanwhile.", "Look again; nothing was written.")

    def _blind(self, spot: Spot, owner: DecisionView | None) -> bool:
        """Whether what is said now is said without knowing what detectors suggest: they are hidden, or none has looked.
        Seeing that they found nothing is knowing, too."""
        if not (self.looks or self.suggestions or self.hidden):
            return True
        if owner is None:
            return self._veiled(spot)
        return self._veiled(Spot(self.chunks.of_step(owner.first), owner.scope == "run"))

    @property
    def seconds_here(self) -> float:
        """Time on the current chunk so far."""
        return round(self._seconds(), 1)

    def _seconds(self) -> float:
        return min(LONGEST_LOOK, time.monotonic() - self._entered)

    def _knows(self, chunk: str) -> bool:
        """Whether this reviewer knows others' votes or notes on a chunk: having adjudicated it, or coded its notes."""
        from labels.adjudication import has_ruled
        from labels.coding.seen import notes_read

        return any(known(self.store, self.run, self.reviewer, chunk) for known in (has_ruled, notes_read))

    def _record(self, *operations: Op, owner: DecisionView | None = None, at: Spot | None = None) -> None:
        """Write one act on the current chunk, on the one a label belongs to, or on another spot."""
        from labels.ledger import Ledger, chunk_target, run_target
        from labels.model import Act, Shown, Target

        ledger = Ledger(self.store, self.reviewer)
        spot = at or self.spot
        first, last = self._bounds(spot) if owner is None else (owner.first, owner.last)
        shown = [item for item in self.suggestions if item.first <= last and item.last >= first]
        if owner is not None:
            said = ledger.decisions(self.run)
            target = next((item.target for item in said if item.target.id == owner.chunk), None)
            if target is None:
                raise self._elsewhere()
        elif spot.whole_run:
            target = run_target(self.store, self.run)
        else:
            target = chunk_target(chunk_ref(self.store, self.run, self.chunks, spot.chunk), str(self.policy))
        assert isinstance(target, Target)
        again = second.chunks_again(self.store, catalog.ids_of(self.store, self.run.id), self.reviewer)
        if (target.id in again) != (target.id in self.again):
            raise self._elsewhere()  # it would be said of another reading than the one that is shown
        ledger.record(
            self.run,
            Act(
                target=target,
                ops=operations,
                seconds=round(self._seconds(), 1) if spot == self.spot and owner in (None, self.decision) else None,
                shown=tuple(Shown(id=item.id, detector=item.detector, version=item.version) for item in shown),
                blind_suggestions=self._blind(spot, owner),
                blind_votes=not self._knows(target.id),  # this screen itself never shows others' decisions
                read=self.seen.share(self.store, self.run, first, last) if self.seen else None,
            ),
        )
        self.reload()
