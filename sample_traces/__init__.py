"""Eight small runs made for this project, with reference labels: what the README and the tests open."""

from pathlib import Path


def path() -> Path:
    """The folder that holds the runs, `reference_labels.json` and README.md."""
    return Path(__file__).resolve().parent
