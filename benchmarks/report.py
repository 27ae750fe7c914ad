"""Figures beside their budgets, floors and peers: as a table on the screen, as JSON, and as docs/benchmarks.md."""

from __future__ import annotations

import math
import os
import platform
import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("textual", "rich", "orjson", "pysqlite3", "sqlite-utils", "pydantic", "psutil", "pyte")


@dataclass(slots=True)
class Figure:
    """One measured thing. budget: most allowed (least, where `more_is_better`). floor: the same unit, measured in the
    same run by something that does only what cannot be avoided. peers: what others need for it."""

    group: str
    what: str
    value: float
    unit: str
    budget: float | None = None
    floor: float | None = None
    floor_name: str = ""
    peers: str = ""
    note: str = ""
    more_is_better: bool = False

    @property
    def met(self) -> bool | None:
        if self.budget is None or math.isnan(self.value):
            return None
        return self.value >= self.budget if self.more_is_better else self.value <= self.budget

    @property
    def ratio(self) -> float | None:
        return self.value / self.floor if self.floor else None


def percentile(values: Iterable[float], share: float) -> float:
    """The value that this share of the values does not exceed (nearest rank)."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, max(0, math.ceil(share * len(ranked)) - 1))]


def p50_p99(
    group: str,
    what: str,
    seconds: Sequence[float],
    budget: tuple[float, float] | None = None,
    floor: tuple[float, float] | None = None,
    floor_name: str = "",
    note: str = "",
) -> list[Figure]:
    """Two figures in ms of a series of times: its median, and what 99 of 100 stay under."""
    p50, p99 = statistics.median(seconds) * 1000, percentile(seconds, 0.99) * 1000
    said = f"n={len(seconds)}, max {max(seconds) * 1000:.1f}" + (f"; {note}" if note else "")
    limits, low = budget or (None, None), floor or (None, None)
    return [
        Figure(group, f"{what}, p50", p50, "ms", limits[0], low[0], floor_name),
        Figure(group, f"{what}, p99", p99, "ms", limits[1], low[1], floor_name, note=said),
    ]


def number(value: float | None) -> str:
    if value is None:
        return ""
    if math.isnan(value):
        return "-"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}"


def _row(figure: Figure) -> list[str]:
    verdict = {None: "", True: "ok", False: "MISSED"}[figure.met]
    ratio = f"{figure.ratio:.1f} x" if figure.ratio else ""
    sign = "≥ " if figure.more_is_better else ""
    budget = f"{sign}{number(figure.budget)}" if figure.budget is not None else ""
    floor = f"{number(figure.floor)} {figure.floor_name}" if figure.floor is not None else ""
    return [
        figure.what,
        f"{number(figure.value)} {figure.unit}",
        budget,
        verdict,
        floor,
        ratio,
        figure.peers,
        figure.note,
    ]


HEAD = ["what", "measured", "budget", "", "floor in this run", "ratio", "peers", "note"]


def table(figures: Sequence[Figure]) -> str:
    """The table for a terminal, group by group."""
    rows = [(figure.group, _row(figure)) for figure in figures]
    widths = [max(len(cells[place]) for cells in [HEAD, *(row for _, row in rows)]) for place in range(len(HEAD))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(HEAD, widths, strict=True)).rstrip()]
    group = ""
    for name, row in rows:
        if name != group:
            group = name
            lines += ["", name.upper()]
        lines.append("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return "\n".join(lines)


def markdown(figures: Sequence[Figure]) -> str:
    """The same table for docs/benchmarks.md."""
    lines: list[str] = []
    group = ""
    for figure in figures:
        if figure.group != group:
            group = figure.group
            lines += ["", f"### {group}", "", f"| {' | '.join(HEAD)} |", f"|{'---|' * len(HEAD)}"]
        cells = [cell.replace("|", "\\|") for cell in _row(figure)]
        lines.append(f"| {' | '.join(f'**{cell}**' if cell == 'MISSED' else cell for cell in cells)} |")
    return "\n".join(lines).strip()


def machine() -> dict[str, Any]:
    """Where and with what this was measured."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "sqlite": _sqlite(),
        "load_before": [round(load, 2) for load in os.getloadavg()],
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "program": Path(sys.executable).parent.as_posix(),
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _sqlite() -> str:
    from sessions.store import sqlite3

    return str(sqlite3.sqlite_version)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def as_json(figures: Sequence[Figure], where: dict[str, Any]) -> dict[str, Any]:
    rows = [{**asdict(figure), "met": figure.met, "ratio": figure.ratio} for figure in figures]
    return {"machine": where, "figures": rows}
