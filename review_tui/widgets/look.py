"""Looks: the styles that line-drawn widgets use, looked up once a theme instead of once a cell.

A widget names its looks in `LOOKS`; each is a component class `look--NAME` whose colours stand in `looks.tcss`. One
meaning has one look in every widget, and never colour alone: a glyph or a word stands beside it.
"""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from textual.widget import Widget


class LookMixin(Widget):
    """Gives a widget `look`: name -> style with the widget's own background."""

    LOOKS: ClassVar[tuple[str, ...]] = ()
    _look: dict[str, Style] | None = None

    @property
    def look(self) -> dict[str, Style]:
        if self._look is None:
            base = self.rich_style
            self._look = {
                name: base + self.get_component_rich_style(f"look--{name}", partial=True) for name in self.LOOKS
            }
            for name in ("select", "search", "label", "suggestion", "cursor"):
                if name in self._look:  # laid over other styles: only what they change
                    self._look[name] = self.get_component_rich_style(f"look--{name}", partial=True)
        return self._look

    def notify_style_update(self) -> None:
        self._look = None
        super().notify_style_update()
