"""Whether a WHERE holds for every row: `1=1`, `true`, `id = id`, `x OR true`, `id IS NOT NULL`, `name LIKE '%'`.

Read with sqlglot. A condition that it cannot read, or one too long to read in time, counts as a real one.
"""

from __future__ import annotations

import re
from typing import Any

_MAX_TEXT = 2_000
_MAX_NESTING = 40
#: Columns that are never NULL or negative: `id IS NOT NULL` and `id > 0` say nothing.
_KEYS = frozenset({"id", "uuid", "pk", "rowid", "_id", "oid", "ctid"})


#: Most conditions need no parser: one column is compared with a value, and nothing widens that again.
_REAL = re.compile(
    r"(?:^|\bAND\b)\s*(?:[a-z_][\w.]*|\"\w+\"|`\w+`)\s*=\s*(?:'[^']*'|[\d.]+|\?|%s|[:@$]\w+|\{\w*\})\s*(?:$|\bAND\b)",
    re.IGNORECASE,
)
_WIDENS = re.compile(r"\b(?:OR|NOT|XOR)\b|\|\|", re.IGNORECASE)


def clearly_real(condition: str) -> bool:
    """Whether a condition is seen to be a real one without a parser. condition: the text after WHERE."""
    return _REAL.search(condition[:_MAX_TEXT]) is not None and not _WIDENS.search(condition)


def always_true(condition: str, dialect: str | None) -> bool:
    """condition: the text after WHERE. dialect: sqlglot's name for it, if known."""
    if (
        len(condition) > _MAX_TEXT
        or condition.count("(") > _MAX_NESTING
        or condition.upper().count("NOT") > _MAX_NESTING
    ):
        return False
    for read in dict.fromkeys((dialect, None)):  # a dialect that sqlglot does not know is no reason to give up
        tree = _parsed(condition, read)
        if tree is not None:
            break
    else:
        return False
    try:
        where = tree.args.get("where")
        return where is not None and _true(where.this, 0)
    except (RecursionError, AttributeError, TypeError):
        return False


def _parsed(condition: str, dialect: str | None) -> Any:
    from sqlglot import parse_one
    from sqlglot.errors import SqlglotError

    try:
        return parse_one(f"SELECT 1 WHERE {condition}", read=dialect)
    except (SqlglotError, ValueError, RecursionError, AttributeError, TypeError, KeyError, IndexError):
        return None


def _true(node: Any, depth: int) -> bool:
    """Whether the expression is true for all rows."""
    from sqlglot import exp

    if depth > _MAX_NESTING:
        return False
    deeper = depth + 1
    if isinstance(node, exp.Paren):
        return _true(node.this, deeper)
    if isinstance(node, exp.Or):
        return _true(node.left, deeper) or _true(node.right, deeper) or _opposites(node.left, node.right)
    if isinstance(node, exp.And):
        return _true(node.left, deeper) and _true(node.right, deeper)
    if isinstance(node, exp.Not):
        return _false(node.this, deeper)
    if isinstance(node, exp.Boolean):
        return bool(node.this)
    if isinstance(node, exp.Literal):
        return not node.is_string and _number(node) not in (None, 0.0)
    if isinstance(node, exp.Exists):
        return not node.find(exp.Where) and not node.find(exp.From)
    return _comparison_true(node)


def _comparison_true(node: Any) -> bool:
    from sqlglot import exp

    if isinstance(node, (exp.EQ, exp.GTE, exp.LTE, exp.NullSafeEQ)) and _same(node.left, node.right):
        return True
    if isinstance(node, (exp.Like, exp.ILike)):
        pattern = node.expression
        return bool(isinstance(pattern, exp.Literal) and pattern.is_string and set(str(pattern.this)) == {"%"})
    if isinstance(node, (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)):
        return _constants(node) or _trivial_bound(node)
    if isinstance(node, exp.Between):
        low, high = _number(node.args.get("low")), _number(node.args.get("high"))
        value = _number(node.this)
        return None not in (low, high, value) and low <= value <= high  # type: ignore[operator]
    if isinstance(node, exp.In) and isinstance(node.this, exp.Literal):
        return any(_same(node.this, item) for item in node.expressions)
    return False


def _false(node: Any, depth: int) -> bool:
    """Whether the expression is false for all rows."""
    from sqlglot import exp

    if depth > _MAX_NESTING:
        return False
    if isinstance(node, exp.Paren):
        return _false(node.this, depth + 1)
    if isinstance(node, exp.Not):
        return _true(node.this, depth + 1)
    if isinstance(node, exp.Boolean):
        return not node.this
    if isinstance(node, exp.Literal):
        return not node.is_string and _number(node) == 0.0
    if isinstance(node, exp.Is):  # NOT (id IS NULL), which is how `id IS NOT NULL` is read
        return isinstance(node.expression, exp.Null) and _is_key(node.this)
    if isinstance(node, exp.NEQ):
        return _same(node.left, node.right)
    if isinstance(node, exp.EQ):
        return (
            isinstance(node.left, exp.Literal)
            and isinstance(node.right, exp.Literal)
            and not _same(node.left, node.right)
        )
    return False


def _same(left: Any, right: Any) -> bool:
    from sqlglot import exp

    if isinstance(left, exp.Literal) and isinstance(right, exp.Literal) and left.is_string == right.is_string:
        return bool(left.this == right.this)
    return isinstance(left, (exp.Column, exp.Boolean)) and bool(left == right)


def _constants(node: Any) -> bool:
    """Two numbers compared: `2 > 1`; two texts that differ: `'a' <> 'b'`."""
    from sqlglot import exp

    left, right = _number(node.left), _number(node.right)
    if left is not None and right is not None:
        order = (left > right) - (left < right)
        allowed = {exp.EQ: (0,), exp.NEQ: (-1, 1), exp.GT: (1,), exp.GTE: (0, 1), exp.LT: (-1,), exp.LTE: (-1, 0)}
        return order in allowed.get(type(node), ())
    both = isinstance(node.left, exp.Literal) and isinstance(node.right, exp.Literal)
    return isinstance(node, exp.NEQ) and both and node.left.this != node.right.this


def _trivial_bound(node: Any) -> bool:
    """`id > 0`, `id >= 1`, `id <> -1`: true for every key."""
    from sqlglot import exp

    if not _is_key(node.left) or (bound := _number(node.right)) is None:
        return False
    if isinstance(node, exp.GT):
        return bound <= 0
    if isinstance(node, exp.GTE):
        return bound <= 1
    return isinstance(node, exp.NEQ) and bound < 0


def _opposites(left: Any, right: Any) -> bool:
    """`x OR NOT x`, `x IS NULL OR x IS NOT NULL`, `x = 1 OR x <> 1`."""
    from sqlglot import exp

    for one, other in ((left, right), (right, left)):
        if isinstance(other, exp.Not) and other.this.unnest() == one.unnest():
            return True
        if (
            isinstance(one, exp.EQ)
            and isinstance(other, exp.NEQ)
            and (one.left, one.right) == (other.left, other.right)
        ):
            return True
    return False


def _number(node: Any) -> float | None:
    from sqlglot import exp

    if isinstance(node, exp.Neg):
        inside = _number(node.this)
        return None if inside is None else -inside
    if isinstance(node, exp.Literal) and not node.is_string:
        try:
            return float(node.this)
        except ValueError:
            return None
    return None


def _is_key(node: Any) -> bool:
    from sqlglot import exp

    return isinstance(node, exp.Column) and node.name.lower() in _KEYS
