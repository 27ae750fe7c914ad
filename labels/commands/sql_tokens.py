"""SQL as tokens and statements, whatever the dialect and however wrong: comments out, strings and names told apart."""

from __future__ import annotations

import re
from typing import NamedTuple

#: SQL beyond this many characters is not looked at.
MAX_SQL = 30_000
_MAX_STATEMENTS = 2_000

_TOKEN = re.compile(
    r"(?P<space>\s+|--[^\n]*|/\*(?!!|\+).*?(?:\*/|\Z)|/\*!\d*|\*/|^\\\w[^\n]*)"
    r"|(?P<dollar>\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)"
    r"|(?P<string>[EeNnBbXxUu]?'(?:''|\\.|[^'\\])*'?)"
    r"|(?P<name>\"(?:\"\"|[^\"])*\"?|`[^`]*`?|\[[\w .-]+\])"
    r"|(?P<word>[^\W\d][\w$]*|@@?\w+|#\w+|:\w+)"
    r"|(?P<number>\d[\w.]*)"
    r"|(?P<other>;|\|\||<=>|<>|[<>!=]=|.)",
    re.DOTALL | re.MULTILINE,
)


class Token(NamedTuple):
    """kind: word, name (quoted), string, dollar, number, other. upper: the text in capitals, for keywords."""

    kind: str
    text: str
    upper: str
    start: int
    end: int


class Statement(NamedTuple):
    """tokens: without comments and blanks, and without the semicolon."""

    tokens: list[Token]
    start: int
    end: int

    @property
    def words(self) -> list[str]:
        """Keywords and names in order, in capitals; strings and numbers as they are."""
        return [token.upper for token in self.tokens]


def statements(sql: str) -> list[Statement]:
    """The statements of a text, at most 2,000. A line `GO` (T-SQL) or `/` (Oracle) ends one too."""
    found: list[Statement] = []
    tokens: list[Token] = []
    for match in _TOKEN.finditer(sql[:MAX_SQL]):
        kind = match.lastgroup or "other"
        if kind == "space":
            continue
        kind = "dollar" if kind == "tag" else kind
        text = match[0]
        token = Token(kind, text, text.upper() if kind == "word" else text, match.start(), match.end())
        if text == ";" or (token.upper == "GO" and _alone(sql, token)):
            _finish(found, tokens)
            tokens = []
            if len(found) >= _MAX_STATEMENTS:
                return found
        else:
            tokens.append(token)
    _finish(found, tokens)
    return found


def _alone(sql: str, token: Token) -> bool:
    before = sql.rfind("\n", 0, token.start)
    after = sql.find("\n", token.end)
    return (
        sql[before + 1 : token.start].strip() == "" and sql[token.end : after if after >= 0 else len(sql)].strip() == ""
    )


def _finish(found: list[Statement], tokens: list[Token]) -> None:
    if tokens:
        found.append(Statement(tokens, tokens[0].start, tokens[-1].end))


def unquoted(token: Token) -> str:
    """What a string literal or a dollar-quoted one holds, or a name without its quotes."""
    text = token.text
    if token.kind == "dollar":
        tag = text.find("$", 1) + 1
        return text[tag:-tag]
    if token.kind == "string":
        return text[text.find("'") + 1 :].removesuffix("'").replace("''", "'")
    return text.strip('"`[]') if token.kind == "name" else text


def top_level(tokens: list[Token]) -> list[Token]:
    """The tokens outside parentheses."""
    depth, found = 0, []
    for token in tokens:
        if token.text == "(":
            depth += 1
        elif token.text == ")":
            depth = max(0, depth - 1)
        elif not depth:
            found.append(token)
    return found
