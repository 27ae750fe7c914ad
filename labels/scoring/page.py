"""The tables of docs/detectors.md, from the detectors and the figures that are shipped with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from labels import detectors
from labels.codebook import load_all
from labels.detectors.base import Detector
from labels.figures import Figure, decimal, figures
from sessions import docpage

PARTS = ("modes", "figures", "corpora", "alerts", "steps", "ranker")
_CODEBOOKS = ("mast", "safety")


def renewed(page: str) -> str:
    """The page with its tables as they are now. Raises ValueError where a mark is missing."""
    for part in PARTS:
        page = docpage.renewed(page, f"`python -m labels.scoring.figures`: {part}", table(part))
    return page


def table(part: str) -> str:
    """One of `PARTS` as Markdown."""
    rows = {
        "modes": _modes,
        "figures": _figures,
        "corpora": _corpora,
        "alerts": _alerts,
        "steps": _steps,
        "ranker": _ranker,
    }[part]()
    lines = [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * lines[0].count(" | ") + "---|", *lines[1:]]) + "\n"


def _modes() -> Iterator[list[str]]:
    yield ["code", "mode", "detector", "by default", "what it sees"]
    found = [detectors.load(name) for name in detectors.BUILT_IN]
    books = load_all()
    for book in (books.get(name) for name in _CODEBOOKS):
        for mode in book.modes:
            mine = [item for item in found if f"{mode.slug}@{book.id}" in item.modes]
            for item in mine:
                yield [mode.code, mode.slug, f"`{item.id}`", "on" if item.default else "off", _title(item)]
            if not mine:
                yield [mode.code, mode.slug, "judge only", "", ""]


def _title(item: Detector) -> str:
    return item.title + (f" (needs {', '.join(sorted(item.needs))})" if item.needs else "")


def _figures() -> Iterator[list[str]]:
    yield [
        "detector", "mode", "judged", "with the mode", "fired", "precision", "recall", "F1", "always yes", "AP",
        "chance, length, system", "beats them",
    ]  # fmt: skip
    for item in figures().figures.values():
        base = item.data["baselines"]
        others = ", ".join(_number(base[name]) for name in ("prevalence", "run_length_ap", "system_prior_ap"))
        yield [
            f"`{item.detector}`", item.mode.partition("@")[0], str(item.judged), str(item.positives), str(item.fired),
            *(_estimate(item.data[name]) for name in ("precision", "recall", "f1")), _number(item.always_yes_f1),
            _estimate(item.data["average_precision"]), others if item.positives else "-", _beats(item),
        ]  # fmt: skip


def _corpora() -> Iterator[list[str]]:
    yield ["detector", "mode", "corpus", "judged", "with the mode", "fired", "right"]
    for item in figures().figures.values():
        for at in item.data["by_corpus"]:
            counts = [str(at[name]) for name in ("judged", "positives", "fired", "right")]
            if at["positives"] or at["fired"]:
                yield [f"`{item.detector}`", item.mode.partition("@")[0], at["corpus"], *counts]


def _beats(item: Figure) -> str:
    if item.beats is None:
        return "-"
    return "yes" if item.beats else f"no: {', '.join(item.behind)}"


def _alerts() -> Iterator[list[str]]:
    yield [
        "detector",
        "good runs",
        "alerts a good run",
        "fires on good runs",
        "on failed runs",
        "AUROC",
        "of run length",
    ]
    for name, item in figures().alerts.items():
        yield [
            f"`{name}`", str(item["good_runs"]),
            *(_estimate(item[key]) for key in ("per_good_run", "fires_on_good", "fires_on_failed")),
            _number(item["auroc"]["value"]), _number(item["run_length_auroc"]["value"]),
        ]  # fmt: skip


def _steps() -> Iterator[list[str]]:
    yield ["corpus", "system", "runs", "method", "exact", "within 1", "within 3", "top 3"]
    for item in figures().steps:
        yield [
            item["corpus"], item["system"], str(item["runs"]), item["method"],
            *(_estimate(item[key]) for key in ("exact", "within_1", "within_3", "top_3")),
        ]  # fmt: skip


def _ranker() -> Iterator[list[str]]:
    yield [
        "corpus",
        "learnt from",
        "tried on",
        "runs",
        "exact",
        "top 3",
        "best prior, exact",
        "best prior, top 3",
        "shown",
    ]
    for item in figures().ranker:
        best = [max(prior[key]["value"] for prior in item["priors"].values()) for key in ("exact", "top_3")]
        yield [
            item["corpus"], "its other runs" if item["learnt_from"] == item["tried_on"] else item["learnt_from"],
            item["tried_on"], str(item["runs"]), _estimate(item["ranker"]["exact"]), _estimate(item["ranker"]["top_3"]),
            *map(_number, best), "yes" if item["shown"] else f"no: {item['why']}",
        ]  # fmt: skip


def _estimate(item: dict[str, Any]) -> str:
    if item["value"] is None:
        return "-"
    if item["low"] is None:
        return _number(item["value"])
    return f"{_number(item['value'])} [{_number(item['low'])}, {_number(item['high'])}]"


def _number(value: float | None) -> str:
    return "-" if value is None else decimal(value)
