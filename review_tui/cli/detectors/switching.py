"""What `enable` and `disable` share."""

from __future__ import annotations

import click

from review_tui.cli import output
from review_tui.cli.settings import settings


def switch(ctx: click.Context, names: tuple[str, ...], on: bool, as_json: bool) -> None:
    """Switch detectors, and say so. Nothing is switched if one of them is unknown."""
    from labels import detection, detectors
    from labels.figures import figures

    for name in names:
        detectors.load(name)
    store = settings(ctx).store(ctx, create=True)
    for name in names:
        detection.switch(store, name, on)
    if as_json:
        output.emit("detectors-switch", {"detectors": [{"id": name, "on": on} for name in names]})
        return
    for name in names:
        output.line(f"{name} is {'on' if on else 'off'} in {store.path}")
        for mode in detectors.load(name).modes if on else ():
            figure = figures().of(name, mode)
            if figure is not None and figure.beats is not True:
                output.note(
                    f"{name}, {mode}: {figure.short}; it does not beat the trivial baselines, so take it as a hint."
                )
    output.note("Runs that were looked at before are looked at again by `review-tui detect`, or when they are opened.")
