"""What review really prevented: agents sent back at gates, actions denied, and on recorded runs the steps that an
operator who goes back where reviewers say would have spared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from labels.insights import segment as at
from labels.insights.facts import RunRow, times
from labels.insights.figures import PreventedRow
from labels.insights.material import Material
from labels.insights.onset import spent
from sessions.store import Store

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


def prevented(material: Material, runs: dict[str, RunRow]) -> dict[str, dict[str, PreventedRow]]:
    """codebook -> mode -> what was prevented where the mode was labelled; "" -> "" for all of it. runs: all in the
    scope, those with gates but without votes too."""
    sums: dict[tuple[str, str], _Sum] = {("", ""): _Sum()}
    modes = _modes_of_units(material)
    at_gates = _live(material.store, material, runs, sums, modes)
    _recorded(material, sums, modes, at_gates)
    found: dict[str, dict[str, PreventedRow]] = {}
    for (book, slug), total in sums.items():
        found.setdefault(book, {})[slug] = total.row(slug)
    return found


def _modes_of_units(material: Material) -> dict[int, set[tuple[str, str]]]:
    """Unit -> modes that are present in it, of the units somebody would have rolled back, stopped or denied."""
    import numpy as np

    values, votes = material.values, material.columns.votes
    stopping = np.unique(votes[votes[:, at.VERDICT] >= _ROLLBACK, at.UNIT])
    unit = votes[values.labels[:, at.VOTE], at.UNIT]
    chosen = np.flatnonzero(values.positive & np.isin(unit, stopping))
    found: dict[int, set[tuple[str, str]]] = {}
    for place, mode in zip(unit[chosen].tolist(), values.label_mode[chosen].tolist(), strict=True):
        found.setdefault(place, set()).add(values.modes[mode])
    return found


def _to(sums: dict[tuple[str, str], _Sum], modes: Iterable[tuple[str, str]]) -> list[_Sum]:
    return [sums["", ""], *(sums.setdefault(mode, _Sum()) for mode in modes)]


def _live(
    store: Store,
    material: Material,
    runs: dict[str, RunRow],
    sums: dict[tuple[str, str], _Sum],
    modes: dict[int, set[tuple[str, str]]],
) -> set[int]:
    """Add what happened at gates; the units that are chunks of gates."""
    rows = store.query(_GATES)
    if not rows:
        return set()
    undone = {str(gate): int(steps) for gate, steps in store.query(_UNDONE)}
    columns = material.columns
    places = {run: place for place, run in enumerate(columns.runs)}
    units = {
        run: {chunk: number for number, chunk in enumerate(chunks)}
        for run, chunks in columns.kept.units(sorted({str(row[0]) for row in rows} & places.keys())).items()
    }
    found: set[int] = set()
    for run, chunk, gate, verdict, consumed in rows:
        number = units.get(run, {}).get(chunk)
        unit = None if number is None else int(columns.unit_base[places[run]]) + number
        if unit is not None:
            found.add(unit)
        if run not in runs or (verdict == "rollback" and consumed is None):
            continue
        for total in _to(sums, modes.get(unit, ()) if unit is not None else ()):
            total.rollbacks_live += verdict == "rollback"
            total.undone += undone.get(gate, 0) if verdict == "rollback" else 0
            total.denied += verdict == "reject"
            total.stopped += verdict == "stop"
    return found


def _recorded(
    material: Material,
    sums: dict[tuple[str, str], _Sum],
    modes: dict[int, set[tuple[str, str]]],
    at_gates: set[int],
) -> None:
    """Add the first chunk of each recorded run at which somebody says that an operator should have gone back."""
    import numpy as np

    votes, run = material.columns.votes, material.columns.run
    back = (votes[:, at.VERDICT] == _ROLLBACK) & (votes[:, at.BITS] & at.WHOLE == 0)
    if at_gates:
        back &= ~np.isin(votes[:, at.UNIT], sorted(at_gates))
    chosen = np.flatnonzero(back)
    if not len(chosen):
        return
    order = np.lexsort((votes[chosen, at.LAST], run[chosen]))
    chosen = chosen[order]
    firsts = chosen[np.concatenate([[True], run[chosen][1:] != run[chosen][:-1]])]
    last = votes[firsts, at.LAST].astype(np.int64)
    rows = [material.rows[place] for place in run[firsts].tolist()]
    known = times(material.store, rows)
    used = spent([known[row.id] for row in rows], last)
    after: Array = (material.steps[run[firsts]] - 1 - last).clip(min=0)
    for place, unit in enumerate(votes[firsts, at.UNIT].tolist()):
        for total in _to(sums, modes.get(unit, ())):
            total.recorded += 1
            total.unneeded += int(after[place])
            if used.seconds[place] >= 0:
                total.seconds.append(float(used.seconds_after[place]))
            if used.tokens[place] >= 0:
                total.tokens.append(float(used.tokens_after[place]))
