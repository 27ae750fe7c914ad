"""The tables of `review-tui detectors score`, at most 100 columns wide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from labels.codebook import Codebooks
from labels.figures import decimal
from labels.scoring.alerts import Alerts
from labels.scoring.localisation import StepScore
from labels.scoring.metrics import Estimate
from labels.scoring.report import Report
from labels.scoring.score import BASELINES, Score
from labels.scoring.truth import TRUSTS
from review_tui.cli import output
from sessions.errors import UsageError

_HEADINGS = {
    "sound": "on labels given run by run",
    "doubtful": "on doubtful labels (see above): no measure of anything but agreement with them",
    "staged": "on runs made for their labels: whether it works, not how well",
}
_NONE = "-"


def tables(report: Report, books: Codebooks) -> None:
    """Everything, table by table; what there is nothing of is left out."""
    for trust in TRUSTS:
        scores = [item for item in report.scores if item.trust == trust]
        alerts = [item for item in report.alerts if item.trust == trust]
        steps = [item for item in report.steps if item.trust == trust]
        if not (scores or alerts or steps):
            continue
        output.line()
        output.line(f"== {_HEADINGS[trust]}")
        _scores(scores, books)
        _alerts(alerts)
        _steps(steps)
    _calibration(report, books)
    answers(report)


def _scores(scores: Sequence[Score], books: Codebooks) -> None:
    with_mode = [item for item in scores if item.positives]
    if with_mode:
        _found(with_mode, books)
        _against(with_mode, books)
        _evidence(with_mode, books)
    _false_only([item for item in scores if not item.positives], books)


def _found(scores: Sequence[Score], books: Codebooks) -> None:
    output.line()
    rows = [("detector", "mode", "present", "fired", "precision", "recall", "F1")]
    rows += [
        (item.detector, _code(item.mode, books), f"{item.positives} of {item.units}", str(item.fired),
         _figure(item.precision), _figure(item.recall), _figure(item.f1))
        for item in scores
    ]  # fmt: skip
    output.table(rows, right=frozenset({2, 3}))


def _against(scores: Sequence[Score], books: Codebooks) -> None:
    """Beside what needs no detector."""
    output.line()
    rows = [("detector", "mode", "F1", "yes", "w/o", "AP", "chance", "length", "system", "beats them")]
    rows += [
        (item.detector, _code(item.mode, books), _value(item.f1), _number(item.always_yes_f1),
         _number(item.without_system.f1), _figure(item.average_precision), _number(item.prevalence),
         _number(item.length_ap), _number(item.prior_ap), _verdict(item))
        for item in scores
    ]  # fmt: skip
    output.table(rows)
    output.line("yes: F1 of always saying yes. w/o: lowest F1 without one system's runs. AP: average precision,")
    output.line("beside that of chance, of the run's length and of the system's own rate. [95 % interval by run]")


def _false_only(scores: Sequence[Score], books: Codebooks) -> None:
    if not scores:
        return
    output.line()
    output.line("The mode is nowhere in the labels, so only false alarms can be counted:")
    rows = [("detector", "mode", "judged", "false")]
    rows += [(item.detector, _code(item.mode, books), str(item.units), str(item.fired)) for item in scores]
    output.table(rows, right=frozenset({2, 3}))


def _verdict(item: Score) -> str:
    if item.beats is None:
        return _NONE
    short = {"always yes": "yes", "run length": "length", "system prior": "system"}
    if item.behind:
        behind = ", ".join(short.get(name, name) for name in item.behind)
        return f"no ({'any' if len(item.behind) == BASELINES else behind})"
    return "yes" if item.ahead is None else f"yes ({item.ahead:.0%} of draws)"


def _evidence(scores: Iterable[Score], books: Codebooks) -> None:
    found = [(item, item.evidence) for item in scores if item.evidence is not None]
    if not found:
        return
    output.line()
    rows = [("detector", "mode", "found", "quotes the marked steps", "overlap of steps")]
    rows += [
        (item.detector, _code(item.mode, books), str(evidence.n), _figure(evidence.hit), _figure(evidence.iou))
        for item, evidence in found
    ]
    output.table(rows, right=frozenset({2}))


def _alerts(alerts: Sequence[Alerts]) -> None:
    if not alerts:
        return
    output.line()
    rows = [("detector", "good", "alerts a good run", "fires on good", "on failed", "AUROC", "length")]
    rows += [
        (item.detector, str(item.good), _figure(item.per_good), _figure(item.on_good), _figure(item.on_failed),
         _value(item.auroc), _value(item.length_auroc))
        for item in alerts
    ]  # fmt: skip
    output.table(rows, right=frozenset({1}))


def _steps(steps: Sequence[StepScore]) -> None:
    for corpus, system in dict.fromkeys((item.corpus, item.system) for item in steps):
        mine = [item for item in steps if (item.corpus, item.system) == (corpus, system)]
        output.line()
        name = f"{corpus}, {system}" if system else corpus
        output.line(f"the step at which it went wrong, {name}, {output.count(mine[0].runs, 'run')}:")
        rows = [("method", "named", "exact", "within 1", "within 3", "top 3")]
        rows += [
            (
                item.method,
                str(item.named),
                _figure(item.exact),
                _figure(item.within_1),
                _figure(item.within_3),
                _figure(item.top_3),
            )
            for item in mine
        ]
        output.table(rows, right=frozenset({1}))


def _calibration(report: Report, books: Codebooks) -> None:
    if not report.calibration:
        return
    output.line()
    output.line("probabilities (`review-tui detectors calibrate`), on held-out runs:")
    rows = [("detector", "mode", "blind decisions", "calibration error", "Brier")]
    for entry in report.calibration:
        known = f"{entry['right']} of {entry['decisions']} right"
        found = entry["reliability"]
        error = f"{decimal(found['ece'])} (n {found['n']}, {found['bins']} bins)" if found else "none yet"
        brier = f"{decimal(found['brier'])} (base rate {decimal(found['constant'])})" if found else ""
        rows.append((entry["detector"], _code(entry["mode"], books), known, error, brier))
    output.table(rows)


def answers(report: Report) -> None:
    """How suggestions were answered, apart from whether they are right."""
    if not report.answers:
        return
    output.line()
    output.line("how suggestions were answered, which is not whether they are right:")
    rows = [("detector", "mode", "answers", "rejected", "relabelled", "unanswered", "seconds")]
    rows += [
        (item.detector, item.mode.partition("@")[0], item.text or "none", str(item.rejected), str(item.relabelled),
         str(item.unanswered), _NONE if item.median_seconds is None else f"{item.median_seconds:.1f}")
        for item in report.answers
    ]  # fmt: skip
    output.table(rows, right=frozenset({3, 4, 5, 6}))


# -- cells --------------------------------------------------------------------------------------------------------


def _code(mode: str, books: Codebooks) -> str:
    try:
        return books.resolve(mode)[1].code or mode.partition("@")[0]
    except UsageError:
        return mode


def _figure(item: Estimate) -> str:
    """`.45 [.20,.71]`; a dash where it is undefined."""
    if item.value is None:
        return _NONE
    if item.low is None or item.high is None:
        return _number(item.value)
    return f"{_number(item.value)} [{_number(item.low)},{_number(item.high)}]"


def _value(item: Estimate) -> str:
    return _number(item.value)


def _number(value: float | None) -> str:
    return _NONE if value is None else decimal(value)
