"""SQL: which statement of a text loses data, by the rules of `rules.sql`.

Statements are told apart by their tokens, so that any dialect and broken SQL can be judged; sqlglot is loaded only for
a WHERE that may be always true. A script that rolls its transaction back loses nothing by DELETE or UPDATE.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from labels.commands.rules import sql as rules
from labels.commands.rules.base import Finding, Rule
from labels.commands.sql_rows import TEMPORARY, Context, changes, name_after
from labels.commands.sql_tokens import MAX_SQL, Statement, statements, unquoted

#: Without one of these words no statement is denied.
GATE = re.compile(
    r"drop|truncate|delete|update|alter|overwrite|replace|merge|execute|exec\b|shutdown|purge|reset|remove|clear|detach|do\b",
    re.IGNORECASE,
)
_UNREAD = re.compile(r"(?:;|\n)\s*((?:DROP|TRUNCATE)\s+(?:TABLE|DATABASE|SCHEMA)|DELETE\s+FROM)\b", re.IGNORECASE)
_DEPTH = 4
_MAX_WITH = 20


class Found(NamedTuple):
    """A statement that is denied. start, end: code points into the SQL."""

    finding: Finding
    start: int
    end: int


def worst(sql: str, dialect: str | None = None) -> Found | None:
    """The most severe of the statements that lose something; the first of equals. Never raises."""
    if not GATE.search(sql):
        return None
    found = list(_findings(sql, Context(dialect)))
    if not found and (unread := _UNREAD.search(sql, MAX_SQL)):
        found = [Found(Finding(rules.TOO_LONG), unread.start(1), unread.end(1))]
    return max(found, key=lambda item: item.finding.rule.severity) if found else None


def _findings(sql: str, context: Context) -> Iterator[Found]:
    script = statements(sql)
    heads = [statement.words[0] for statement in script]
    undone = _rolled_back(script)
    made = {_object(statement) for statement in script if statement.words[0] == "CREATE"} - {""}
    for place, statement in enumerate(script):
        judge = _JUDGES.get(heads[place])
        for finding in judge(statement, context) if judge else ():
            if undone and finding.rule in (rules.DELETE_ALL, rules.UPDATE_ALL, rules.AUDIT):
                continue
            if finding.rule is rules.DROP_OTHER and _object(statement) in made:
                continue  # defined anew in the same script
            yield Found(finding, statement.start, statement.end)


def _rolled_back(script: list[Statement]) -> bool:
    """BEGIN ... ROLLBACK without a COMMIT: nothing of it stays."""
    heads = [statement.words[0] for statement in script]
    return bool(heads) and heads[-1] == "ROLLBACK" and len(script[-1].words) < 4 and "COMMIT" not in heads and (
        any(head in ("BEGIN", "START") for head in heads)
    )  # fmt: skip


# -- DROP, TRUNCATE -------------------------------------------------------------------------------------------------

_KINDS: dict[str, Rule] = {
    "DATABASE": rules.DROP_DATABASE,
    "SCHEMA": rules.DROP_DATABASE,
    "KEYSPACE": rules.DROP_DATABASE,
    "TABLESPACE": rules.DROP_DATABASE,
    "CATALOG": rules.DROP_DATABASE,
    "GRAPH": rules.DROP_TABLE,
    "TABLE": rules.DROP_TABLE,
    "TABLES": rules.DROP_TABLE,
    "COLLECTION": rules.DROP_TABLE,
    "MEASUREMENT": rules.DROP_TABLE,
    "SERIES": rules.DROP_TABLE,
    "STREAM": rules.DROP_TABLE,
    "OWNED": rules.DROP_TABLE,
    "VOLUME": rules.DROP_TABLE,
    "STAGE": rules.DROP_TABLE,
    "USER": rules.DROP_USER,
    "ROLE": rules.DROP_USER,
    "LOGIN": rules.DROP_USER,
}
#: What is only its definition. Indexes, constraints and statistics are left out: they hold nothing of their own.
_DEFINITIONS = frozenset(
    "VIEW FUNCTION PROCEDURE PROC TRIGGER SEQUENCE TYPE DOMAIN EXTENSION POLICY RULE SERVER PUBLICATION "
    "SUBSCRIPTION AGGREGATE "
    "OPERATOR LANGUAGE PACKAGE SYNONYM DICTIONARY WAREHOUSE PIPE TASK INTEGRATION SHARE MODEL DATASET PROFILE "
    "ROUTINE RETENTION "
    "CONTINUOUS ASSEMBLY CREDENTIAL CERTIFICATE ENDPOINT QUEUE SERVICE EVENT".split()
)
_DROP_ADJECTIVES = frozenset(
    "MATERIALIZED FOREIGN EXTERNAL EVENT TEXT UNIQUE CLUSTERED COLUMNSTORE PUBLIC OR REPLACE TRANSIENT VIRTUAL LARGE "
    "UNLOGGED ICEBERG".split()
)


def _drop(statement: Statement, _context: Context) -> Iterator[Finding]:
    words = statement.words[1:]
    kind = next((word for word in words if word not in _DROP_ADJECTIVES), "")
    rule = rules.DROP_OTHER if kind in _DEFINITIONS else _KINDS.get(kind)
    name = name_after(statement.tokens, kind)
    if rule is None or (rule is rules.DROP_TABLE and name and TEMPORARY.match(name)):
        return
    yield Finding(rule, name)


_DEFINED = ("VIEW", "FUNCTION", "PROCEDURE", "TRIGGER", "POLICY", "TYPE", "SEQUENCE", "AGGREGATE", "RULE", "EXTENSION")


def _object(statement: Statement) -> str:
    """`VIEW name` of a CREATE or DROP of something that is only its definition."""
    kind = next((word for word in statement.words[1:6] if word in _DEFINED), "")
    return f"{kind} {name_after(statement.tokens, kind).lower()}" if kind else ""


def _truncate(statement: Statement, _context: Context) -> Iterator[Finding]:
    words = statement.words
    if len(words) < 2 or words[1] == "(":  # the function TRUNCATE(x, 2)
        return
    name = name_after(statement.tokens, "TABLE" if words[1] == "TABLE" else "TRUNCATE")
    if not TEMPORARY.match(name):
        yield Finding(rules.TRUNCATE, name)


# -- DELETE, UPDATE -------------------------------------------------------------------------------------------------


def _delete(statement: Statement, context: Context) -> Iterator[Finding]:
    yield from changes(statement.tokens, context, rules.DELETE_ALL)


def _update(statement: Statement, context: Context) -> Iterator[Finding]:
    if "SET" in statement.words:
        yield from changes(statement.tokens, context, rules.UPDATE_ALL)


# -- ALTER, CREATE, INSERT, MERGE, WITH -----------------------------------------------------------------------------

_HARMLESS_DROPS = frozenset(
    "NOT DEFAULT CONSTRAINT INDEX KEY FOREIGN PRIMARY CHECK UNIQUE IDENTITY EXPRESSION STATISTICS TAGS TAG "
    "ATTRIBUTE PERIOD "
    "SYSTEM FEATURE ROW MASKING AGGREGATION PROJECTION TTL".split()
)


def _alter(statement: Statement, context: Context) -> Iterator[Finding]:
    words = statement.words
    if words[1:2] and words[1] in ("USER", "ROLE", "SESSION", "SYSTEM", "LOGIN"):
        return
    for place, word in enumerate(words[:-1]):
        if word == "DROP" and words[place - 1] != "ADD" and words[place + 1] not in _HARMLESS_DROPS:
            dropped = name_after(
                statement.tokens[place:], words[place + 1] if words[place + 1] in _DROP_WORDS else "DROP"
            )
            yield Finding(rules.DROP_COLUMN, dropped)
            return
        if word == "TRUNCATE" or (word == "DETACH" and words[place + 1] == "FORCE"):
            yield Finding(rules.DROP_COLUMN)
            return
        if word in ("DELETE", "UPDATE") and place > 2 and "WHERE" in words:  # ClickHouse mutations
            yield from changes(
                statement.tokens[place:], context, rules.DELETE_ALL if word == "DELETE" else rules.UPDATE_ALL
            )
            return


_DROP_WORDS = frozenset({"COLUMN", "PARTITION", "PARTITIONS", "TABLE", "VALUE"})


def _create(statement: Statement, _context: Context) -> Iterator[Finding]:
    words = statement.words[:6]
    if words[1:3] == ["OR", "REPLACE"] and "TABLE" in words and not {"TEMP", "TEMPORARY"} & set(words):
        yield Finding(rules.REPLACE, name_after(statement.tokens, "TABLE"))


def _insert(statement: Statement, _context: Context) -> Iterator[Finding]:
    if statement.words[1:2] == ["OVERWRITE"] and "DIRECTORY" not in statement.words[:5]:
        yield Finding(rules.REPLACE)


def _merge(statement: Statement, _context: Context) -> Iterator[Finding]:
    words = " ".join(statement.words)
    if re.search(r"NOT MATCHED BY SOURCE\b.{0,200}?\bTHEN DELETE", words):
        yield Finding(rules.MERGE)


def _with(statement: Statement, context: Context) -> Iterator[Finding]:
    """A common table expression may change data, and so may what follows it."""
    words = statement.words
    begin = [at for at in range(1, len(words)) if words[at] in ("DELETE", "UPDATE") and words[at - 1] in ("(", ")")]
    for place in begin[:_MAX_WITH]:
        rule = rules.DELETE_ALL if words[place] == "DELETE" else rules.UPDATE_ALL
        yield from changes(statement.tokens[place:], context, rule)


def _explain(statement: Statement, context: Context) -> Iterator[Finding]:
    """EXPLAIN only plans; EXPLAIN ANALYZE runs what it explains."""
    words = statement.words
    if "ANALYZE" not in words[:6]:
        return
    for place, word in enumerate(words[1:], 1):
        if word in ("DELETE", "UPDATE", "WITH"):
            rest = Statement(statement.tokens[place:], statement.tokens[place].start, statement.end)
            yield from _JUDGES[word](rest, context)
            return


# -- procedures and servers ------------------------------------------------------------------------------------------


def _execute(statement: Statement, context: Context) -> Iterator[Finding]:
    """EXEC('DROP ...'), EXECUTE IMMEDIATE '...', PREPARE x FROM '...', DO $$ ... $$."""
    if context.depth < _DEPTH:
        for token in statement.tokens:
            if token.kind in ("string", "dollar"):
                yield from (
                    found.finding for found in _findings(unquoted(token), Context(context.dialect, context.depth + 1))
                )


def _block(statement: Statement, context: Context) -> Iterator[Finding]:
    """BEGIN DELETE FROM t (a block), IF ... DROP TABLE t: the first statement word inside."""
    words = statement.words
    for place, word in enumerate(words[1:], 1):
        if (
            word in _IN_BLOCKS
            and (word != "UPDATE" or "SET" in words)
            and not (word == "DELETE" and words[place - 1] == "ON")
        ):
            rest = Statement(statement.tokens[place:], statement.tokens[place].start, statement.end)
            yield from _JUDGES[word](rest, context)
            return


_IN_BLOCKS = frozenset({"DROP", "TRUNCATE", "DELETE", "UPDATE", "EXECUTE", "ALTER", "EXEC"})


def _server(statement: Statement, _context: Context) -> Iterator[Finding]:
    words = statement.words
    text = " ".join(words[:4])
    if text.startswith(
        ("PURGE BINARY", "PURGE MASTER", "RESET MASTER", "RESET BINARY", "PURGE DBA_RECYCLEBIN", "PURGE RECYCLEBIN")
    ):
        yield Finding(rules.SERVER, text.lower())
    elif words[0] == "SHUTDOWN":
        yield Finding(rules.SERVER, "shutdown")


def _select(statement: Statement, context: Context) -> Iterator[Finding]:
    words = statement.words
    if "PG_DROP_REPLICATION_SLOT" in words or "PG_RESETWAL" in words:
        yield Finding(rules.SERVER)
    elif "DBLINK_EXEC" in words or "QUERY_TO_XML" in words:
        yield from _execute(statement, context)


def _match(statement: Statement, _context: Context) -> Iterator[Finding]:
    """Cypher: MATCH (n) DETACH DELETE n."""
    words = statement.words
    if "DELETE" in words and "WHERE" not in words and "{" not in words and ":" not in words and not any(
        word.startswith(":") for word in words
    ):  # fmt: skip
        yield Finding(rules.CYPHER)


def _clear(statement: Statement, _context: Context) -> Iterator[Finding]:
    """SPARQL: CLEAR ALL, CLEAR GRAPH <x>."""
    if statement.words[1:2] and statement.words[1] in ("ALL", "DEFAULT", "NAMED", "GRAPH", "SILENT"):
        yield Finding(rules.DROP_TABLE)


_Judge = Callable[[Statement, Context], Iterator[Finding]]
_JUDGES: dict[str, _Judge] = {
    "DROP": _drop,
    "TRUNCATE": _truncate,
    "DELETE": _delete,
    "UPDATE": _update,
    "ALTER": _alter,
    "CREATE": _create,
    "INSERT": _insert,
    "MERGE": _merge,
    "WITH": _with,
    "EXPLAIN": _explain,
    "EXEC": _execute,
    "EXECUTE": _execute,
    "PREPARE": _execute,
    "DO": _execute,
    "BEGIN": _block,
    "IF": _block,
    "WHILE": _block,
    "DECLARE": _block,
    "ELSE": _block,
    "PURGE": _server,
    "RESET": _server,
    "SHUTDOWN": _server,
    "SELECT": _select,
    "MATCH": _match,
    "OPTIONAL": _match,
    "CLEAR": _clear,
}
