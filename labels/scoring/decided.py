"""Truth from the database: blind decisions, settled chunk by chunk.

Decisions on one chunk are settled by majority, mode by mode; an even split is left out, because a detector cannot be
right there. What an adjudicator has settled holds whatever the votes: they are not shown what detectors suggest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, TypeAlias

from labels import adjudication, views
from labels.codebook import Codebooks
from labels.detection import stale
from labels.detectors.base import Detector, RunMeta
from labels.gold.standing import standing
from labels.model import WHOLE_RUN, Label, StepRef
from labels.scoring.claims import of_view
from labels.scoring.truth import Account, Case, Claim, Judged, Passage, RunTruth, Span, Verdict
from labels.scoring.votes import Vote, blind_votes, by_run
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.errors import UsageError
from sessions.store import Store

CORPUS = "this database"
#: Whether a mode is there, and in which steps (none where the adjudicator does not say); None for undecided.
_Ruled: TypeAlias = tuple[bool, tuple[Span, ...]] | None

UNSURE = "blind labels marked unsure"
GONE = "blind decisions on steps that are not in the run any more"
NO_BOOK = "blind decisions by a codebook that is not loaded"
UNDECIDED = "modes of a chunk that adjudicators left undecided"
DIVIDED = "modes of a chunk on which blind reviewers were evenly divided"


def cases(store: Store, codebooks: Codebooks, account: Account, detectors: Sequence[Detector] = ()) -> Iterator[Case]:
    """The runs of the database on which something was decided blind, with what was said of them.

    detectors: those whose kept suggestions may be used instead of letting them look again. What counts, and what does
    not, is written to `account`.
    """
    adjudication.bring_up_to_date(store)
    votes = list(blind_votes(store, account))
    chunks = 0
    for key, said in by_run(votes).items():
        run = catalog.run_by_id(store, key)
        if run is None:
            continue
        judged = judged_of(store, run, said, codebooks, account)
        if not judged:
            continue
        chunks += len(judged)
        yield _case(store, run, judged, decisive_of(store, run, said), detectors)
    people = len({vote.reviewer for vote in votes})
    account.used.append(f"{chunks:,} chunks (or whole runs) decided blind, by {people:,} reviewer(s)")


def _case(
    store: Store, run: RunInfo, judged: list[Judged], decisive: int | None, detectors: Sequence[Detector]
) -> Case:
    truth = RunTruth(CORPUS, "sound", run.id, system_of(run), run.steps, tuple(judged), decisive, None, ties_of(run))
    meta = RunMeta(run.task, run.system, run.model, run.format)
    return Case((truth,), meta, lambda: catalog.steps(store, run.no), kept_claims(store, run, detectors))


def system_of(run: RunInfo) -> str:
    """What made the run, as far as its source says."""
    return run.system or run.format


def ties_of(run: RunInfo) -> tuple[str, ...]:
    """Runs of one task are not independent."""
    task = [f"task {sha256(run.task.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"] if run.task else []
    return (f"run {run.id}", *task)


# -- from votes to judgements -------------------------------------------------------------------------------------


def judged_of(
    store: Store, run: RunInfo, votes: Sequence[Vote], codebooks: Codebooks, account: Account
) -> list[Judged]:
    """The votes on a run, settled chunk by chunk."""
    places = _Places(store, run, votes)
    by_chunk: dict[str, list[Judged]] = {}
    for vote in votes:
        target = vote.decision.target
        span = places.span(target.first, target.last)
        if span is None:
            account.left_out[GONE] += 1
            continue
        modes = _modes(vote, codebooks, places, account)
        if target.id == WHOLE_RUN:
            modes = _without_chunk_labels(store, run, vote, modes)
        if modes:
            by_chunk.setdefault(target.id, []).append(Judged(span, vote.reviewer, modes))
    ruled = _ruled(store, run, places)
    settled = [_settle(units, ruled.get(chunk, {}), account) for chunk, units in by_chunk.items()]
    return sorted((unit for unit in settled if unit.modes), key=lambda unit: unit.span)


class _Places:
    """Where the steps that decisions name stand in the run now."""

    def __init__(self, store: Store, run: RunInfo, votes: Iterable[Vote]) -> None:
        refs: set[str] = set()
        for _, _, ruling in adjudication.rulings_of(store, run):
            refs |= {step.id for span in ruling.steps for step in (span.first, span.last)}
        for vote in votes:
            said = vote.decision
            refs |= {said.target.first.id, said.target.last.id}
            for label in said.labels:
                refs |= {label.first.id, label.last.id, *(item.step.id for item in label.evidence)}
        self._index = catalog.indices_of(store, run.no, refs)

    def span(self, first: StepRef, last: StepRef) -> Span | None:
        low, high = self._index.get(first.id), self._index.get(last.id)
        return None if low is None or high is None or low > high else Span(low, high)

    def passages(self, label: Label) -> tuple[Passage, ...]:
        found = ((self._index.get(item.step.id), item) for item in label.evidence)
        return tuple(Passage(index, item.part, item.start, item.end) for index, item in found if index is not None)


def _modes(vote: Vote, codebooks: Codebooks, places: _Places, account: Account) -> dict[str, Verdict]:
    """Labels or "none" judge a codebook: its modes that have no label are absent."""
    said = vote.decision
    modes: dict[str, Verdict] = {}
    for name in dict.fromkeys([*(ref.id for ref in said.none), *(label.codebook.id for label in said.labels)]):
        try:
            book = codebooks.get(name)
        except UsageError:
            account.left_out[NO_BOOK] += 1
            continue
        asked = next((set(item.modes) for item in said.judged if item.codebook.id == name), None)
        modes |= {f"{mode.slug}@{name}": Verdict(False) for mode in book.modes if asked is None or mode.slug in asked}
    unsure = set()
    for label in said.labels:
        mode = f"{label.mode}@{label.codebook.id}"
        if mode not in modes:
            continue
        if not label.sure:
            unsure.add(mode)
            continue
        span = places.span(label.first, label.last)
        before = modes[mode]
        modes[mode] = Verdict(
            True, (*before.spans, *([span] if span else [])), (*before.passages, *places.passages(label))
        )
    for mode in unsure:
        if not modes[mode].present:  # "I think so" is neither yes nor no
            account.left_out[UNSURE] += 1
            del modes[mode]
    return modes


def _without_chunk_labels(store: Store, run: RunInfo, vote: Vote, modes: dict[str, Verdict]) -> dict[str, Verdict]:
    """A mode that the same reviewer labelled in a chunk is not absent from the run, whatever its own label says."""
    found = views.decisions(store, run, vote.reviewer)
    elsewhere = {f"{label.mode}@{label.codebook}" for said in found if said.scope == "chunk" for label in said.labels}
    return {mode: said for mode, said in modes.items() if said.present or mode not in elsewhere}


def _ruled(store: Store, run: RunInfo, places: _Places) -> dict[str, dict[str, _Ruled]]:
    """Chunk id -> mode -> what an adjudicator has settled; None for what is open for good."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for event, said, ruling in adjudication.rulings_of(store, run):
        row = {
            "codebook": {"id": ruling.codebook.id}, "mode": ruling.mode, "outcome": ruling.outcome,
            "event_id": event.id, "after": said.after, "steps": ruling.steps,
        }  # fmt: skip
        rows.setdefault(said.target.id, []).append(row)
    found: dict[str, dict[str, _Ruled]] = {}
    for chunk, mine in rows.items():
        for (book, mode), standing_row in standing(mine).items():
            found.setdefault(chunk, {})[f"{mode}@{book}"] = _ruling(standing_row, places)
    return found


