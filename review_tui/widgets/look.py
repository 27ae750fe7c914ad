"""Looks: the styles that line-drawn widgets use, worked out once a theme instead of once a cell.

A widget says in `LOOKS` what each of its looks is, in the theme's words: "bold text-error", "foreground 62%",
"text-warning on warning-muted". One meaning has one look in every widget, and never colour alone: a glyph or a word
stands beside it.

They are no component classes of Textual's: it would apply its stylesheet to each of some hundred of them whenever a
widget is mounted or gets the focus, which took a fifth of the time to the first frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar, TypeAlias

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.widget import Widget

Looks: TypeAlias = Mapping[str, str]

FAINT = "foreground 62%"
#: Looks that every widget has.
SHARED: Looks = {
    "text": "",
    "faint": FAINT,
    "verdict-approve": "bold text-success",
    "verdict-rollback": "bold text-warning",
    "verdict-stop": "bold text-error",
    "verdict-abstain": FAINT,
    "verdict-reject": "text-error",
}
_ATTRIBUTES = {name: Style.parse(name) for name in ("bold", "italic", "underline", "reverse")}


class LookMixin(Widget):
    """Gives a widget `look`: name -> style. A look's background is the widget's where it names none."""

    LOOKS: ClassVar[Looks] = SHARED
    #: Those of them that are drawn over others, and so hold only what they change.
    OVERLAYS: ClassVar[frozenset[str]] = frozenset()
    _look: dict[str, Style] | None = None

    @property
    def look(self) -> dict[str, Style]:
        if self._look is None:
            background, color = self.background_colors[1], self.colors[3]
            self._look = {
                name: _style(look, self.app.theme_variables, None if name in self.OVERLAYS else (background, color))
                for name, look in self.LOOKS.items()
            }
        return self._look

    def overlaid(self, segments: Iterable[Segment], name: str) -> list[Segment]:
        """Segments with an overlay's colours on top of their own."""
        style = self.look[name]
        return [Segment(segment.text, (segment.style or Style()) + style) for segment in segments]

    def notify_style_update(self) -> None:
        self._look = None
        super().notify_style_update()


def _style(look: str, variables: Mapping[str, str], under: tuple[Color, Color] | None) -> Style:
    """The style of a look. under: the widget's background and colour; None for an overlay, which stands by itself."""
    text, _, ground = look.partition(" on ")
    words = text.split()
    attributes = sum((_ATTRIBUTES[word] for word in words if word in _ATTRIBUTES), Style())
    color = _color([word for word in words if word not in _ATTRIBUTES], variables)
    background = _color(ground.split(), variables)
    if under is None:
        seen = [paint.rich_color if paint is not None and paint.a else None for paint in (color, background)]
        return attributes + Style.from_color(*seen)
    on = under[0] + background if background else under[0]
    return attributes + Style.from_color((on + (color or under[1])).rich_color, on.rich_color)


def _color(words: list[str], variables: Mapping[str, str]) -> Color | None:
    """A colour of the theme, weaker by the last percentage behind it (some themes have one of their own)."""
    if not words:
        return None
    name, *shares = [*variables[words[0]].split(), *words[1:]]
    color = Color.parse(name)
    return color.multiply_alpha(float(shares[-1].rstrip("%")) / 100) if shares else color
