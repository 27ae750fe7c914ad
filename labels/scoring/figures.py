"""Measure every detector on the labelled corpora and write the figures that the program shows of them.

    python -m labels.scoring.figures [FOLDER]     # ../shared/data without; writes labels/detectors/figures.json

The corpora are not shipped; the figures are. `labels.figures` reads them. In a checkout the tables of docs/detectors.md
are made anew as well.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from labels import detectors
from labels.codebook import load_all
from labels.figures import PATH, SCHEMA, figures
from labels.scoring import page, report, training
from labels.scoring.localisation import Located
from sessions.jsontext import dump_bytes, loads

_ROOT = Path(__file__).parents[2]
_OWN = [_ROOT / "tests" / "labels" / "commands"]
_PAGE = _ROOT / "docs" / "detectors.md"


def measure(folder: Path, *, ranker: bool = True) -> dict[str, Any]:
    """The figures on the corpora under a folder, and on the project's own command cases. A detector that cannot be
    loaded has none. ranker: prove the step ranker too, which takes longest. Raises UserError where there are no labels.
    """
    found, problems = detectors.load_all(detectors.BUILT_IN)
    for problem in problems:
        print(f"left out: {problem}", file=sys.stderr)  # noqa: T201
    measured = report.on_corpora([folder, *(_OWN if _OWN[0].exists() else [])], found, load_all())
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
        "ranker": list(_ranker([run for run in measured.located if run.trust == "sound"])) if ranker else [],
    }


def _ranker(runs: Sequence[Located]) -> Iterator[dict[str, Any]]:
    """How the step ranker does in each system, learnt from the system's other runs; and learnt from another system."""
    groups = {
        name: [run for run in runs if (run.corpus, run.system) == name]
        for name in dict.fromkeys((run.corpus, run.system) for run in runs)
    }
    for source, learn_from in groups.items():
        for target, try_on in groups.items():
            if source[0] == target[0] and (proof := training.prove(learn_from, try_on)) is not None:
                yield {
                    "corpus": target[0], "learnt_from": source[1], "tried_on": target[1], "shown": not proof.verdict,
                    "why": proof.verdict, **proof.json(),
                }  # fmt: skip


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
