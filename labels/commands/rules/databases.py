"""Databases: their clients (SQL is judged by `labels.commands.sql`), their administration, key-value stores.

Sources: the manuals of PostgreSQL, MySQL, SQLite, MongoDB, Redis, Cassandra, InfluxDB, HBase, Hadoop and others. A
database in memory, in a temporary folder, or named as frameworks name the one of their tests is thrown away anyway.
"""

from __future__ import annotations

import re

from labels.commands.call import Call
from labels.commands.options import Line
from labels.commands.paths import HARMLESS, kind
from labels.commands.rules.base import Finding, Rule, Tool, row

DROP = Rule("database.drop", "deletes a whole database, or an account of one.", 1.0)
CLEAN_RESTORE = Rule("database.restore-clean", "drops what is in the database before it restores.", 0.85)
MONGO = Rule("database.mongo", "drops or empties collections, databases or users.", 1.0)
KEYS = Rule("database.redis", "empties a key-value store or deletes keys in bulk.", 0.95)
SERVER = Rule("database.server", "stops a database server without saving, or resets its storage.", 0.9)

TEST_NAME = re.compile(r"(?:test_.+|.+_test(?:_?\d+)?|test(?:db)?|testing)")

# -- SQL --------------------------------------------------------------------------------------------------------------

#: Options whose value is SQL, by client.
_SQL_OPTIONS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys("psql pgcli usql vsql ysqlsh".split(), ("-c", "--command")),
    **dict.fromkeys(
        "mysql mariadb mycli cqlsh cockroach tidb singlestore hive beeline spark-sql litecli".split(),
        ("-e", "--execute"),
    ),
    **dict.fromkeys("clickhouse-client clickhouse snowsql snow impala-shell dolt".split(), ("-q", "--query")),
    **dict.fromkeys("trino presto presto-cli pscale".split(), ("--execute",)),
    "sqlcmd": ("-Q", "-q"),
    "duckdb": ("-c", "-s"),
    "sqlite3": ("-cmd",),
    "influx": ("-execute",),
    "wrangler": ("--command",),
    "gcloud": ("--ddl", "--sql"),
    "aws": ("--sql", "--statement", "--query-string", "--sqls", "--statements"),
}
_POSITIONAL = frozenset("sqlite3 sqlite duckdb bq cypher-shell turso db2 libsql rqlite".split())
_FILES = frozenset({"sqlite3", "sqlite", "duckdb"})
_DIALECTS = {
    **dict.fromkeys(("psql", "pgcli"), "postgres"),
    **dict.fromkeys(("mysql", "mariadb"), "mysql"),
    "sqlite3": "sqlite",
    "sqlcmd": "tsql",
    "clickhouse-client": "clickhouse",
    "bq": "bigquery",
    "snowsql": "snowflake",
    "duckdb": "duckdb",
    "hive": "hive",
}
_SQL_WORDS = (
    "drop truncate delete update alter overwrite replace merge execute exec do purge reset shutdown prepare clear "
    "detach match"
)


def _client(call: Call, line: Line) -> Finding | None:
    """SQL in an option, in an argument, or from standard input."""
    database = line.words[0] if line.words else ""
    if call.name in _FILES and (kind(database, call.cwd) in HARMLESS or database in ("", ":memory:")):
        return None
    if TEST_NAME.fullmatch(line.value("-d", "--dbname", "-D", "--database") or ""):
        return None
    from labels.commands.sql import worst

    texts = line.values(*_SQL_OPTIONS.get(call.name, ()))
    if call.name in _POSITIONAL:
        texts += line.words
    if call.reads and call.reads.how == "text":
        texts.append(call.reads.text)
    for text in texts:
        if found := worst(_without_meta(text), _DIALECTS.get(call.name)):
            return found.finding
    return None


def _without_meta(text: str) -> str:
    """psql's `\\c db` and its like stand on lines of their own."""
    return "\n".join(line for line in text.split("\n") if not line.lstrip().startswith("\\")) if "\\" in text else text


