"""Fixtures that every test may use: the folder of real runs, and a fresh database."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# CI tries the same examples every time, so that a run says something about the change; new ones are found at home.
settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
if os.environ.get("CI"):
    settings.load_profile("ci")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SAMPLE_TRACES = Path(__file__).resolve().parents[1] / "sample_traces"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """../shared/data beside the project. Tests that use it carry the mark `real_data`."""
    if not SHARED_DATA.is_dir():
        pytest.skip("no folder ../shared/data here")
    return SHARED_DATA
