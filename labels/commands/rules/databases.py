"""Databases: their clients (SQL is judged by `labels.commands.sql`), their administration and their migration tools.

Sources: the manuals of PostgreSQL, MySQL, SQLite, MongoDB, Redis, Cassandra, InfluxDB and others; of Rails, Django,
Laravel, Prisma, Alembic, Flyway, Liquibase and others. A migration that goes down drops what the one that went up made.
Databases that a framework's test environment names are thrown away after every run.
"""

from __future__ import annotations

import re

from labels.commands.call import Call
from labels.commands.code import look
from labels.commands.options import Line
from labels.commands.paths import HARMLESS, kind
from labels.commands.rules.base import Finding, Rule, Tool, row
from labels.commands.sql import worst

DROP = Rule("database.drop", "deletes a whole database.", 1.0)
RESET = Rule("database.reset", "empties the database and sets it up anew: all its rows are lost.", 1.0)
DOWN = Rule(
    "database.migrate-down", "takes migrations back: the tables and columns they made are dropped with their data.", 0.8
)
LOSSY = Rule("database.push-lossy", "changes the schema although that loses data.", 0.9)
CLEAN_RESTORE = Rule("database.restore-clean", "drops what is in the database before it restores.", 0.85)
MONGO = Rule("database.mongo", "drops or empties collections, databases or users.", 1.0)
KEYS = Rule("database.redis", "empties a key-value store or deletes keys in bulk.", 0.95)
SERVER = Rule("database.server", "stops a database server without saving, or resets its storage.", 0.9)
SEARCH = Rule("database.http-delete", "deletes an index, database or queue through the server's HTTP interface.", 0.95)
SITE = Rule("database.site", "empties or deletes a site with its content.", 0.95)
LOADS = Rule("database.fixtures-load", "empties the database before it loads fixtures.", 0.85)

_TEST = re.compile(r"(?i)test(?:ing)?")
_TEST_NAME = re.compile(r"(?:test_.+|.+_test(?:_?\d+)?|test(?:db)?|testing)")


def in_test(call: Call, line: Line) -> bool:
    """Whether the command is told to work on the framework's test database."""
    names = (
        "RAILS_ENV",
        "RACK_ENV",
        "NODE_ENV",
        "APP_ENV",
        "MIX_ENV",
        "FLASK_ENV",
        "DJANGO_ENV",
        "ENV",
        "ASPNETCORE_ENVIRONMENT",
    )
    if any(_TEST.fullmatch(call.env(name)) for name in names) or any(
        _TEST.fullmatch(arg.partition("=")[2]) for arg in call.args if arg.startswith("RAILS_ENV=")
    ):
        return True
    if "test" in call.env("DJANGO_SETTINGS_MODULE").lower():
        return True
    chosen = line.value("--env", "-e", "--environment", "--database", "--settings") or ""
    return _TEST.fullmatch(chosen) is not None or "test" in (line.value("--settings") or "").split(".")


# -- SQL clients ------------------------------------------------------------------------------------------------------

#: Options whose value is SQL, by client; `positional`: every argument that is no option may be.
_SQL_OPTIONS = {
    "psql": ("-c", "--command"), "pgcli": ("-c", "--command"), "mysql": ("-e", "--execute"), "mariadb": ("-e", "--execute"),
    "mycli": ("-e", "--execute"), "sqlcmd": ("-Q", "-q"), "clickhouse-client": ("-q", "--query"), "clickhouse": ("-q", "--query"),
    "cqlsh": ("-e", "--execute"), "cockroach": ("-e", "--execute"), "snowsql": ("-q", "--query"), "snow": ("-q", "--query"),
    "trino": ("--execute",), "presto": ("--execute",), "presto-cli": ("--execute",), "hive": ("-e",), "beeline": ("-e",),
    "spark-sql": ("-e",), "impala-shell": ("-q", "--query"), "usql": ("-c", "--command"), "isql": (), "bteq": (), "sqlplus": (),
    "sql": (), "duckdb": ("-c", "-s"), "sqlite3": ("-cmd",), "sqlite": (), "vsql": ("-c",), "ysqlsh": ("-c",), "tsql": (),
    "cypher-shell": (), "influx": ("-execute",), "questdb": (), "rqlite": (), "libsql": (), "litecli": ("-e",), "db2": (),
    "wrangler": ("--command",), "gcloud": ("--ddl", "--sql"), "aws": ("--sql", "--statement", "--query-string", "--sqls", "--statements"),
    "bq": (), "surreal": (), "osqueryi": (), "prisma": (), "supabase": (), "dolt": ("-q", "--query"), "tidb": ("-e",), "singlestore": ("-e",),
    "pscale": ("--execute",), "turso": (), "manage.py": (), "dbt": (),
}  # fmt: skip
_POSITIONAL = frozenset({"sqlite3", "sqlite", "duckdb", "bq", "cypher-shell", "turso", "db2", "libsql", "rqlite"})
_DIALECTS = {"psql": "postgres", "pgcli": "postgres", "mysql": "mysql", "mariadb": "mysql", "sqlite3": "sqlite", "sqlcmd": "tsql",
             "clickhouse-client": "clickhouse", "bq": "bigquery", "snowsql": "snowflake", "duckdb": "duckdb", "hive": "hive"}  # fmt: skip


