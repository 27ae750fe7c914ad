"""DELETE and UPDATE: whether they are restricted to some rows, and which table they are about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from labels.commands.rules import sql as rules
from labels.commands.rules.base import Finding, Rule
from labels.commands.sql_tokens import Token, top_level, unquoted
from labels.commands.sql_where import always_true, clearly_real

_AUDIT = re.compile(r"(?:^|[._])audit(?:[._]|s\b|logs?\b|trail|$)|(?:^|_)audit_?(?:log|event|trail)", re.IGNORECASE)
_AGE = re.compile(
    r"\b(?:NOW|CURRENT_DATE|CURRENT_TIMESTAMP|INTERVAL|GETDATE|SYSDATE|DATE_SUB|DATEADD)\b", re.IGNORECASE
)
TEMPORARY = re.compile(
    r"#\w+|(?:pg_)?temp(?:orary)?\.|tmp_|temp_|_tmp$|_temp$|.*_(?:tmp|temp)$|staging_tmp", re.IGNORECASE
)


@dataclass(slots=True)
class Context:
    """dialect: sqlglot's name, if known. depth: of statements within strings. parses: WHEREs that may still be read."""

    dialect: str | None = None
    depth: int = 0
    parses: int = 30


def changes(tokens: list[Token], context: Context, rule: Rule) -> Iterator[Finding]:
    """A DELETE or UPDATE from its first token on. Joins that say ON restrict it as well as a WHERE."""
    outer = _until_closed(tokens)
    flat = top_level(outer)
    words = [token.upper for token in flat]
    name = name_after(outer, "FROM" if "FROM" in words[:4] and rule is rules.DELETE_ALL else words[0])
    if TEMPORARY.match(name) or (rule is rules.DELETE_ALL and not _is_delete(words)):
        return
    if _AUDIT.search(name):
        if "WHERE" not in words or not _AGE.search(" ".join(token.text for token in outer)):
            yield Finding(rules.AUDIT, name)
        return
    if "WHERE" in words:
        condition = _condition(outer)
        if condition and not _holds_always(condition, context):
            return
        yield Finding(rule, f"{name}: the condition is always true" if condition else name)
    elif "ON" not in words and not (rule is rules.UPDATE_ALL and "FROM" in words and "," not in words):
        yield Finding(rule, name)


def _is_delete(words: list[str]) -> bool:
    """DELETE FROM t ..., or with T-SQL and Oracle DELETE t; else it is prose."""
    return bool({"FROM", "WHERE"} & set(words)) or len(words) <= 4


def _until_closed(tokens: list[Token]) -> list[Token]:
    """Up to the parenthesis that ends it, for a statement inside a WITH."""
    depth = 0
    for place, token in enumerate(tokens):
        depth += (token.text == "(") - (token.text == ")")
        if depth < 0:
            return tokens[:place]
    return tokens


def _holds_always(condition: str, context: Context) -> bool:
    if clearly_real(condition) or not context.parses:
        return False
    context.parses -= 1
    return always_true(condition, context.dialect)


_AFTER_WHERE = frozenset({"RETURNING", "LIMIT", "ORDER", "OPTION", "SETTINGS", "OUTPUT"})


def _condition(tokens: list[Token]) -> str:
    """The text of the outermost WHERE."""
    depth, parts, inside = 0, list[str](), False
    for token in tokens:
        depth += (token.text == "(") - (token.text == ")")
        if not inside:
            inside = not depth and token.upper == "WHERE"
        elif not depth and token.upper in _AFTER_WHERE:
            break
        else:
            parts.append(token.text)
    return " ".join(parts)


def name_after(tokens: list[Token], keyword: str) -> str:
    """The name after a keyword, over `IF EXISTS`."""
    place = next((at for at, token in enumerate(tokens) if token.upper == keyword), len(tokens)) + 1
    while place < len(tokens) and tokens[place].upper in ("IF", "NOT", "EXISTS", "ONLY", "CONCURRENTLY", "BY"):
        place += 1
    parts: list[str] = []
    while place < len(tokens) and (tokens[place].kind in ("word", "name") or tokens[place].text == "."):
        if parts and parts[-1] != "." and tokens[place].text != ".":
            break
        parts.append(unquoted(tokens[place]))
        place += 1
    return "".join(parts)[:80]
