"""What was measured of each detector on labelled corpora, for lists and panels: `precision .45 (n 28)`.

The figures are shipped with the detectors (`labels/detectors/figures.json`). `python -m labels.scoring.figures` makes
them from the corpora; reading them needs neither those nor numpy.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson

PATH = Path(__file__).parent / "detectors" / "figures.json"
SCHEMA = "review-tui/figures/1"


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured of a detector on a mode. version: of the detector at the time. judged: runs whose labels say
    whether the mode is there. positives: where it is. fired: where the detector says so. behind: the baselines that it
    does not beat. beats: whether there are none; None where the mode was nowhere. data: all of it, as in the file."""

    detector: str
    version: str
    mode: str
    trust: str
    judged: int
    positives: int
    fired: int
    precision: float | None
    recall: float | None
    f1: float | None
    always_yes_f1: float | None
    beats: bool | None
    behind: tuple[str, ...]
    corpora: tuple[str, ...]
    data: dict[str, Any]

    @property
    def short(self) -> str:
        """For a list. n: how often it fired, which is what a precision rests on."""
        if self.precision is not None:
            return f"precision {decimal(self.precision)} (n {self.fired})"
        return f"never fired ({self.judged} runs, {self.positives} with the mode)"


@dataclass(frozen=True, slots=True)
class Figures:
    """date: when they were measured, `YYYY-MM-DD`. figures: by detector and mode, on labels that can be trusted;
    doubtful: on others. alerts: by detector, what it says on good runs. steps: finding the decisive step, method by
    method. ranker: the same for the step ranker on held-out runs. The last three are as in the file."""

    date: str
    figures: dict[tuple[str, str], Figure]
    doubtful: dict[tuple[str, str], Figure]
    alerts: dict[str, dict[str, Any]]
    steps: tuple[dict[str, Any], ...] = ()
    ranker: tuple[dict[str, Any], ...] = ()

    def of(self, detector: str, mode: str) -> Figure | None:
        """The figure on sound labels; None where there are none for this mode. mode: `slug@codebook`."""
        return self.figures.get((detector, mode))


@cache
def figures() -> Figures:
    """The figures that come with the program. A package without them has none: nothing is claimed then."""
    try:
        value = orjson.loads(PATH.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return Figures("", {}, {}, {})
    found = [_figure(item) for item in value["figures"]]
    return Figures(
        value["date"],
        {(item.detector, item.mode): item for item in found if item.trust == "sound"},
        {(item.detector, item.mode): item for item in found if item.trust == "doubtful"},
        {item["detector"]: item for item in value["alerts"]},
        tuple(value["steps"]),
        tuple(value["ranker"]),
    )


def _figure(item: dict[str, Any]) -> Figure:
    values = {name: item[name]["value"] for name in ("precision", "recall", "f1")}
    return Figure(
        item["detector"], item["version"], item["mode"], item["trust"], item["judged"], item["positives"],
        item["fired"], values["precision"], values["recall"], values["f1"], item["baselines"]["always_yes_f1"],
        item["beats"], tuple(item["behind"]), tuple(item["corpora"]), item,
    )  # fmt: skip


def decimal(value: float) -> str:
    """`.45`, `1.00`."""
    text = f"{value:.2f}"
    return text[1:] if text.startswith("0") else text