def _client(call: Call, line: Line) -> Finding | None:
    """SQL in an option, in an argument, or from standard input."""
    if call.name in ("gcloud", "aws", "wrangler", "pscale", "snow") and not line.values(*_SQL_OPTIONS[call.name]):
        return None
    database = line.words[0] if line.words else ""
    if call.name in ("sqlite3", "sqlite", "duckdb") and (
        kind(database, call.cwd) in HARMLESS or database in ("", ":memory:")
    ):
        return None
    if _TEST_NAME.fullmatch(line.value("-d", "--dbname", "-D", "--database") or ""):
        return None
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


def _mongo(call: Call, line: Line) -> Finding | None:
    texts = line.values("--eval", "-eval")
    if call.reads and call.reads.how == "text":
        texts.append(call.reads.text)
    for text in texts:
        for hit in look(text, "mongo"):
            if hit.finding:
                return Finding(MONGO, hit.finding.detail)
        if re.search(
            r"\.dropUser\(|\.dropRole\(|dropIndexes\(|\.renameCollection\([^)]*true|\bdb\.runCommand\(\s*\{\s*['\"]?drop",
            text,
        ):
            return Finding(MONGO, text[:60])
    return None


# -- Redis ------------------------------------------------------------------------------------------------------------

_REDIS = re.compile(r"(?i)(?:FLUSHALL|FLUSHDB|SHUTDOWN|SWAPDB|DEBUG|FAILOVER)")


def _redis(call: Call, line: Line) -> Finding | None:
    commands = [line.words]
    if call.reads and call.reads.how == "text":
        commands += [text.split() for text in call.reads.text.splitlines()[:200]]
    return next((found for words in commands if words and (found := _redis_command(words, call))), None)


def _redis_command(words: list[str], call: Call) -> Finding | None:
    first = words[0].upper()
    if _REDIS.fullmatch(first):
        if first == "DEBUG":
            return (
                Finding(SERVER, "DEBUG")
                if words[1:2] and words[1].upper() in ("SEGFAULT", "FLUSHALL", "RELOAD")
                else None
            )
        if first == "SHUTDOWN":
            return Finding(SERVER, " ".join(words[:2])) if "NOSAVE" in [word.upper() for word in words] else None
        return Finding(KEYS, first)
    if first in ("DEL", "UNLINK"):
        bulk = any("*" in word or word.startswith("$(") for word in words[1:]) or (call.via == "xargs")
        return Finding(KEYS, " ".join(words[:3])) if bulk else None
    if first in ("EVAL", "EVAL_RO") and re.search(r"(?i)flushall|flushdb|['\"](?:del|unlink)['\"]", " ".join(words)):
        return Finding(KEYS, "EVAL")
    if first == "CONFIG" and [word.upper() for word in words[1:3]] == ["SET", "SAVE"] and words[3:4] == [""]:
        return Finding(SERVER, "saving is switched off")
    return Finding(KEYS, "XTRIM") if first == "XTRIM" and words[-1] == "0" else None


# -- HTTP -------------------------------------------------------------------------------------------------------------

_STORES = re.compile(
    r":(?:9200|9201|5984|15672|8500|2379|6333|7474|8086|8983|8123|9000|8080/admin|19530|6334|4001)(?:/|$)|elastic|opensearch|couchdb|solr|qdrant|influx"
)
_LOCAL = re.compile(
    r"^(?:https?://)?(?:localhost|127\.\d+\.\d+\.\d+|\[::1\]|0\.0\.0\.0|host\.docker\.internal)(?::\d+)?(?:/|$)"
)


