"""The real Claude Code against a made-up Messages API. Skipped where there is no binary."""

import pytest
from claude_tools import Claude, binary
from program import stop_servers


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "claude: runs the real Claude Code, offline (`make test-claude`)")


@pytest.fixture
def claude(tmp_path_factory: pytest.TempPathFactory):
    program = binary()
    if program is None:
        pytest.skip("no Claude Code here (make test-claude installs it)")
    made = Claude(tmp_path_factory.mktemp("c"), program)  # a short path: a socket's name has no room for more
    yield made
    made.store.close()
    stop_servers(made.runtime)
