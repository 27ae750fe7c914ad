"""Cascades: which modes start them, what follows from what, and after how many steps."""

from __future__ import annotations

from labels.insights.figures import FEW, Link, Profile
from review_tui.insights.drawing import PageRow
from review_tui.insights.words import View, blank, heading, wrapped
from review_tui.sanitize import short
from review_tui.words import counted

MOST = 60


def rows(view: View) -> list[PageRow]:
    profile = view.profile
    assert profile is not None
    cascades = profile.cascades
    found: list[PageRow] = [
        (
            None,
            [
                (" Cascades", "strong"),
                (f"  {counted(cascades.runs, 'run')} with a label that follows from another", "faint"),
            ],
        )
    ]
    if not cascades.links and not cascades.starts:
        return found + wrapped(
            "No label says that it follows from another. Press c on a label in the review screen to say which one is"
            " the root cause and what follows from it; the command line has --caused-by.",
            view.width, "text",
        )  # fmt: skip
    if cascades.runs < FEW:
        found += wrapped(f"Fewer than {FEW} runs have a cascade: too few for more than the counts.", view.width, "warn")
    found += _starts(view, profile)
    if cascades.links:
        found += [blank(), heading("WHAT FOLLOWS FROM WHAT")]
        for cause in dict.fromkeys(link.cause for link in _sorted(cascades.links)[:MOST]):
            found.append((f"mode:{cause}", [(f" {short(profile.name(cause), view.width - 4)}", "text")]))
            found += [_link(view, profile, link) for link in _sorted(cascades.links)[:MOST] if link.cause == cause]
    if cascades.loose:
        found += [blank(), *wrapped(f"{cascades.loose:,} links point to a label that does not count.", view.width)]
    return found


def _sorted(links: tuple[Link, ...]) -> list[Link]:
    return sorted(links, key=lambda link: (-link.links, link.cause, link.effect))


def _starts(view: View, profile: Profile) -> list[PageRow]:
    """What starts cascades grows to the left from the middle, what follows to the right."""
    starts = sorted(profile.cascades.starts, key=lambda item: (-item.starts, item.mode))
    if not starts:
        return []
    label = 28 if view.width < 110 else 42
    half = max(6, min(30, (view.width - label - 31) // 2))
    most = max(max(item.starts, item.follows) for item in starts) or 1
    found: list[PageRow] = [
        (None, [(f" {'':<{label}} {'runs it starts in':>{half + 4}}", "bar"), (" │ ", "faint"),
                (f"{'follows in':<{half + 5}}", "bar-far"), ("labels after it", "faint")]),
    ]  # fmt: skip
    for item in starts:
        left, right = "█" * _cells(item.starts, most, half), "▒" * _cells(item.follows, most, half)
        found.append(
            (f"mode:{item.mode}", [
                (f" {short(profile.name(item.mode), label):<{label}} ", "text"),
                (f"{item.starts:>{half - len(left) + 3},} ", "text"), (left, "bar"), (" │ ", "faint"),
                (right, "bar-far"), (f" {item.follows:<{half - len(right) + 4},}", "text"),
                (f"{item.reach:>4.1f} mean", "faint"),
            ])
        )  # fmt: skip
    return found


def _cells(count: int, most: int, width: int) -> int:
    return max(1, round(count / most * width)) if count else 0


def _link(view: View, profile: Profile, link: Link) -> PageRow:
    name = max(20, view.width - 46)
    after = f"{link.steps_median:.0f} steps on" if link.steps_median != 1 else "1 step on"
    spread = f" ({link.steps_low:.0f}–{link.steps_high:.0f})" if link.links >= FEW else ""
    return f"mode:{link.effect}", [
        (f"   └▶ {short(profile.name(link.effect), name)}", "text"), None,
        (f"{link.links:,}× in {link.runs:,} run{'s' if link.runs != 1 else ''}", "text"),
        (f"  {after}{spread} ", "faint"),
    ]  # fmt: skip