def _http(call: Call, line: Line) -> Finding | None:
    method = (line.value("-X", "--request", "--method") or "").upper()
    words = list(line.words)
    if call.name in ("http", "https", "xh", "httpie") and words and words[0].isupper():
        method = words.pop(0)
    url = next((word for word in words if "://" in word or "/" in word or ":" in word), words[0] if words else "")
    if method == "DELETE":
        local = _LOCAL.match(url) is not None
        return Finding(SEARCH, url) if not local or _STORES.search(url) else None
    body = " ".join(line.values("-d", "--data", "--data-raw", "--data-binary", "--json", "--post-data", "--body-data"))
    if re.search(r"/_delete_by_query", url) and ("match_all" in body or not body):
        return Finding(SEARCH, url)
    if re.search(r"<delete>\s*<query>\*:\*|\"delete\"\s*:\s*\{\s*\"query\"\s*:\s*\"\*:\*\"", body):
        return Finding(SEARCH, "every document")
    if re.search(r":8123|clickhouse|/sql\b|/query\b", url) and (found := worst(body)):
        return found.finding
    return None


# -- migrations -------------------------------------------------------------------------------------------------------


def _manage(call: Call, line: Line) -> Finding | None:
    """Django, and Rails' and Laravel's runners of named tasks."""
    if in_test(call, line):
        return None
    return next(
        (Finding(rule, word) for word in line.words[:8] for pattern, rule in _TASKS if pattern.fullmatch(word)), None
    ) or _migrate_zero(line)


_TASKS = (
    (
        re.compile(
            r"db:(?:drop(?::.*)?|purge(?::.*)?|wipe|reset|migrate:reset|schema:load|structure:load|setup|truncate_all|seed:replant|nuke|clear|fresh)"
        ),
        RESET,
    ),
    (
        re.compile(
            r"db:(?:rollback(?::.*)?|migrate:(?:down|redo|undo.*)|undo.*|revert)|migrate:(?:rollback|down|undo.*)"
        ),
        DOWN,
    ),
    (re.compile(r"migrate:(?:fresh|refresh|reset)|schema:drop"), RESET),
    (re.compile(r"flush|reset_db|clear_database|reset_schema"), RESET),
    (re.compile(r"doctrine:(?:database:drop|schema:drop|mongodb:schema:drop)|d:d:d|orm:schema-tool:drop"), DROP),
    (re.compile(r"doctrine:fixtures:load|d:f:l|hautelook:fixtures:load"), LOADS),
    (re.compile(r"ecto\.(?:drop|reset)"), RESET),
    (re.compile(r"ecto\.rollback"), DOWN),
    (re.compile(r"telescope:clear|queue:(?:flush|clear)|horizon:clear"), RESET),
)


def _migrate_zero(line: Line) -> Finding | None:
    if "migrate" in line.words and line.words[-1] == "zero":
        return Finding(DOWN, " ".join(line.words[-3:]))
    return Finding(LOADS) if "syncdb" in line.words and line.has("--clear") else None


def _unless_test(call: Call, line: Line) -> Finding | None:
    return None if in_test(call, line) else Finding(RESET)


def _drops(call: Call, line: Line) -> Finding | None:
    name = line.words[-1] if line.words else ""
    return None if in_test(call, line) or _TEST_NAME.fullmatch(name) else Finding(DROP, name)


def _unless_scratch(call: Call, line: Line) -> Finding | None:
    return (
        None
        if in_test(call, line) or _TEST_NAME.fullmatch(line.value("-d", "--dbname", "--db") or "")
        else Finding(CLEAN_RESTORE)
    )


_PG = "-h --host -p --port -U --username -d --dbname -c --command -f --file -v --set -o --output -F -R -T -P -L --log-file -e --maintenance-db"
_MY = "-h --host -P --port -u --user -D --database -e --execute -S --socket --protocol --default-character-set"
_MIGRATE = (
    row(RESET, "migrate reset", when=_unless_test),
    row(LOSSY, "db push", any="--force-reset --accept-data-loss", when=_unless_test),
    row(DOWN, "migrate down", when=_unless_test),
)

