"""Figures of agreement in plain words: what a row says, why a figure is missing, and what to do about it.

No Textual in here; texts are (text, look) blocks, and not cleaned: whoever shows them does that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from review_tui.words import counted

if TYPE_CHECKING:
    from labels.agreement.anchoring import Moved
    from labels.agreement.modes import Figures
    from labels.agreement.reviewers import Consensus, Pair, Repeats, Reviewer
    from labels.agreement.steps import StepFigures
    from labels.scoring.metrics import Estimate

Blocks = list[tuple[str, str]]

#: Krippendorff (2004), Content Analysis, p. 241: rely on .800 and more; draw tentative conclusions from .667 on.
RELIABLE, TENTATIVE = 0.8, 0.667
#: A mode with less than this share of votes (or more than the rest) is called rare (or nearly everywhere).
RARE = 0.1
#: An interval wider than this is called wide.
WIDE_INTERVAL = 0.4


def alpha_look(alpha: float | None) -> str:
    return "faint" if alpha is None else "good" if alpha >= RELIABLE else "warn" if alpha >= TENTATIVE else "error"


def alpha_words(alpha: float | None) -> str:
    """One line on Krippendorff's alpha of a mode."""
    if alpha is None:
        return "alpha is not defined: too few judged it, or all said the same"
    if alpha < 0:
        return "people agree on it less than by chance"
    if alpha < 0.4:
        return "people agree on it little more than by chance"
    if alpha < TENTATIVE:
        return "people agree on it too little to rely on"
    return "people agree on it well" if alpha >= RELIABLE else "people agree on it well enough for tentative use"


def _text(*pieces: str, look: str = "text") -> tuple[str, str]:
    """A block of several pieces of one sentence."""
    return "".join(pieces), look


# -- modes ----------------------------------------------------------------------------------------------------------


def mode_words(item: Figures) -> Blocks:
    """A failure mode, a whole codebook, or verdicts."""
    blocks: Blocks = [(item.name, "strong"), (_counted(item), "text")]
    if item.raw.value is None:
        return [*blocks, (f"No agreement can be computed: {item.raw.why}.", "warn"), *_to_do(item.raw.why)]
    blocks.append((f"Two who judged the same unit say the same in {item.raw.value:.0%} of the cases (raw).", "text"))
    blocks += _alpha(item.alpha)
    if (rare := _rare(item)) is not None:
        blocks.append((rare, "accent"))
    if item.set_alpha is not None:
        value = "not defined" if item.set_alpha.value is None else f"{item.set_alpha.value:.2f}"
        why = f" ({item.set_alpha.why})" if item.set_alpha.value is None else ""
        blocks.append((f"Of whole sets of labels, by MASI distance: alpha {value}{why}.", "text"))
    if item.weighted_prevalence is not None:
        share = f"{item.weighted_prevalence:.1%}"
        blocks.append((f"By the queue's sampling weights, {share} of units have it.", "text"))
    return blocks


def _counted(item: Figures) -> str:
    units, raters = counted(item.units, "unit"), counted(item.raters, "reviewer")
    judged = f"Judged on {units}, on {item.paired:,} by two or more; {raters}."
    if item.mode == "verdict":
        return judged
    return f"{judged} {item.yes:,} of {item.judgements:,} votes say it is there."


def _alpha(alpha: Estimate) -> Blocks:
    if alpha.value is None:
        return [(f"Beyond chance (alpha, kappa) it is not defined: {alpha.why}.", "warn"), *_to_do(alpha.why)]
    words = f"Beyond chance: alpha {alpha.value:.2f}: {alpha_words(alpha.value)}."
    blocks: Blocks = [(words, alpha_look(alpha.value))]
    if alpha.low is None or alpha.high is None:
        return [*blocks, (f"No interval: {alpha.why}.", "faint"), *_to_do(alpha.why)]
    interval = f"95 % interval, drawn over runs: {alpha.low:.2f} to {alpha.high:.2f}."
    wide = " It is wide: more units judged by two make it narrower." if alpha.high - alpha.low > WIDE_INTERVAL else ""
    return [*blocks, (interval + wide, "text")]


