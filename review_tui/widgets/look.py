"""Looks: the styles that line-drawn widgets use, looked up once a theme instead of once a cell.

A widget names its looks in `LOOKS`; each is a component class `look--NAME` whose colours stand in `looks.tcss`. One
meaning has one look in every widget, and never colour alone: a glyph or a word stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.widget import Widget


class LookMixin(Widget):
    """Gives a widget `look`: name -> style. A look's background is the widget's where it names none."""

    LOOKS: ClassVar[tuple[str, ...]] = ()
    #: Those of them that are drawn over others, and so hold only what they change.
    OVERLAYS: ClassVar[frozenset[str]] = frozenset()
    _look: dict[str, Style] | None = None

    @property
    def look(self) -> dict[str, Style]:
        if self._look is None:
            self._look = {
                name: self.get_component_rich_style(f"look--{name}", partial=name in self.OVERLAYS)
                for name in self.LOOKS
            }
        return self._look

    def overlaid(self, segments: Iterable[Segment], name: str) -> list[Segment]:
        """Segments with an overlay's colours on top of their own."""
        style = self.look[name]
        return [Segment(segment.text, (segment.style or Style()) + style) for segment in segments]

    def notify_style_update(self) -> None:
        self._look = None
        super().notify_style_update()
