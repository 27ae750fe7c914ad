"""What sections are made of: tables, figures with captions, folded details."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: int = 0) -> str:
    """Cells are HTML already. numbers: from this column on they are figures; 0 for none."""

    def cells(kind: str, row: Sequence[str]) -> str:
        looks = [' class="n"' if place >= numbers > 0 else "" for place in range(len(row))]
        return "".join(f"<{kind}{look}>{cell}</{kind}>" for look, cell in zip(looks, row, strict=True))

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{cells("th", head)}</tr></thead><tbody>{body}</tbody></table></div>'


def figure(drawing: str, *caption: str) -> str:
    """caption: sentences, of which empty ones are left out."""
    return f"<figure>{drawing}<figcaption>{' '.join(filter(None, caption))}</figcaption></figure>"


def folded(summary: str, content: str) -> str:
    return f"<details><summary>{summary}</summary>{content}</details>"


def section(key: str, title: str, content: str, level: int = 2) -> str:
    """ "" where there is no content."""
    return f'<section id="{key}"><h{level}>{title}</h{level}>{content}</section>' if content else ""
