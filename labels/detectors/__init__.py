"""The registry of detectors: which are known, which are on, and loading one on first use.

Detectors are found through the entry-point group `review_tui.detectors`, so a package of the user's can add one. The
built-in ones are named here too, because looking entry points up takes longer than most runs take to be looked at.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import import_module

from labels.detectors.base import Detector, Finding, Need, Quote, RunMeta, Watch
from sessions.errors import UserError

__all__ = ["BUILT_IN", "Detector", "Finding", "Need", "Quote", "RunMeta", "Watch", "load", "load_all", "names"]

#: Built-in detectors, id -> "module:class". The same list stands in pyproject.toml (a test compares them).
BUILT_IN: dict[str, str] = {
    "irreversible": "labels.detectors.irreversible:IrreversibleDetector",
    "repetition": "labels.detectors.repetition:RepetitionDetector",
    "reset": "labels.detectors.reset:ResetDetector",
    "prohibition": "labels.detectors.prohibition:ProhibitionDetector",
    "role-drift": "labels.detectors.role_drift:RoleDriftDetector",
    "lost-history": "labels.detectors.lost_history:LostHistoryDetector",
    "no-stop": "labels.detectors.no_stop:NoStopDetector",
    "unasked": "labels.detectors.unasked:UnaskedDetector",
    "said-not-done": "labels.detectors.said_not_done:SaidNotDoneDetector",
    "open-items": "labels.detectors.open_items:OpenItemsDetector",
    "unverified": "labels.detectors.unverified:UnverifiedDetector",
    "false-success": "labels.detectors.false_success:FalseSuccessDetector",
    "fabrication": "labels.detectors.fabrication:FabricationDetector",
    "log-tampering": "labels.detectors.log_tampering:LogTamperingDetector",
}


@cache
def load(id: str) -> Detector:
    """The detector of that id. Raises UserError for an unknown one, or one that cannot be loaded."""
    target = BUILT_IN.get(id) or _plug_ins().get(id)
    if target is None:
        raise UserError(f"there is no detector {id!r}.", f"Known: {', '.join(names())}.")
    module, _, attribute = target.partition(":")
    try:
        detector: Detector = getattr(import_module(module), attribute)()
    except Exception as error:  # a plug-in may raise anything
        raise UserError(
            f"the detector {id!r} cannot be loaded ({type(error).__name__}: {error}).",
            "Remove or mend the package that brings it.",
        ) from error
    return detector


@cache
def _plug_ins() -> dict[str, str]:
    from importlib.metadata import entry_points

    return {point.name: point.value for point in entry_points(group="review_tui.detectors")}


def names() -> list[str]:
    """All detectors, built-in first."""
    return [*BUILT_IN, *(name for name in _plug_ins() if name not in BUILT_IN)]


def load_all(ids: Iterable[str] | None = None) -> tuple[list[Detector], list[UserError]]:
    """These detectors (all without ids), and what was wrong with those that could not be loaded."""
    found: list[Detector] = []
    problems: list[UserError] = []
    for name in names() if ids is None else ids:
        try:
            found.append(load(name))
        except UserError as error:
            problems.append(error)
    return found, problems