def _ruling(row: dict[str, Any] | None, places: _Places) -> _Ruled:
    if row is None or row["outcome"] == "undecided":
        return None
    spans = (places.span(span.first, span.last) for span in row["steps"])
    return row["outcome"] == "present", tuple(span for span in spans if span)


def _settle(units: Sequence[Judged], ruled: Mapping[str, _Ruled], account: Account) -> Judged:
    modes: dict[str, Verdict] = {}
    for mode in dict.fromkeys(mode for unit in units for mode in unit.modes):
        if mode in ruled:
            if (found := _by_ruling(mode, units, ruled[mode])) is not None:
                modes[mode] = found
            else:
                account.left_out[UNDECIDED] += 1
            continue
        said = [unit.modes[mode] for unit in units if mode in unit.modes]
        present = [verdict for verdict in said if verdict.present]
        if 2 * len(present) == len(said):
            account.left_out[DIVIDED] += 1
        elif 2 * len(present) > len(said):
            spans = tuple(dict.fromkeys(span for verdict in present for span in verdict.spans))
            passages = tuple(dict.fromkeys(place for verdict in present for place in verdict.passages))
            modes[mode] = Verdict(True, spans, passages)
        else:
            modes[mode] = Verdict(False)
    return Judged(units[0].span, ", ".join(sorted({unit.source for unit in units})), modes)