def _rare(item: Figures) -> str | None:
    """The case in which kappa and alpha mislead: nearly all say the same."""
    share, raw, alpha = item.prevalence.value, item.raw.value, item.alpha.value
    if share is None or raw is None or alpha is None or raw < 0.9 or alpha >= TENTATIVE or RARE <= share <= 1 - RARE:
        return None
    which = "rare" if share < RARE else "nearly everywhere"
    ac1 = "–" if item.ac1.value is None else f"{item.ac1.value:.2f}"
    return (
        f"The mode is {which} ({share:.0%} of votes), so a few differences weigh heavily in alpha and kappa, and hardly"
        f" in AC1 ({ac1}). Read them together; neither alone is the answer."
    )


def in_short(why: str) -> str:
    """The reason for which alpha is not defined, in a few words for a table."""
    from labels.agreement import modes

    words = {
        modes.ONE_REVIEWER: "one reviewer",
        modes.NO_PAIR: "no unit by two",
        modes.NOBODY: "nobody saw it",
        modes.EVERYBODY: "everybody saw it",
        modes.ONE_VALUE: "all the same",
    }
    return words.get(why, "not defined")


def _to_do(why: str) -> Blocks:
    """What helps where a figure is missing, by the reason that is given for it."""
    from labels.agreement import modes
    from labels.scoring.metrics import ALL_EQUAL, ONE_CLUSTER

    helps = {
        modes.ONE_REVIEWER: "Let somebody else judge the same chunks: a queue with --reviewers 2, or review-tui merge.",
        modes.NO_PAIR: "People judged different chunks. A queue with --reviewers 2 gives the same ones to both.",
        modes.NOBODY: "Nothing is wrong. Judge chunks on which it may occur, to learn whether people see it alike.",
        modes.EVERYBODY: "Nothing is wrong. Judge chunks without it, to learn whether people tell the difference.",
        modes.ONE_VALUE: "Nothing is wrong. It takes units on which somebody says otherwise.",
        ONE_CLUSTER: "Judge a second run: intervals are drawn over runs, because chunks of one run are alike.",
        ALL_EQUAL: "It takes runs that differ in how far people agree.",
    }
    return [(helps[why], "accent")] if why in helps else []


# -- steps ----------------------------------------------------------------------------------------------------------


def decisive_words(item: StepFigures) -> Blocks:
    """Two reviewers (or corpora) on which step decided that a run failed."""
    if not item.pairs:
        return [(item.name, "strong"), ("No run on which both name a decisive step.", "faint")]
    within = item.within
    blocks: Blocks = [
        (item.name, "strong"),
        _text(
            f"Both name the decisive step of {counted(item.pairs, 'run')}: the same one in {item.exact},",
            f" at most 1 apart in {within[1]}, 2 in {within[2]}, 5 in {within[5]}.",
        ),
    ]
    if item.agents:
        blocks.append(_text(f"Of {item.agents} for which both name an agent, it is the same one in {item.agent}."))
    return [
        *blocks,
        _text(f"In {item.hit}, some label of the one covers the step of the other."),
        _text("Decisive: labelled as root cause, else the first label of a whole run; by any codebook.", look="faint"),
    ]


def step_words(item: StepFigures) -> Blocks:
    """Where two people found a mode in one unit: how far apart."""
    within = item.within
    iou = "" if item.iou is None else f" Their steps overlap by {item.iou:.0%} (steps in both, of steps in either)."
    return [
        (item.name, "strong"),
        _text(
            f"{counted(item.pairs, 'pair')} of reviewers found it in the same unit: at the same first step in",
            f" {item.exact}, at most 1 apart in {within[1]}, 2 in {within[2]}, 5 in {within[5]}.{iou}",
        ),
    ]


# -- reviewers ------------------------------------------------------------------------------------------------------


