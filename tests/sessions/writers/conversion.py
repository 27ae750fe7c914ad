"""What the tests of the writers share: a run in a fresh store, written and read again."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from helpers import load, write_run

from sessions import catalog, readers
from sessions.identity import content_id
from sessions.ingest import import_file
from sessions.run import Header, Part, Run, Step
from sessions.store import Store
from sessions.writers import writer
from sessions.writers.base import Recorded

#: What a run's header says of the file it was in.
OF_THE_FILE = frozenset(("item", "files"))


def written(store: Store, run: str, to: str, **options: bool) -> str:
    """A stored run in that format."""
    info = catalog.run_by_id(store, run)
    assert info is not None
    return "".join(writer(to)(Recorded(store, info, **options)))


def convert(path: Path, to: str, db: Path, **options: bool) -> list[str]:
    """The runs of a file, each written in that format."""
    with Store.open(db) as store:
        return [written(store, run.run, to, **options) for run in import_file(store, path).runs]


def convert_steps(steps: Iterable[Step | str], to: str, folder: Path) -> str:
    """Steps as a run in that format."""
    with Store.open(folder / "made.db") as store:
        (run,) = load(store, write_run(folder / "made.jsonl", steps))
        return written(store, run.run, to)


def read_text(text: str, path: Path) -> Run:
    """The one run of a document."""
    path.write_text(text)
    (run,), problems = readers.collect(readers.read(path))
    assert problems == []
    return run


def stored_steps(path: Path, db: Path) -> list[Step]:
    """The steps of the first run in a file as the store gives them, without their raw records."""
    with Store.open(db) as store:
        run = catalog.run_by_id(store, import_file(store, path).runs[0].run)
        assert run is not None
        return [stored.step for stored in catalog.steps(store, run.no)]


def bare(step: Step) -> dict:
    """All of a step but where its records lie."""
    values = {name: getattr(step, name) for name in Step.__slots__ if name not in ("raw", "parts")}
    return {**values, "parts": [{name: getattr(part, name) for name in Part.__slots__} for part in step.parts]}


def numbered(steps: Iterable[Step], others: Iterable[Step]) -> list[dict]:
    """Steps as `bare` gives them; those without an id of their own have that of the step beside them (in ATIF, each has
    a number)."""
    pairs = zip(steps, others, strict=True)
    return [{**bare(step), "native_id": step.native_id or other.native_id} for step, other in pairs]


def bare_header(header: Header) -> dict:
    return {name: getattr(header, name) for name in Header.__slots__ if name not in OF_THE_FILE}


def same_content(one: Iterable[Step], other: Iterable[Step]) -> bool:
    return content_id(one) == content_id(other)