# -- document and key-value stores ------------------------------------------------------------------------------------

_MONGO = re.compile(
    r"\.dropUser\(|\.dropRole\(|dropIndexes\(|\.renameCollection\([^)]*true|\bdb\.runCommand\(\s*\{\s*['\"]?drop"
)


def _mongo(call: Call, line: Line) -> Finding | None:
    from labels.commands.code import look

    texts = line.values("--eval", "-eval")
    if call.reads and call.reads.how == "text":
        texts.append(call.reads.text)
    for text in texts:
        for hit in look(text, "mongo"):
            if hit.finding:
                return Finding(MONGO, hit.finding.detail)
        if _MONGO.search(text):
            return Finding(MONGO, text[:60])
    return None


def _redis(call: Call, line: Line) -> Finding | None:
    commands = [line.words]
    if call.reads and call.reads.how == "text":
        commands += [text.split() for text in call.reads.text.splitlines()[:200]]
    return next((found for words in commands if words and (found := _redis_command(words, call))), None)


def _redis_command(words: list[str], call: Call) -> Finding | None:
    first, rest = words[0].upper(), [word.upper() for word in words[1:]]
    lost: Rule | None = None
    if first in ("FLUSHALL", "FLUSHDB", "SWAPDB", "FAILOVER") or (first == "XTRIM" and rest[-1:] == ["0"]):
        lost = KEYS
    elif first in ("DEL", "UNLINK"):
        bulk = call.via == "xargs" or any("*" in word or word.startswith("$(") for word in rest)
        lost = KEYS if bulk else None
    elif first in ("EVAL", "EVAL_RO"):
        lost = KEYS if re.search(r"FLUSHALL|FLUSHDB|['\"](?:DEL|UNLINK)['\"]", " ".join(rest)) else None
    elif first == "DEBUG":
        lost = SERVER if rest[:1] and rest[0] in ("SEGFAULT", "FLUSHALL", "RELOAD") else None
    elif first == "SHUTDOWN":
        lost = SERVER if "NOSAVE" in rest else None
    elif first == "CONFIG":
        lost = SERVER if rest[:2] == ["SET", "SAVE"] and rest[2:3] == [""] else None
    return Finding(lost, " ".join(words[:3])) if lost else None


def _netcat(call: Call, _line: Line) -> Finding | None:
    sent = call.reads.text if call.reads else ""
    return Finding(KEYS) if re.search(r"(?i)\bflush_?(?:all|db)\b", sent) else None


def _hbase(call: Call, _line: Line) -> Finding | None:
    sent = call.reads.text if call.reads else ""
    return Finding(DROP) if re.search(r"\b(?:drop|truncate|drop_all|deleteall)\b", sent) else None


# -- administration ---------------------------------------------------------------------------------------------------


def _drops(_call: Call, line: Line) -> Finding | None:
    name = line.words[-1] if line.words else ""
    return None if TEST_NAME.fullmatch(name) else Finding(DROP, name)


def _restores(call: Call, line: Line) -> Finding | None:
    database = line.value("-d", "--dbname", "--db")
    if database is None and call.name == "pg_restore":
        return None  # it only writes a script then
    return None if TEST_NAME.fullmatch(database or "") else Finding(CLEAN_RESTORE, database or "")


def _pg_ctl(_call: Call, line: Line) -> Finding | None:
    return (
        Finding(SERVER) if line.words[:1] == ["stop"] and (line.value("-m", "--mode") or "").startswith("i") else None
    )


_PG = (
    "-h --host -p --port -U --username -d --dbname -c --command -f --file -v --set -o --output -F -R -T -P -L "
    "--log-file -e "
    "--maintenance-db"
)
_MY = "-h --host -P --port -u --user -D --database -e --execute -S --socket --protocol --default-character-set"
_OTHER = (
    "-e -q -Q -c --query --execute -S -U -P -d -u -p --database --user --password --host --port -h --command "
    "--ddl --sql -i -s "
    "-o --statement --sqls --query-string --statements"
)
_HELP = ("--help", "--dry-run", "--dry_run")

