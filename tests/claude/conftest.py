"""The real Claude Code against a made-up Messages API. Skipped where there is no binary."""

from pathlib import Path

import pytest
from claude_tools import Claude, binary


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "claude: runs the real Claude Code, offline (`make test-claude`)")


@pytest.fixture
def claude(tmp_path: Path):
    program = binary()
    if program is None:
        pytest.skip("no Claude Code here (make test-claude installs it)")
    made = Claude(tmp_path, program)
    yield made
    made.store.close()
