"""Measure every detector on the labelled corpora and write the figures that the program shows of them.

    python -m labels.scoring.figures [FOLDER]     # ../shared/data without; writes labels/detectors/figures.json

The corpora are not shipped; the figures are. `labels.figures` reads them. In a checkout the tables of docs/detectors.md
are made anew as well.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from labels import detectors
from labels.codebook import load_all
from labels.figures import PATH, SCHEMA, figures
from labels.scoring import page, report
from sessions.jsontext import dump_bytes, loads

_ROOT = Path(__file__).parents[2]
_PAGE = _ROOT / "docs" / "detectors.md"


def measure(folder: Path) -> dict[str, Any]:
    """The figures on the corpora under a folder. Raises UserError where there are none, or a detector is missing."""
    found, problems = detectors.load_all(detectors.BUILT_IN)
    for problem in problems:
        print(f"left out: {problem}", file=sys.stderr)  # noqa: T201
    measured = report.on_corpora([folder], found, load_all())
    content = measured.json()
    for item in content["switched_off"]:
        print(f"switched off: {item['detector']} on {item['runs']} runs: {item['reason']}", file=sys.stderr)  # noqa: T201
    return {
        "schema": SCHEMA,
        "date": datetime.now(UTC).date().isoformat(),
        "labels": content["labels"],
        "figures": [item for item in content["scores"] if item["trust"] != "staged"],
        "alerts": [item for item in content["alerts"] if item["trust"] == "sound"],
        "steps": [item for item in content["steps"] if item["trust"] == "sound"],
    }


def main() -> None:
    """Write the file anew; all but the date is the same as long as detectors and corpora are."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else _ROOT.parent / "shared" / "data"
    value = measure(folder)
    if PATH.exists() and (before := loads(PATH.read_bytes())) | {"date": value["date"]} == value:
        value["date"] = before["date"]
    lines = [f' "{key}": ' + dump_bytes(item).decode() for key, item in value.items() if not isinstance(item, list)]
    for key, items in value.items():
        if isinstance(items, list):
            rows = ",\n  ".join(dump_bytes(item).decode() for item in items)
            lines.append(f' "{key}": [\n  {rows}\n ]')
    PATH.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    figures.cache_clear()
    if _PAGE.exists():
        _PAGE.write_text(page.renewed(_PAGE.read_text("utf-8")), "utf-8")
    print(f"{PATH}: {len(value['figures'])} figures")  # noqa: T201


if __name__ == "__main__":
    main()