TOOLS = (
    Tool("psql pgcli usql ysqlsh vsql cockroach", check=_client, gate=_SQL_WORDS, valued=_PG, dry=_HELP),
    Tool("mysql mariadb mycli tidb singlestore litecli", check=_client, gate=_SQL_WORDS, valued=_MY, dry=_HELP),
    Tool(
        "sqlite3 sqlite duckdb libsql",
        check=_client,
        gate=_SQL_WORDS,
        valued="-cmd -separator -c -s -init",
        long_dash=True,
        dry=("-help",),
    ),
    Tool(
        "sqlcmd clickhouse-client clickhouse cqlsh snowsql snow trino presto presto-cli hive beeline spark-sql "
        "impala-shell isql bteq "
        "sqlplus tsql cypher-shell questdb rqlite db2 sql osqueryi dolt wrangler gcloud aws pscale turso",
        check=_client,
        gate=_SQL_WORDS,
        valued=_OTHER,
        dry=_HELP,
    ),
    Tool(
        "bq",
        row(DROP, "rm"),
        check=_client,
        gate=_SQL_WORDS,
        valued="--project_id --dataset_id --location --format",
        dry=_HELP,
    ),
    Tool(
        "mongo mongosh",
        check=_mongo,
        gate="drop dropdatabase deletemany remove delete_many dropuser droprole dropindexes runcommand dropallusers "
        "renamecollection dropcollection drop_collection drop_database",
        valued="--eval --host --port -u -p --username --password --authenticationDatabase",
    ),
    Tool("dropdb", row(DROP, when=_drops), gate="*", valued=_PG),
    Tool("dropuser", row(DROP), gate="*"),
    Tool("mysqladmin mariadb-admin", row(DROP, ".. drop", when=_drops), row(SERVER, ".. shutdown"), valued=_MY),
    Tool(
        "pg_restore",
        row(CLEAN_RESTORE, any="-c --clean", when=_restores),
        gate="*",
        valued=_PG.replace("-c --command ", ""),
        dry=("--help", "-l", "--list"),
    ),
    Tool("pg_dropcluster pg_resetwal pg_resetxlog", row(SERVER, unless="-n --dry-run"), gate="*"),
    Tool("pg_ctl", check=_pg_ctl, gate="stop", valued="-D -m --mode -t"),
    Tool(
        "mongorestore", row(CLEAN_RESTORE, any="--drop", when=_restores), gate="drop", valued="-d --db -c --collection"
    ),
    Tool(
        "redis-cli valkey-cli keydb-cli iredis",
        check=_redis,
        gate="flushall flushdb shutdown swapdb debug failover del unlink eval eval_ro config xtrim",
        valued="-h -p -a -n -u -s --user --pass",
        dry=("--help",),
    ),
    Tool("memcached-tool memtool", row(KEYS, ".. flush|flush_all")),
    Tool("nc ncat netcat telnet", check=_netcat, gate="flush_all flushall flushdb"),
    Tool(
        "influx influxd",
        row(DROP, "delete"),
        row(DROP, "bucket|org|user|auth delete"),
        check=_client,
        gate="drop delete",
        valued="-execute -database -o --org --bucket -b --start --stop",
        long_dash=True,
    ),
    Tool("nodetool", row(SERVER, "clearsnapshot|removenode|decommission|assassinate|truncatehints|drain")),
    Tool("hbase", check=_hbase, gate="drop truncate drop_all deleteall"),
    Tool(
        "hdfs hadoop",
        row(DROP, "dfs|fs", any="-rm -rmr -expunge"),
        row(SERVER, "namenode", any="-format"),
        long_dash=True,
    ),
    Tool("solr", row(DROP, "delete")),
    Tool("drop-database", row(DROP), gate="*"),
    Tool("ldapdelete ldapmodify", row(DROP, unless="-n"), gate="*"),
)
RULES = tuple(value for value in list(globals().values()) if isinstance(value, Rule))
