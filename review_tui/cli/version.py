"""Which release this is."""

from __future__ import annotations


def version() -> str:
    """The installed release; a checkout that was never installed has none."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("review-tui")
    except PackageNotFoundError:
        return "not installed"


def version_line() -> str:
    return f"review-tui {version()}"