TOOLS = (
    Tool(
        "psql pgcli usql ysqlsh vsql cockroach",
        check=_client,
        gate="drop truncate delete update alter execute exec merge reset purge do overwrite detach",
        valued=_PG,
        dry=("--help",),
    ),
    Tool(
        "mysql mariadb mycli tidb singlestore",
        check=_client,
        gate="drop truncate delete update alter execute purge reset shutdown prepare",
        valued=_MY,
        dry=("--help",),
    ),
    Tool(
        "sqlite3 sqlite duckdb libsql litecli",
        check=_client,
        gate="drop truncate delete update alter",
        valued="-cmd -separator -c -s -init",
        long_dash=True,
        dry=("-help",),
    ),
    Tool(
        "sqlcmd clickhouse-client clickhouse cqlsh snowsql snow trino presto presto-cli hive beeline spark-sql impala-shell isql bteq sqlplus tsql "
        "cypher-shell questdb rqlite bq db2 sql osqueryi dolt wrangler gcloud",
        check=_client,
        gate="drop truncate delete update alter overwrite replace merge detach execute clear",
        valued="-e -q -Q -c --query --execute -S -U -P -d -u -p --database --user --password --host --port -h --command --ddl --sql -i -s -o",
        dry=("--help",),
    ),
    Tool(
        "bq",
        row(DROP, "rm"),
        check=_client,
        gate="drop truncate delete update alter merge",
        valued="--project_id --dataset_id --location --format",
    ),
    Tool(
        "mongo mongosh",
        check=_mongo,
        gate="drop dropdatabase deletemany remove delete_many dropuser dropindexes runcommand dropallusers "
        "renamecollection dropcollection",
        valued="--eval --host --port -u -p --username --password --authenticationDatabase",
    ),
    Tool("dropdb", row(DROP, "", when=_drops), gate="*", valued=_PG),
    Tool("dropuser", row(DROP), gate="*"),
    Tool(
        "mysqladmin mariadb-admin",
        row(DROP, ".. drop", when=_drops),
        row(SERVER, ".. shutdown"),
        valued=_MY,
    ),
    Tool(
        "pg_restore",
        row(CLEAN_RESTORE, "", any="-c --clean", when=_unless_scratch),
        gate="c clean cc ccv",
        valued=_PG,
        dry=("--help", "-l", "--list"),
    ),
    Tool("pg_dropcluster pg_resetwal pg_resetxlog", row(SERVER, unless="-n --dry-run"), gate="*"),
    Tool(
        "pg_ctl",
        row(
            SERVER,
            "stop|kill",
            all="-m",
            when=lambda call, line: Finding(SERVER) if (line.value("-m") or "").startswith("i") else None,
        ),
        valued="-D -m -t",
    ),
    Tool("mongorestore", row(CLEAN_RESTORE, "", any="--drop"), gate="drop"),
    Tool(
        "redis-cli valkey-cli keydb-cli iredis",
        check=_redis,
        gate="flushall flushdb shutdown swapdb debug failover del unlink eval config xtrim",
        valued="-h -p -a -n -u -s --user --pass",
        dry=("--help",),
    ),
    Tool("memcached-tool memtool", row(KEYS, ".. flush|flush_all")),
    Tool(
        "nc ncat netcat telnet",
        row(
            KEYS,
            "",
            when=lambda call, line: (
                Finding(KEYS) if call.reads and re.search(r"(?i)\bflush_?(?:all|db)\b", call.reads.text) else None
            ),
        ),
        gate="flush_all flushall flushdb",
    ),
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
    Tool(
        "hbase",
        row(
            DROP,
            "",
            when=lambda call, line: (
                Finding(DROP)
                if call.reads and re.search(r"\b(?:drop|truncate|drop_all|deleteall)\b", call.reads.text)
                else None
            ),
        ),
        gate="drop truncate drop_all deleteall",
    ),
    Tool(
        "hdfs hadoop",
        row(DROP, "dfs|fs", any="-rm -rmr -expunge"),
        row(SERVER, "namenode", any="-format"),
        gate="rm rmr expunge format",
        long_dash=True,
    ),
    Tool(
        "curl http https xh httpie wget curlie",
        check=_http,
        gate="delete xdelete _delete_by_query drop truncate clickhouse",
        valued="-X --request --method -d --data --data-raw --data-binary --json -H --header -u --user -o --output -A -e -F --form -T --upload-file -b -c "
        "--post-data --body-data --max-time -m --connect-timeout --retry -w --cacert --cert --key",
        dry=("--help",),
    ),
    Tool("curator curator_cli", row(SEARCH, ".. delete_indices|delete-indices|delete_snapshots|delete-snapshots")),
    Tool("solr", row(DROP, "delete")),
    Tool(
        "rails rake artisan manage.py django-admin console symfony mix sequelize sequelize-cli knex typeorm django-admin.py craft yii cake spark ace adonis",
        row(RESET, "schema:drop|database:drop", when=_unless_test),
        row(DOWN, "migration:revert", when=_unless_test),
        row(DOWN, "migrate:rollback|migrate:down", when=_unless_test),
        row(DOWN, "migrate/down|migrate/fresh|migrate/redo", when=_unless_test),
        row(DOWN, "migrations rollback|reset"),
        check=_manage,
        gate="db migrate flush reset_db doctrine d ecto zero schema migration telescope queue horizon syncdb clear_database reset_schema orm database hautelook",
        valued="--env -e --environment --settings --database -n",
    ),
    Tool("prisma", *_MIGRATE, valued="--schema"),
    Tool("drizzle-kit", row(LOSSY, "drop"), row(LOSSY, "push", any="--force")),
    Tool("alembic", row(DOWN, "downgrade"), valued="-c --config -n --name -x"),
    Tool("flask", row(DOWN, "db downgrade"), valued="-A --app -e --env-file"),
    Tool("aerich", row(DOWN, "downgrade"), valued="-c --config"),
    Tool("yoyo", row(DOWN, "rollback|reapply")),
    Tool("flyway", row(RESET, ".. clean"), row(DOWN, ".. undo"), long_dash=True),
    Tool(
        "liquibase",
        row(None, ".. rollbackSQL|rollback-sql|futureRollbackSQL|rollback-count-sql"),
        row(RESET, ".. dropAll|drop-all"),
        row(DOWN, ".. rollback*"),
        gate="dropall drop rollback rollbackcount rollbacktodate rollback_count rollbackonechangeset rollbackoneupdate",
    ),
    Tool("goose", row(RESET, ".. reset"), row(DOWN, ".. down|down-to|redo")),
    Tool(
        "migrate golang-migrate",
        row(RESET, ".. drop"),
        row(DOWN, ".. down"),
        row(LOSSY, ".. force"),
        valued="-path -database -source --path --database --source",
        long_dash=True,
    ),
    Tool("dbmate", row(DROP, "drop"), row(DOWN, "down|rollback"), valued="-u --url -e --env -d"),
    Tool(
        "atlas",
        row(RESET, "schema clean"),
        row(LOSSY, "schema apply", any="--auto-approve"),
        row(DOWN, "migrate down"),
        valued="-u --url --to --dev-url --env",
    ),
    Tool("diesel", row(RESET, "database reset|drop"), row(DOWN, "migration revert|redo")),
    Tool("sqlx", row(RESET, "database|db drop|reset"), row(DOWN, "migrate revert")),
    Tool("sea-orm-cli", row(RESET, "migrate fresh|refresh|reset"), row(DOWN, "migrate down")),
    Tool("dotnet", row(DROP, "ef database drop"), row(DOWN, "ef database update 0"), gate="drop 0"),
    Tool("drop-database", row(DROP), gate="*", dry=("-WhatIf", "-whatif")),
    Tool("phinx", row(DOWN, "rollback"), valued="-e --environment -c"),
    Tool(
        "hasura",
        row(DOWN, "migrate apply", any="--down"),
        row(DOWN, "migrate delete"),
        row(RESET, "metadata clear"),
        valued="--down --database-name --endpoint",
    ),
    Tool(
        "supabase",
        row(RESET, "db reset"),
        row(DOWN, "migration down"),
        row(DROP, "projects|branches|functions|secrets|storage delete|rm|unset"),
        valued="--project-ref --db-url",
    ),
    Tool(
        "dbt",
        row(
            RESET,
            "run-operation",
            when=lambda call, line: Finding(RESET) if any("drop" in word for word in line.words[1:2]) else None,
        ),
        gate="drop",
    ),
    Tool(
        "wp",
        row(SITE, "db reset|drop|clean"),
        row(SITE, "site empty|delete"),
        row(SITE, "post|user|media|plugin delete", any="--force --all"),
        valued="--path --url",
    ),
    Tool("drush", row(SITE, "sql-drop|sql:drop|site-install|site:install|si")),
    Tool("bench", row(SITE, "drop-site|reinstall|--force"), valued="--site"),
    Tool("ghost", row(SITE, "uninstall")),
)
RULES = tuple(value for value in list(globals().values()) if isinstance(value, Rule))
