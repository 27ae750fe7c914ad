"""Makes all runs and their reference labels again: `python -m sample_traces.make [FOLDER]`."""

from __future__ import annotations

import argparse
from pathlib import Path

from sample_traces import path, reference
from sample_traces.make import (
    checkout_outage,
    good_run,
    ignored_reviewer,
    lost_history,
    nightly_etl,
    polling_loop,
    replit_freeze,
    wide_and_hostile,
)
from sample_traces.make.versions import FILE as VERSIONS
from sample_traces.make.versions import versions

SCRIPTS = (
    checkout_outage,
    replit_freeze,
    polling_loop,
    lost_history,
    ignored_reviewer,
    good_run,
    nightly_etl,
    wide_and_hostile,
)


def make_all(folder: Path) -> list[Path]:
    """Run every script and write its file, the reference labels and the versions of the tools into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    labels: list[reference.RunLabels] = []
    for script in SCRIPTS:
        made = script.make()
        made.check()
        labels += made.labels
        written.append(folder / made.file)
        written[-1].write_bytes(made.text.encode())
    for name, text in ((reference.FILE, reference.dump(labels)), (VERSIONS, versions())):
        written.append(folder / name)
        written[-1].parent.mkdir(exist_ok=True)
        written[-1].write_bytes(text.encode())
    return written


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sample_traces.make", description="Makes the sample runs again.")
    parser.add_argument("folder", nargs="?", type=Path, default=path(), help="where to (default: the package's folder)")
    for file in make_all(parser.parse_args().folder):
        print(f"{file.stat().st_size:8} {file}")


if __name__ == "__main__":
    main()
