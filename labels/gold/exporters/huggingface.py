"""A Hugging Face data set folder: data files by split, and README.md with the configuration that `load_dataset` reads.

Parquet where pyarrow is there (the extra `parquet`), JSONL otherwise: one format for the whole folder, because a card
that mixes them fails, and never a file without rows, at which `datasets` fails too. Types are stated in both, so that a
column of nulls in one split has its type. Configurations: gold (the default), labels, votes, runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from labels.gold import flat
from labels.gold.export import Export
from labels.gold.folder import File, Folder
from labels.gold.settle import Row
from sessions.jsontext import dumps

_TYPES = {"text": "string", "int": "int64", "float": "float64", "bool": "bool"}
#: Rows of a table that are held before they are written.
_BATCH = 5_000


class _Writer(Protocol):
    suffix: str

    def put(self, table: str, split: str, rows: list[Row]) -> None: ...
    def close(self) -> None: ...


def export(export: Export) -> None:
    """Writes TABLE/SPLIT.parquet (or .jsonl) and README.md."""
    writer = _writer(export.folder)
    held: dict[tuple[str, str], list[Row]] = {}
    there: dict[str, list[str]] = {table: [] for table in export.tables}
    try:
        for run in export.runs():
            for table in export.tables:
                rows = held.setdefault((table, run.split), [])
                rows += flat.rows(table, run, export.modes)
                if rows and run.split not in there[table]:
                    there[table].append(run.split)
                if len(rows) >= _BATCH:
                    writer.put(table, run.split, rows)
                    held[table, run.split] = []
        for (table, split), rows in held.items():
            if rows:
                writer.put(table, split, rows)
    finally:
        writer.close()
    if isinstance(writer, _Jsonl):
        export.notes.append("JSONL, because pyarrow is not installed: pip install 'review-tui[parquet]'")
    export.folder.text("README.md", "\n".join(_card(export, there, writer.suffix)) + "\n")


def _writer(folder: Folder) -> _Writer:
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        return _Jsonl(folder)
    return _Parquet(folder)


class _Jsonl:
    suffix = "jsonl"

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def put(self, table: str, split: str, rows: list[Row]) -> None:
        name = f"{table}/{split}.jsonl"
        file = self._folder.files.get(name) or self._folder.file(name)
        for row in rows:
            file.row(row)

    def close(self) -> None:
        """The folder closes its files."""


class _Parquet:
    suffix = "parquet"

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._writers: dict[str, Any] = {}

    def put(self, table: str, split: str, rows: list[Row]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        kinds = {"text": pa.string(), "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_()}
        schema = pa.schema([(name, kinds[kind]) for name, kind in flat.OF_QUEUE[table].items()])
        name = f"{table}/{split}.parquet"
        if name not in self._writers:
            self._writers[name] = pq.ParquetWriter(_Sink(self._folder.file(name)), schema, compression="zstd")
        self._writers[name].write_table(pa.Table.from_pylist(rows, schema=schema))
        self._folder.files[name].rows += len(rows)

    def close(self) -> None:
        for writer in self._writers.values():
            writer.close()


class _Sink:
    """A file as pyarrow writes to it."""

    closed = False

    def __init__(self, file: File) -> None:
        self._file = file

    def write(self, data: bytes) -> int:
        self._file.write(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back here."""

    def tell(self) -> int:
        return self._file.bytes

    def close(self) -> None:
        """The folder closes its files."""
        self.closed = True

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False


def _card(export: Export, there: dict[str, list[str]], suffix: str) -> Iterator[str]:
    """YAML that `datasets` reads, then the release's own card."""
    order = [name for name, _ in export.release.splits.shares]
    yield "---"
    yield "configs:"
    for table, splits in there.items():
        if splits:
            yield f"- config_name: {table}"
            if table == "gold":
                yield "  default: true"
            yield "  data_files:"
            for split in sorted(splits, key=order.index):
                yield f"  - split: {split}"
                yield f"    path: {table}/{split}.{suffix}"
    yield "dataset_info:"
    for table, splits in there.items():
        if splits:
            yield f"- config_name: {table}"
            yield "  features:"
            for name, kind in flat.OF_QUEUE[table].items():
                yield f"  - name: {name}"
                yield f"    dtype: {_TYPES[kind]}"
    if licence := export.release.manifest["licence"]:
        yield f"license: {dumps(licence.lower())}"
    yield "tags:"
    yield "- ai-agents"
    yield "- failure-analysis"
    yield "---"
    yield ""
    yield (export.release.path / "README.md").read_text(encoding="utf-8")
    if suffix == "parquet":
        import pyarrow as pa

        yield f"The parquet files here were written by pyarrow {pa.__version__}: another version may write other bytes"
        yield "for the same rows. Which release this is, is known by its digest."