def reviewer_words(item: Reviewer) -> Blocks:
    blocks: Blocks = [(item.name, "strong"), (f"{counted(item.votes, 'vote')}.", "text")]
    if not item.compared or item.agreed is None:
        why = "Nobody else judged the same, or the others were evenly divided: there is nothing to compare with."
        return [*blocks, (why, "warn")]
    blocks.append(
        _text(
            f"Compared with what most of the others say ({counted(item.compared, 'judgement')}, own vote left out):",
            f" the same in {item.agreed:.0%}.",
        )
    )
    if item.precision is not None and item.recall is not None:
        blocks.append(
            _text(
                f"Of modes that they label, the others see {item.precision:.0%} (precision); of those that the",
                f" others see, they label {item.recall:.0%} (recall).",
            )
        )
    if item.kappa is None:
        blocks.append(("Kappa is not defined: one of the two says one thing only.", "faint"))
    return blocks + _skill(item)


def _skill(item: Reviewer) -> Blocks:
    if item.sensitivity is None and item.specificity is None:
        return []
    found = "–" if item.sensitivity is None else f"{item.sensitivity:.0%}"
    left = "–" if item.specificity is None else f"{item.specificity:.0%}"
    return [
        _text(
            f"By Dawid-Skene's estimate they find {found} of what is there, and leave out {left} of what is not.",
            " With two reviewers or few units, do not lean on it.",
            look="faint",
        )
    ]


def pair_words(item: Pair) -> Blocks:
    name = f"{item.first} and {item.second}"
    if item.agreed is None:
        return [(name, "strong"), ("They judged nothing in common.", "faint")]
    kappa = "not defined: one of them says one thing only" if item.kappa is None else f"{item.kappa:.2f}"
    text = f"Over all modes, {counted(item.judgements, 'judgement')} in common, the same in {item.agreed:.0%}."
    return [(name, "strong"), _text(text, f" Cohen's kappa {kappa}.")]


def repeat_words(item: Repeats) -> Blocks:
    kappa = "is not defined" if item.kappa is None else f"{item.kappa:.2f}"
    return [
        (f"{item.name}, against themselves", "strong"),
        _text(
            f"Read {counted(item.chunks, 'chunk')} twice: {item.verdicts_same:,} of {item.verdicts:,} verdicts and",
            f" {item.modes_same:,} of {item.modes:,} judgements of a mode are the same. Kappa {kappa}.",
        ),
        ("Few agree with others better than with themselves: read the other figures beside this one.", "faint"),
    ]


# -- two ways, anchoring ----------------------------------------------------------------------------------------------


def consensus_words(item: Consensus) -> Blocks:
    return [
        (item.name, "strong"),
        _text(
            f"{counted(item.units, 'unit')} judged by two or more. By majority it is in {item.majority:,} of them",
            f" ({item.ties:,} evenly divided); by Dawid-Skene in {item.dawid_skene:,}.",
        ),
        _text(
            f"The two part on {counted(item.differ, 'unit')}, ties left out. Dawid-Skene weighs each reviewer by how",
            f" often they are right by its own estimate, and takes the mode to be in {item.share:.1%} of units.",
        ),
    ]


def moved_words(item: Moved) -> Blocks:
    what = item.mode or "all modes"
    blocks: Blocks = [(f"{item.reviewer}, {what}", "strong")]
    if item.blind:
        blocks.append(
            _text(
                f"Decided blind before {counted(item.blind, 'suggestion')} appeared: had labelled the mode on",
                f" {item.before:,} before and {item.after:,} after ({item.taken_up:,} taken up, {item.dropped:,}",
                f" dropped), a shift of {item.shift or 0:+.0%}.",
            )
        )
    else:
        text = "No suggestion appeared on a chunk decided blind before: a queue's --blind-share makes such chunks."
        blocks.append((text, "faint"))
    if item.shown:
        text = f"Where it stood there from the start, they labelled {item.labelled:,} of {item.shown:,}."
        blocks.append((text, "text"))
    if item.pull is not None:
        blocks.append((f"That is {item.pull:+.0%} against the share labelled blind (pull).", "text"))
    return blocks
