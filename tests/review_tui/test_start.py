"""What the station imports before its first frame, and what it must not."""

import subprocess
import sys

#: Each of these costs more than opening the store.
HEAVY = (
    *("pydantic", "pydantic_core", "sqlite_utils", "markdown_it", "numpy", "sklearn", "sqlglot", "tree_sitter"),
    *("httpx", "ijson", "watchfiles", "rich.markdown", "rich.syntax", "textual.widgets._markdown", "email.message"),
)
CODE = "import sys; import review_tui.cli.open, review_tui.app; print(*sys.modules)"


def test_nothing_heavy_is_imported_on_the_way_to_the_first_frame() -> None:
    result = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    loaded = set(result.stdout.split())
    assert "textual.app" in loaded
    assert not loaded.intersection(HEAVY)
