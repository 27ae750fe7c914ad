"""Figures of agreement in plain words: what a row says, why a figure is missing, and what to do about it."""

from __future__ import annotations

#: Krippendorff (2004), Content Analysis, p. 241: rely on .800 and more; draw tentative conclusions from .667 on.
RELIABLE, TENTATIVE = 0.8, 0.667


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
    return "people agree on it well" if alpha >= RELIABLE else "people agree on it tolerably"
