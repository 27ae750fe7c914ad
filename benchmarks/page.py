"""docs/benchmarks.md, made from the figures of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.report import Figure, markdown, number

#: What the page says about causes, kept by hand because no program can find them.
CAUSES = Path(__file__).with_name("causes.md")


def page(figures: Sequence[Figure], where: Mapping[str, Any], day: str) -> str:
    asked = [figure for figure in figures if figure.budget is not None]
    missed = [figure for figure in asked if figure.met is False]
    packages = ", ".join(f"{name} {found}" for name, found in where["packages"].items())
    lines = [
        "# Benchmarks",
        "",
        f"Measured {day} by `make bench` (`python -m benchmarks`). A benchmark reports; it fails no test by time.",
        "",
        f"- Machine: {where['processor']}, {where['cores']} cores, {where['memory_gb']} GB, {where['system']};",
        f"  shared with other work, load average before: {', '.join(map(str, where['load_before']))}",
        f"- Python {where['python']}, SQLite {where['sqlite']}; {packages}",
        "- The program runs in a real pseudo-terminal of 120x40; bytes are stamped on arrival and replayed afterwards.",
        '  "Paint" is key to the last byte of the last frame before 30 ms of silence (80-120 ms for decisions). The',
        "  terminal's own drawing and the network are not in it.",
        "- Ratios are against a floor measured in the same run, because wall clocks on a shared machine lie.",
        "",
        "## Where the budgets stand",
        "",
        f"{len(asked) - len(missed)} of {len(asked)} figures with a budget keep it.",
    ]
    if missed:
        lines += ["", "Missed:", ""]
        for figure in missed:
            sign = "at least " if figure.more_is_better else ""
            ratio = f", {figure.ratio:.1f} x {figure.floor_name}" if figure.ratio else ""
            lines.append(
                f"- {figure.group}: {figure.what}: {number(figure.value)} {figure.unit} "
                f"(budget {sign}{number(figure.budget)}{ratio})"
            )
    if CAUSES.exists():
        lines += ["", CAUSES.read_text().strip()]
    lines += ["", "## All figures", "", markdown(figures), ""]
    return "\n".join(lines)
