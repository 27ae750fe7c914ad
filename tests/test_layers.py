"""What the import contract (`make contracts`) cannot see: SQL stays out of the faces."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]

SQL = re.compile(r"\b(SELECT\s.+\sFROM|INSERT INTO|DELETE FROM|UPDATE\s\S+\sSET|PRAGMA\s\w+)\b", re.DOTALL)


def sql_in(path: Path) -> list[str]:
    """Texts of a program that are SQL; docstrings may speak of it."""
    tree = ast.parse(path.read_text("utf-8"))
    spoken = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in spoken]
    return [node.value for node in texts if isinstance(node.value, str) and SQL.search(node.value)]


def test_no_sql_in_the_faces():
    files = list((ROOT / "review_tui").rglob("*.py"))
    assert len(files) > 100
    assert {str(path.relative_to(ROOT)): found for path in files if (found := sql_in(path))} == {}


def test_sql_would_be_seen():
    assert sql_in(ROOT / "sessions" / "live" / "gates.py")
    assert sql_in(ROOT / "labels" / "events.py")
