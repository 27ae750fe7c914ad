"""What review really prevented: agents sent back at gates, actions denied, and on recorded runs the steps that an
operator who goes back where reviewers say would have spared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from labels.insights.course import spent
from labels.insights.figures import PreventedRow
from labels.insights.reading import packed as at
from labels.insights.reading.material import Material
from labels.insights.reading.runs import times
from sessions.live.runs import FORMAT

if TYPE_CHECKING:
    from labels.insights.intervals import Array

#: Decisions that held. A rollback that the agent has not been given yet has undone nothing.
_GATES = (
    "SELECT g.run, g.chunk, g.id, d.verdict, c.gate FROM gate_decision d JOIN gate g ON g.id = d.gate"
    " LEFT JOIN consumption c ON c.gate = g.id WHERE d.verdict <> 'approve' ORDER BY g.no"
)
_UNDONE = (
    "SELECT undone_by, sum(last_index - first_index + 1) FROM gate WHERE undone_by IS NOT NULL AND last_index >= 0"
    " GROUP BY undone_by"
)
_ROLLBACK = at.VERDICTS.index("rollback")


@dataclass(slots=True)
class _Sum:
    rollbacks_live: int = 0
    undone: int = 0
    denied: int = 0
    stopped: int = 0
    recorded: int = 0
    unneeded: int = 0
    tokens: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def row(self, mode: str) -> PreventedRow:
        return PreventedRow(
            mode, self.rollbacks_live, self.undone, self.denied, self.stopped, self.recorded, self.unneeded,
            int(sum(self.tokens)) if self.tokens else None, float(sum(self.seconds)) if self.seconds else None,
        )  # fmt: skip


def prevented(material: Material) -> dict[str, dict[str, PreventedRow]]:
    """codebook -> mode -> what was prevented where the mode was labelled; "" -> "" for all of it, on runs without a
    vote too."""
    gates = _gates(material)
    firsts = _first_rollbacks(material, {gate.unit for gate in gates if gate.unit is not None})
    units = [gate.unit for gate in gates if gate.unit is not None]
    modes = _modes_of(material, [*units, *material.columns.votes[firsts, at.UNIT].tolist()])
    sums: dict[tuple[str, str], _Sum] = {("", ""): _Sum()}
    _live([gate for gate in gates if gate.run in material.runs], sums, modes)
    _recorded(material, firsts, sums, modes)
    found: dict[str, dict[str, PreventedRow]] = {}
    for (book, slug), total in sums.items():
        found.setdefault(book, {})[slug] = total.row(slug)
    return found


@dataclass(frozen=True, slots=True)
class _Gate:
    """A decision at a gate other than to approve. unit: of its chunk, where somebody voted on it. undone: steps that
    were taken back, -1 where the agent has not been sent back yet."""

    run: str
    unit: int | None
    verdict: str
    undone: int


def _gates(material: Material) -> list[_Gate]:
    store, columns = material.store, material.columns
    rows = store.query(_GATES)
    if not rows:
        return []
    undone = {str(gate): int(steps) for gate, steps in store.query(_UNDONE)}
    places = {run: place for place, run in enumerate(columns.runs)}
    units = {
        run: {chunk: number for number, chunk in enumerate(chunks)}
        for run, chunks in columns.kept.units(sorted({str(row[0]) for row in rows} & places.keys())).items()
    }
    found = []
    for run, chunk, gate, verdict, consumed in rows:
        number = units.get(run, {}).get(chunk)
        unit = None if number is None else int(columns.unit_base[places[run]]) + number
        found.append(_Gate(run, unit, verdict, -1 if consumed is None else undone.get(gate, 0)))
    return found


def _first_rollbacks(material: Material, at_gates: set[int]) -> Array:
    """Rows of the votes by which somebody says of a recorded run where an operator should have gone back: of each run
    the one on the earliest chunk. Of a live run from another database (a merge brings decisions, no gates) one cannot
    tell such votes from what the agent was sent back by, so none counts."""
    import numpy as np

    votes, run = material.columns.votes, material.columns.run
    back = (votes[:, at.VERDICT] == _ROLLBACK) & (votes[:, at.BITS] & at.WHOLE == 0)
    gated = {str(row[0]) for row in material.store.query("SELECT DISTINCT run FROM gate")}
    elsewhere = [row.format == FORMAT and row.id not in gated for row in material.rows]
    if any(elsewhere):
        back &= ~np.array(elsewhere)[run]
    if at_gates:
        back &= ~np.isin(votes[:, at.UNIT], sorted(at_gates))
    chosen = np.flatnonzero(back)
    if not len(chosen):
        return chosen
    chosen = chosen[np.lexsort((votes[chosen, at.LAST], run[chosen]))]
    begins: Array = np.concatenate([[True], run[chosen][1:] != run[chosen][:-1]])
    found: Array = chosen[begins]
    return found


def _modes_of(material: Material, units: list[int]) -> dict[int, set[tuple[str, str]]]:
    """Unit -> modes that are present in it, of these units."""
    import numpy as np

    values, votes = material.values, material.columns.votes
    unit = votes[values.labels[:, at.VOTE], at.UNIT]
    wanted = np.zeros(len(material.columns.units), dtype=bool)
    wanted[units] = True
    chosen = np.flatnonzero(values.positive & wanted[unit])
    found: dict[int, set[tuple[str, str]]] = {}
    for place, mode in zip(unit[chosen].tolist(), values.label_mode[chosen].tolist(), strict=True):
        found.setdefault(place, set()).add(values.modes[mode])
    return found


def _to(sums: dict[tuple[str, str], _Sum], modes: Iterable[tuple[str, str]]) -> list[_Sum]:
    return [sums["", ""], *(sums.setdefault(mode, _Sum()) for mode in modes)]


def _live(gates: list[_Gate], sums: dict[tuple[str, str], _Sum], modes: dict[int, set[tuple[str, str]]]) -> None:
    for gate in gates:
        back = gate.verdict == "rollback"
        if back and gate.undone < 0:
            continue
        for total in _to(sums, () if gate.unit is None else modes.get(gate.unit, ())):
            total.rollbacks_live += back
            total.undone += gate.undone if back else 0
            total.denied += gate.verdict == "reject"
            total.stopped += gate.verdict == "stop"


def _recorded(
    material: Material, firsts: Array, sums: dict[tuple[str, str], _Sum], modes: dict[int, set[tuple[str, str]]]
) -> None:
    """firsts: rows of votes."""
    votes, run = material.columns.votes, material.columns.run[firsts]
    last = votes[firsts, at.LAST].astype("int64")
    rows = [material.rows[place] for place in run.tolist()]
    known = times(material.store, rows)
    used = spent([known[row.id] for row in rows], last)
    after: Array = (material.steps[run] - 1 - last).clip(min=0)
    for place, unit in enumerate(votes[firsts, at.UNIT].tolist()):
        for total in _to(sums, modes.get(unit, ())):
            total.recorded += 1
            total.unneeded += int(after[place])
            if used.seconds[place] >= 0:
                total.seconds.append(float(used.seconds_after[place]))
            if used.tokens[place] >= 0:
                total.tokens.append(float(used.tokens_after[place]))
