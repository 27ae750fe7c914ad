"""Where a user's own codebooks lie: the same for the command line and the station."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from sessions.errors import UserError

CODEBOOKS_VARIABLE = "REVIEW_TUI_CODEBOOKS"


def user_codebook_folder() -> Path:
    """The folder that is always looked at; it need not exist."""
    from platformdirs import user_config_path

    return user_config_path("review-tui", appauthor=False) / "codebooks"


def user_codebook_paths(named: Iterable[Path] = ()) -> list[Path]:
    """Files and folders of codebooks that the user named: those of $REVIEW_TUI_CODEBOOKS (a list, separated as in
    $PATH), then `named`. Raises UserError for one that is not there."""
    listed = os.environ.get(CODEBOOKS_VARIABLE, "").split(os.pathsep)
    paths = [Path(text).expanduser() for text in listed if text.strip()]
    for path in paths:
        if not path.exists():
            raise UserError(f"there is no {path}, which ${CODEBOOKS_VARIABLE} names.", "Correct or unset it.")
    for path in named:
        if not path.exists():
            raise UserError(f"there is no codebook {path}.", "Check the path.")
        paths.append(path)
    return paths
