"""Agreement as tables for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from review_tui.cli import output

if TYPE_CHECKING:
    from labels.agreement import Agreement
    from labels.agreement.modes import Figures
    from labels.agreement.steps import StepFigures
    from labels.scoring.metrics import Estimate


#: What takes them in after all.
_HOW = {
    "decisions made when others' votes could be seen": " --all-votes takes them in; a queue hides votes till then.",
}
#: So many names are listed; more are counted.
_LISTED = 6


def show(found: Agreement, by: str) -> None:
    """Print the part that was asked for. by: mode, step or reviewer."""
    output.line(
        f"{output.count(found.votes, 'vote')} on {output.count(found.units, 'unit')} (chunks or whole runs) of"
        f" {output.count(found.runs, 'run')} by {output.count(len(found.reviewers), 'reviewer')}"
    )
    {"mode": _modes, "step": _steps, "reviewer": _reviewers}[by](found)
    for reason, count in sorted(found.left_out.items()):
        output.note(f"left out: {count:,} {reason}.{_HOW.get(reason, '')}")
    for text in found.notes:
        output.note(text)


# -- modes ----------------------------------------------------------------------------------------------------------


def _modes(found: Agreement) -> None:
    figures = [*found.modes, *found.codebooks, *([found.verdicts] if found.verdicts else [])]
    if not figures:
        output.note("no vote that counts judges a mode.")
        return
    rows: list[tuple[str, ...]] = [
        ("mode", "units", "by 2+", "present", "raw", "alpha", "95 %", "AC1", "PABAK", "Cohen", "Fleiss")
    ]
    rows += [_row(item) for item in figures]
    output.table(rows, right=frozenset(range(1, 11)))
    for item in found.codebooks:
        if item.set_alpha is not None:
            output.line(f"sets of labels, {item.codebook} (alpha, MASI distance): {_with_interval(item.set_alpha)}")
    for text in _reasons(figures):
        output.note(text)
    if found.weighted:
        output.line("share of units with the mode, by sampling weight:")
        output.table(
            [
                (item.name, _number(item.weighted_prevalence))
                for item in found.modes
                if item.weighted_prevalence is not None
            ],
            right=frozenset({1}),
        )


def _row(item: Figures) -> tuple[str, ...]:
    present = "" if item.mode == "verdict" else _value(item.prevalence)
    return (
        item.name, f"{item.units:,}", f"{item.paired:,}", present, _value(item.raw), _value(item.alpha),
        _interval(item.alpha), _value(item.ac1), _value(item.pabak), _value(item.cohen), _value(item.fleiss),
    )  # fmt: skip


def _reasons(figures: list[Figures]) -> list[str]:
    """Why there are dashes, each reason once with what it is about."""
    found: dict[str, list[str]] = {}
    for item in figures:
        for estimate in (item.raw, item.alpha):
            if estimate.value is None and item.name not in found.setdefault(estimate.why, []):
                found[estimate.why].append(item.name)
    return [f"- ({_few(names, len(figures))}): {why}." for why, names in found.items() if names]


def _few(names: list[str], of: int) -> str:
    if len(names) == of:
        return "all"
    rest = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + rest


def _value(estimate: Estimate) -> str:
    return _number(estimate.value)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _interval(estimate: Estimate) -> str:
    return "" if estimate.low is None or estimate.high is None else f"{estimate.low:.2f}..{estimate.high:.2f}"


def _with_interval(estimate: Estimate) -> str:
    if estimate.value is None:
        return f"- ({estimate.why})"
    return f"{estimate.value:.3f} {_interval(estimate)}".rstrip()


# -- steps ----------------------------------------------------------------------------------------------------------


def _steps(found: Agreement) -> None:
    if found.decisive:
        output.line("the decisive step (the label marked as root cause, else the first label of a whole run):")
        rows: list[tuple[str, ...]] = [
            ("reviewers", "runs", "exact", "within 1", "within 2", "within 5", "same agent", "step among labels")
        ]
        rows += [_decisive(item) for item in found.decisive]
        output.table(rows, right=frozenset(range(1, 8)))
        output.note("steps are places in the run: whether a source counts from 0 or from 1 makes no difference.")
        for text, count in sorted(found.decisive_counted.items()):
            output.note(f"counted: {output.count(count, 'run')} of {text}, where another reviewer has one too.")
    else:
        output.note("no run has a decisive step by two reviewers.")
    if found.steps:
        output.line("steps of a mode that two reviewers found in one unit:")
        modes: list[tuple[str, ...]] = [("mode", "pairs", "exact", "within 1", "within 2", "within 5", "span IoU")]
        modes += [(*_distances(item), _number(item.iou)) for item in found.steps]
        output.table(modes, right=frozenset(range(1, 7)))
    else:
        output.note("no unit has one mode by two reviewers.")


def _distances(item: StepFigures) -> tuple[str, ...]:
    shares = (item.exact, *(item.within[most] for most in (1, 2, 5)))
    return (item.name, f"{item.pairs:,}", *(_share(count, item.pairs) for count in shares))


def _decisive(item: StepFigures) -> tuple[str, ...]:
    return (*_distances(item), _share(item.agent, item.agents), _share(item.hit, item.pairs))


def _share(count: int, total: int) -> str:
    return f"{count}/{total} {count / total:.0%}" if total else "-"


# -- reviewers ------------------------------------------------------------------------------------------------------


def _reviewers(found: Agreement) -> None:
    if not found.reviewers:
        output.note("no vote counts yet: agreement needs two reviewers.")
        return
    rows: list[tuple[str, ...]] = [
        ("reviewer", "votes", "compared", "agreed", "kappa", "precision", "recall", "sensitivity", "specificity")
    ]
    for item in found.reviewers:
        figures = (item.agreed, item.kappa, item.precision, item.recall, item.sensitivity, item.specificity)
        rows.append((item.name, f"{item.votes:,}", f"{item.compared:,}", *map(_number, figures)))
    output.table(rows, right=frozenset(range(1, 9)))
    output.note("compared with what most of the others say; sensitivity and specificity are by Dawid-Skene.")
    if len(found.reviewers) < 2:
        output.note("there is one reviewer: agreement needs two.")
    if found.pairs:
        pairs = [("pair", "judgements", "agreed", "Cohen")]
        pairs += [
            (f"{item.first} and {item.second}", f"{item.judgements:,}", _number(item.agreed), _number(item.kappa))
            for item in found.pairs
        ]
        output.table(pairs, right=frozenset({1, 2, 3}))
    for again in found.repeats:
        output.line(
            f"{again.name} read {output.count(again.chunks, 'chunk')} twice:"
            f" of {output.count(again.verdicts, 'verdict')} {again.verdicts_same:,} the same, of"
            f" {output.count(again.modes, 'judgement')} {again.modes_same:,}, kappa {_number(again.kappa)}"
        )
    _anchoring(found)


def _anchoring(found: Agreement) -> None:
    from labels.agreement.anchoring import overall

    if not found.anchoring:
        return
    rows = [("anchoring", "blind first", "labelled before", "after", "shift", "at sight", "pull")]
    for item in [*overall(found.anchoring), *found.anchoring]:
        name = f"{item.reviewer} {item.mode}" if item.mode else f"{item.reviewer}, all modes"
        rows.append(
            (name, f"{item.blind:,}", f"{item.before:,}", f"{item.after:,}", _number(item.shift),
             f"{item.labelled}/{item.shown}", _number(item.pull))
        )  # fmt: skip
    output.table(rows, right=frozenset(range(1, 7)))
