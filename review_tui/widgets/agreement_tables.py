"""The tables of the agreement screen: what `review-tui agree` prints, as sections with columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from review_tui import agreement_words as words
from review_tui.agreement_words import RELIABLE, TENTATIVE, alpha_look
from review_tui.widgets.grid import (
    Cell,
    Column,
    Section,
    bar_of,
    interval_of,
    number_cell,
    share_cell,
    text_cell,
)

if TYPE_CHECKING:
    from labels.agreement import Agreement
    from labels.agreement.anchoring import Moved
    from labels.agreement.modes import Figures
    from labels.agreement.steps import StepFigures
    from labels.scoring.metrics import Estimate

#: What votes of corpora are filed under.
OUTSIDE = "outside:"
PARTS = ("modes", "steps", "reviewers", "two ways", "anchoring")


def tables(found: Agreement, part: str, codebook: str = "") -> list[Section]:
    """The sections of one part. codebook: only its modes, "" for all."""
    return {
        "modes": _modes, "steps": _steps, "reviewers": _reviewers, "two ways": _consensus, "anchoring": _anchoring,
    }[part](found, codebook)  # fmt: skip


def codebooks(found: Agreement) -> list[str]:
    """Ids of the codebooks that anything was judged by."""
    return list(dict.fromkeys(item.codebook for item in found.modes))


# -- modes ----------------------------------------------------------------------------------------------------------


def _modes(found: Agreement, codebook: str) -> list[Section]:
    told = {item.codebook for item in found.modes if item.paired}
    shown = [item for item in found.modes if codebook in ("", item.codebook)]
    shown.sort(key=lambda item: item.codebook not in told)  # codebooks on which nothing can be said come last
    whole = [item for item in found.codebooks if codebook in ("", item.codebook)]
    whole += [found.verdicts] if found.verdicts and not codebook else []
    columns = _mode_columns(weighted=found.weighted)
    return _filled(
        Section("", columns, [(f"mode:{item.codebook}/{item.mode}", item) for item in shown], words.mode_words),
        Section(
            "ALL TOGETHER", columns, [(f"all:{item.codebook}/{item.mode}", item) for item in whole], words.mode_words
        ),
    )


def _mode_columns(*, weighted: bool) -> list[Column]:
    weighed = Column(
        "weighted", 8, number_cell(lambda item: item.weighted_prevalence), lambda item: item.weighted_prevalence,
        from_width=130,
    )  # fmt: skip
    return [
        Column("mode", 0, text_cell(lambda item: item.name), lambda item: item.name.casefold(), right=False),
        Column("units", 6, number_cell(lambda item: item.units, ","), lambda item: item.units, from_width=104),
        Column("by 2+", 6, number_cell(lambda item: item.paired, ","), lambda item: item.paired),
        Column("present", 7, _prevalence, lambda item: item.prevalence.value if item.mode != "verdict" else None),
        *([weighed] if weighted else []),
        _estimate("raw", "raw"),
        Column("alpha", 6, _alpha, lambda item: item.alpha.value),
        Column("alpha, 95 %", 18, _interval, _width, right=False, grow=22, axis=True),
        _estimate("AC1", "ac1"),
        _estimate("PABAK", "pabak", from_width=90),
        _estimate("Cohen", "cohen", from_width=112),
        _estimate("Fleiss", "fleiss", from_width=119),
        Column("interval", 12, _interval_text, _width, from_width=150),
        Column("people", 6, number_cell(lambda item: item.raters, ","), lambda item: item.raters, from_width=163),
    ]  # fmt: skip


def _estimate(title: str, name: str, *, from_width: int = 0) -> Column:
    def value(item: Figures) -> float | None:
        estimate: Estimate = getattr(item, name)
        return estimate.value

    return Column(title, max(5, len(title) + 1), number_cell(value), value, from_width=from_width)


def _prevalence(item: Figures, _room: int) -> list[tuple[str, str]]:
    value = None if item.mode == "verdict" else item.prevalence.value
    return [("", "faint")] if value is None else [(f"{value:.0%}", "text")]


def _alpha(item: Figures, _room: int) -> list[tuple[str, str]]:
    value = item.alpha.value
    return [("–", "warn")] if value is None else [(f"{value:.2f}", alpha_look(value))]


def _interval(item: Figures, room: int) -> list[tuple[str, str]]:
    alpha = item.alpha
    if alpha.value is None:
        return [(f"{words.in_short(alpha.why):^{room}}", "faint")]
    return interval_of(alpha.value, alpha.low, alpha.high, room, (TENTATIVE, RELIABLE), alpha_look(alpha.value))


def _width(item: Figures) -> float | None:
    alpha = item.alpha
    return None if alpha.low is None or alpha.high is None else alpha.high - alpha.low


def _interval_text(item: Figures, _room: int) -> list[tuple[str, str]]:
    alpha = item.alpha
    if alpha.low is None or alpha.high is None:
        return [("none", "faint")]
    return [(f"{alpha.low:.2f}..{alpha.high:.2f}", "text")]


# -- steps ----------------------------------------------------------------------------------------------------------


def _steps(found: Agreement, codebook: str) -> list[Section]:
    corpora = [item for item in found.decisive if _of_corpora(item)]
    people = [item for item in found.decisive if item not in corpora]
    modes = [item for item in found.steps if codebook in ("", item.codebook)]
    first = (Column("who", 0, text_cell(lambda item: item.name.replace(OUTSIDE, "")), _name, right=False),)
    more = (
        Column("agent", 6, share_cell(lambda item: (item.agent, item.agents))),
        Column("among labels", 12, share_cell(lambda item: (item.hit, item.pairs)), from_width=110),
    )
    by_mode = (
        Column("mode", 0, text_cell(lambda item: item.name), _name, right=False),
        *_distances(),
        Column("overlap", 7, number_cell(lambda item: item.iou, ".0%"), lambda item: item.iou),
    )
    return _filled(
        Section(
            "DECISIVE STEP · CORPORA", (*first, *_distances(), *more),
            [(f"corpora:{place}", item) for place, item in enumerate(corpora)], words.decisive_words,
        ),
        Section(
            "DECISIVE STEP · REVIEWERS", (*first, *_distances(), *more),
            [(f"people:{place}", item) for place, item in enumerate(people)], words.decisive_words,
        ),
        Section(
            "STEPS OF A MODE that two found in one unit", by_mode,
            [(f"mode:{item.codebook}/{item.mode}", item) for item in modes], words.step_words,
        ),
    )  # fmt: skip


def _of_corpora(item: StepFigures) -> bool:
    return item.name.startswith(OUTSIDE) and f" and {OUTSIDE}" in item.name


def _name(item: Any) -> str:
    return str(item.name).casefold()


def _distances() -> tuple[Column, ...]:
    def within(most: int) -> Cell:
        return share_cell(lambda item: (item.within[most], item.pairs))

    def share(get: Callable[[StepFigures], int]) -> Callable[[StepFigures], float | None]:
        return lambda item: get(item) / item.pairs if item.pairs else None

    return (
        Column("exact", 8, share_cell(lambda item: (item.exact, item.pairs)), share(lambda item: item.exact), grow=20),
        Column("±1", 7, within(1), share(lambda item: item.within[1]), grow=20),
        Column("±2", 7, within(2), share(lambda item: item.within[2]), grow=20),
        Column("±5", 7, within(5), share(lambda item: item.within[5]), grow=20),
    )


# -- reviewers ------------------------------------------------------------------------------------------------------


def _reviewers(found: Agreement, _codebook: str) -> list[Section]:
    people = (
        Column("reviewer", 0, text_cell(lambda item: item.name), _name, right=False),
        Column("votes", 7, number_cell(lambda item: item.votes, ","), lambda item: item.votes),
        Column("compared", 9, number_cell(lambda item: item.compared, ","), lambda item: item.compared, from_width=90),
        Column("agreed", 7, number_cell(lambda item: item.agreed, ".0%"), lambda item: item.agreed),
        Column("", 8, _bar(lambda item: item.agreed), right=False, grow=10),
        Column("kappa", 6, number_cell(lambda item: item.kappa), lambda item: item.kappa),
        Column("precis.", 7, number_cell(lambda item: item.precision, ".0%"), lambda item: item.precision),
        Column("recall", 6, number_cell(lambda item: item.recall, ".0%"), lambda item: item.recall),
        Column("finds", 6, number_cell(lambda item: item.sensitivity, ".0%"), lambda item: item.sensitivity,
               from_width=105),
        Column("leaves", 6, number_cell(lambda item: item.specificity, ".0%"), lambda item: item.specificity,
               from_width=105),
    )  # fmt: skip
    pairs = (
        Column("pair", 0, text_cell(_pair_name), lambda item: _pair_name(item).casefold(), right=False),
        Column("in common", 9, number_cell(lambda item: item.judgements, ","), lambda item: item.judgements),
        Column("agreed", 7, number_cell(lambda item: item.agreed, ".0%"), lambda item: item.agreed),
        Column("", 8, _bar(lambda item: item.agreed), right=False, grow=10),
        Column("kappa", 6, number_cell(lambda item: item.kappa), lambda item: item.kappa),
    )
    again = (
        Column("reviewer", 0, text_cell(lambda item: item.name), _name, right=False),
        Column("chunks", 7, number_cell(lambda item: item.chunks, ","), lambda item: item.chunks),
        Column("verdicts", 9, share_cell(lambda item: (item.verdicts_same, item.verdicts))),
        Column("judgements", 11, share_cell(lambda item: (item.modes_same, item.modes))),
        Column("kappa", 6, number_cell(lambda item: item.kappa), lambda item: item.kappa),
    )
    return _filled(
        Section("AGAINST WHAT MOST OF THE OTHERS SAY", people, _keyed("who", found.reviewers), words.reviewer_words),
        Section("IN PAIRS", pairs, _keyed("pair", found.pairs), words.pair_words),
        Section("AGAINST THEMSELVES", again, _keyed("again", found.repeats), words.repeat_words),
    )


def _pair_name(item: Any) -> str:
    return f"{item.first} and {item.second}"


def _bar(get: Callable[[Any], float | None]) -> Cell:
    return lambda item, room: bar_of(get(item), room)


# -- two ways, anchoring ----------------------------------------------------------------------------------------------


def _consensus(found: Agreement, codebook: str) -> list[Section]:
    columns = (
        Column("mode", 0, text_cell(lambda item: item.name), _name, right=False),
        Column("units", 7, number_cell(lambda item: item.units, ","), lambda item: item.units),
        Column("majority", 9, number_cell(lambda item: item.majority, ","), lambda item: item.majority),
        Column("even", 6, number_cell(lambda item: item.ties, ","), lambda item: item.ties),
        Column("Dawid-Sk.", 9, number_cell(lambda item: item.dawid_skene, ","), lambda item: item.dawid_skene),
        Column("share", 6, number_cell(lambda item: item.share, ".0%"), lambda item: item.share),
        Column("differ", 7, lambda item, _room: [(f"{item.differ:,}", "warn" if item.differ else "faint")],
               lambda item: item.differ),
    )  # fmt: skip
    shown = [item for item in found.consensus if codebook in ("", item.codebook)]
    records = [(f"mode:{item.codebook}/{item.mode}", item) for item in shown]
    return _filled(Section("", columns, records, words.consensus_words))


def _anchoring(found: Agreement, codebook: str) -> list[Section]:
    from labels.agreement.anchoring import overall

    columns = (
        Column("reviewer", 0, text_cell(_moved_name), lambda item: _moved_name(item).casefold(), right=False),
        Column("blind", 6, number_cell(lambda item: item.blind, ","), lambda item: item.blind),
        Column("before", 7, number_cell(lambda item: item.before, ","), lambda item: item.before),
        Column("after", 6, number_cell(lambda item: item.after, ","), lambda item: item.after),
        Column("shift", 6, number_cell(lambda item: item.shift, "+.0%"), lambda item: item.shift),
        Column("at sight", 9, share_cell(lambda item: (item.labelled, item.shown))),
        Column("pull", 6, number_cell(lambda item: item.pull, "+.0%"), lambda item: item.pull),
    )
    each = [item for item in found.anchoring if codebook in ("", item.codebook)]
    return _filled(
        Section("OVER ALL MODES", columns, _keyed("who", overall(found.anchoring)), words.moved_words),
        Section("BY MODE", columns, _keyed("mode-of", each), words.moved_words),
    )


def _moved_name(item: Moved) -> str:
    return f"{item.reviewer} · {item.mode}" if item.mode else item.reviewer


def _keyed(kind: str, items: Sequence[Any]) -> list[tuple[str, Any]]:
    return [(f"{kind}:{place}", item) for place, item in enumerate(items)]


def _filled(*sections: Section) -> list[Section]:
    return [section for section in sections if section.records]