def _by_ruling(mode: str, units: Sequence[Judged], ruled: _Ruled) -> Verdict | None:
    """A mode that an adjudicator has settled; where it is, if they do not say so, the votes tell that have it."""
    if ruled is None:
        return None
    present, spans = ruled
    if not present:
        return Verdict(False)
    said = [unit.modes[mode] for unit in units if mode in unit.modes and unit.modes[mode].present]
    by_votes = tuple(dict.fromkeys(span for verdict in said for span in verdict.spans))
    passages = tuple(dict.fromkeys(place for verdict in said for place in verdict.passages))
    if spans:
        passages = tuple(place for place in passages if any(span.first <= place.step <= span.last for span in spans))
    return Verdict(True, spans or by_votes, passages)


# -- the step at which it went wrong ------------------------------------------------------------------------------


def decisive_of(store: Store, run: RunInfo, votes: Sequence[Vote]) -> int | None:
    """The step at which the run went wrong, as most reviewers have it (the earlier one of equals).

    A reviewer's is that of the first label marked as the root cause or, where none is, of the first label at all; this
    one only if everything before it was decided on, because an earlier failure could stand where nobody looked.
    """
    places = _Places(store, run, votes)
    named: list[int] = []
    for reviewer in dict.fromkeys(vote.reviewer for vote in votes):
        mine = [vote.decision for vote in votes if vote.reviewer == reviewer]
        labels = [
            (span.first, label.root_cause)
            for said in mine
            for label in said.labels
            if label.sure and (span := places.span(label.first, label.last))
        ]
        roots = [first for first, root in labels if root]
        covered = _covered(span for said in mine if (span := places.span(said.target.first, said.target.last)))
        if roots:
            named.append(min(roots))
        elif labels and min(labels)[0] < covered:
            named.append(min(labels)[0])
    return max(sorted(set(named)), key=named.count) if named else None


def _covered(spans: Iterable[Span]) -> int:
    """How many steps from the first on were decided on without a gap."""
    end = 0
    for span in sorted(spans):
        if span.first > end:
            break
        end = max(end, span.last + 1)
    return end


# -- what detectors said already ----------------------------------------------------------------------------------


def kept_claims(store: Store, run: RunInfo, detectors: Sequence[Detector]) -> dict[str, tuple[Claim, ...]]:
    """What stands in the database of detectors that have looked at the run as it is, by id. Of those in `detectors`
    only what the present version says; others (a judge, say) as they are."""
    old = {detector.id for detector in stale(store, run, detectors)}
    looked = {look.detector: look.version for look in views.looks(store, run) if look.state == "done"}
    kept: dict[str, list[Claim]] = {name: [] for name in looked if name not in old}
    for item in views.suggestions(store, run):
        if item.detector in kept:
            kept[item.detector].append(of_view(item))
    return {name: tuple(claims) for name, claims in kept.items()}


def lookers(store: Store) -> list[str]:
    """Everything that has looked at runs of this database: detectors, judges, imported answers."""
    return [str(row[0]) for row in store.query("SELECT DISTINCT detector FROM detection ORDER BY detector")]
