"""Published figures to show beside one's own: MAST (three versions of the paper, and its large set as labelled by a
language model) and the IT-Bench study (three models). They come with the package (`published.json`, where the sources
are named); they are facts of others, not priors, except where `labels.insights.lift` says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from labels.insights.figures import PublishedColumn

PATH = Path(__file__).parent / "published.json"
#: The codebook whose slugs the figures go by.
CODEBOOK = "mast"


@dataclass(frozen=True, slots=True)
class Chart:
    """The runs of one model in the IT-Bench study's charts. success, failed: runs. counts: slug -> charted runs with
    the mode. in_success, in_failed: slug -> share. recall: mean recall. annotated: runs that were annotated."""

    model: str
    success: int
    failed: int
    annotated: int
    recall: float
    counts: Mapping[str, int]
    in_success: Mapping[str, float]
    in_failed: Mapping[str, float]

    @property
    def per_failed(self) -> float:
        """Modes per failed run: the sum of the shares among failed runs."""
        return sum(self.in_failed.values())


@cache
def charts() -> tuple[Chart, ...]:
    """The three models of the IT-Bench study."""
    return tuple(
        Chart(
            item["model"], item["success"], item["failed"], item["annotated"], item["mean_recall"],
            {slug: row[0] for slug, row in item["modes"].items()},
            {slug: row[1] / 100 for slug, row in item["modes"].items()},
            {slug: row[2] / 100 for slug, row in item["modes"].items()},
        )
        for item in _data()["it_bench"]["models"]
    )  # fmt: skip


@cache
def columns() -> tuple[tuple[PublishedColumn, Mapping[str, float]], ...]:
    """Each column with slug -> share (0 to 1)."""
    data = _data()
    found: list[tuple[PublishedColumn, Mapping[str, float]]] = [
        (
            PublishedColumn(item["key"], item["title"], item["measure"], item["runs"], None, item["source"]),
            {slug: value / 100 for slug, value in item["percent"].items()},
        )
        for item in data["mast"]
    ]
    source = data["it_bench"]["source"]
    for chart in charts():
        title = f"IT-Bench {chart.model}"
        key = f"itbench-{chart.model}"
        failed = PublishedColumn(f"{key}-failed", f"{title}, failed", "failed", chart.failed, chart.per_failed, source)
        found.append((failed, chart.in_failed))
        found.append(
            (
                PublishedColumn(f"{key}-succeeded", f"{title}, successful", "succeeded", chart.success, None, source),
                chart.in_success,
            )
        )
    return tuple(found)


@cache
def fatal() -> tuple[str, ...]:
    """The modes that the study's list calls fatal, by slug."""
    return tuple(slug for slug, level in _data()["it_bench"]["list"].items() if level == "fatal")


@cache
def _data() -> dict[str, Any]:
    data: dict[str, Any] = orjson.loads(PATH.read_bytes())
    return data
