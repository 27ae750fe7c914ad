"""The runs of another database: which are here already, which come, and by what id each is known here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from labels.merging.report import Merged
from sessions import catalog, copying
from sessions.catalog import RunInfo
from sessions.store import Store, Transaction


@dataclass(slots=True)
class Coming:
    """A run that is copied. id: what it is called here. instead: number of the shorter run that it replaces."""

    run: RunInfo
    id: str
    instead: int | None = None


@dataclass(slots=True)
class RunPlan:
    """here: the other database's run -> the id it has in this one. coming: runs to copy. joined: runs whose content
    is here. aliases: further ids that they went by there -> the id here."""

    here: dict[str, str] = field(default_factory=dict)
    coming: list[Coming] = field(default_factory=list)
    joined: list[RunInfo] = field(default_factory=list)
    aliases: dict[str, str] = field(default_factory=dict)


def plan(store: Store, other: Store, report: Merged) -> RunPlan:
    """Compare the runs of both. Raises UserError where a run that would come is not what its ids say."""
    found = RunPlan()
    mine = {run.content_id: run for run in catalog.runs(store) if run.complete}
    for run in reversed(catalog.runs(other)):
        if not run.complete or not run.steps:
            why = "has no steps" if run.complete else "is not finished there"
            report.notes.append(f"run {run.id[:8]} was left out: it {why}.")
        elif same := mine.get(run.content_id):
            found.here[run.id] = same.id
            found.joined.append(run)
            report.runs_joined.append(same.id)
        else:
            _place(store, other, run, found, report)
    for item in found.coming:
        copying.check(other, item.run)
    _aliases(store, other, found, report)
    return found


def _place(store: Store, other: Store, run: RunInfo, found: RunPlan, report: Merged) -> None:
    """A run whose content is not here. One that is here by id has grown in one of the two places, or parted."""
    here = catalog.run_by_id(store, run.id)
    if here is None:
        found.coming.append(Coming(run, run.id))
        report.runs_new.append(run.id)
    elif not here.complete:
        report.notes.append(f"run {run.id[:8]} was left out: it is not finished here.")
        return
    elif here.steps < run.steps and copying.begins_with(other, run.no, store, here.no):
        found.coming.append(Coming(run, here.id, here.no))
        report.runs_grown.append(here.id)
    elif here.steps >= run.steps and copying.begins_with(store, here.no, other, run.no):
        report.runs_joined.append(here.id)
    else:
        # The file was written anew on one side. What was decided goes by the id, so it stays with the run here.
        name = (run.content_id or "")[:32]
        report.notes.append(f"run {run.id[:8]} has other steps there than here: theirs comes as {name[:8]}.")
        if catalog.run_by_id(store, name) is None:
            found.coming.append(Coming(run, name))
            report.runs_new.append(name)
        return
    found.here[run.id] = here.id if here else run.id


def _aliases(store: Store, other: Store, found: RunPlan, report: Merged) -> None:
    taken = {str(row[0]) for row in store.query("SELECT id FROM run UNION SELECT alias FROM run_alias")}
    taken |= {item.id for item in found.coming}
    for run, mine in found.here.items():
        for alias in catalog.ids_of(other, run):
            if alias != mine and alias not in taken:
                found.aliases[alias] = mine
            elif alias != mine and (known := catalog.run_by_id(store, alias)) and known.id != mine:
                report.notes.append(f"{alias[:8]} is run {mine[:8]} there and run {known.id[:8]} here; both stay.")


def copy_all(store: Store, other: Store, coming: Iterable[Coming]) -> None:
    """Copy runs, each in a transaction of its own: one that is interrupted is whole or not there."""
    for item in coming:
        with store.write("NORMAL") as tx:
            if tx.execute("SELECT 1 FROM run WHERE content_id = ? AND state = 'complete'", [item.run.content_id]):
                continue
            if item.instead is not None and not tx.execute("SELECT 1 FROM run WHERE no = ?", [item.instead]):
                continue
            copying.copy(other, item.run, tx, id=item.id, instead=item.instead)


def join(other: Store, tx: Transaction, found: RunPlan) -> None:
    """Add what the other knows of runs that are here, and the ids by which they went."""
    for run in found.joined:
        rows = tx.execute("SELECT no FROM run WHERE id = ?", [found.here[run.id]])
        if rows:
            copying.add_reference(other, run, tx, rows[0][0])
    for alias, mine in sorted(found.aliases.items()):
        if not tx.execute("SELECT 1 FROM run_alias WHERE alias = ?", [alias]):
            tx.execute("INSERT INTO run_alias VALUES (?, ?)", [alias, mine])


def come_back(tx: Transaction, coming: Sequence[Coming]) -> set[str]:
    """Runs that were deleted here, with decisions on them, and have now come under another id: they are those again."""
    found: set[str] = set()
    for item in coming:
        rows = tx.execute(
            "SELECT DISTINCT run FROM event WHERE content_id = ? AND run <> ? AND run NOT IN (SELECT id FROM run)"
            " AND run NOT IN (SELECT alias FROM run_alias)",
            [item.run.content_id, item.id],
        )
        for (old,) in rows:
            tx.execute("INSERT INTO run_alias VALUES (?, ?)", [old, item.id])
            found.add(str(old))
    return found
