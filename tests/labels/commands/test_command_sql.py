"""SQL: what loses rows, in any dialect and however written; the WHERE that is always true; broken SQL."""

from __future__ import annotations

import subprocess
import sys

import pytest

from labels.commands import judge_sql

DENIED = {
    "sql.drop-database": [
        "DROP DATABASE x",
        "drop schema public cascade",
        "DROP KEYSPACE k",
        "DROP DATABASE IF EXISTS x;",
    ],
    "sql.drop-table": [
        "DROP TABLE users",
        "/* tidy */ DROP TABLE IF EXISTS `a`.`b`",
        "SELECT 1; DROP TABLE x; SELECT 2",
        "-- a comment\nDROP TABLE x",
        "/*!50000 DROP TABLE x */",
        'DROP TABLE "users" (((',
        "IF EXISTS (SELECT 1) DROP TABLE x",
        "EXEC('DROP TABLE x')",
        "DO $$ BEGIN EXECUTE 'DROP TABLE x'; END $$",
        "SELECT 1\nGO\nDROP TABLE x\nGO",
        "DROP FOREIGN TABLE x",
    ],
    "sql.truncate": ["TRUNCATE TABLE x", "truncate x, y", "EXECUTE IMMEDIATE 'TRUNCATE TABLE x'"],
    "sql.delete-all": [
        "DELETE FROM users",
        "DELETE users",
        "DELETE FROM users;",
        "DELETE FROM users -- WHERE id = 5",
        "DELETE FROM users LIMIT 100",
        "DELETE FROM users WHERE 1=1",
        "DELETE FROM users WHERE true",
        "DELETE FROM users WHERE 1",
        "DELETE FROM users WHERE id = id",
        "DELETE FROM users WHERE 'a' = 'a'",
        "DELETE FROM users WHERE 2 > 1",
        "DELETE FROM users WHERE x = 1 OR 1=1",
        "DELETE FROM users WHERE (x = 1) OR (TRUE)",
        "DELETE FROM users WHERE NOT (1 = 0)",
        "DELETE FROM users WHERE NOT FALSE",
        "DELETE FROM users WHERE id IS NOT NULL",
        "DELETE FROM users WHERE NOT id IS NULL",
        "DELETE FROM users WHERE id > 0",
        "DELETE FROM users WHERE id <> -1",
        "DELETE FROM users WHERE name LIKE '%'",
        "DELETE FROM users WHERE a IS NULL OR a IS NOT NULL",
        "DELETE FROM users WHERE 1 IN (1, 2)",
        "DELETE FROM users WHERE EXISTS (SELECT 1)",
        "WITH d AS (DELETE FROM users RETURNING *) SELECT * FROM d",
        "WITH x AS (SELECT 1) DELETE FROM users",
        "EXPLAIN ANALYZE DELETE FROM users",
        "BEGIN; DELETE FROM users; COMMIT;",
    ],
    "sql.update-all": ["UPDATE users SET a = 1", "update users set a=1 where 1 = 1 or id = 3"],
    "sql.drop-column": [
        "ALTER TABLE x DROP COLUMN y",
        "ALTER TABLE x DROP y",
        "ALTER TABLE x ADD z int, DROP COLUMN y",
        "ALTER TABLE x DROP PARTITION p1",
    ],
    "sql.drop-object": ["DROP VIEW v", "DROP MATERIALIZED VIEW v", "DROP FUNCTION f"],
    "sql.drop-user": ["DROP USER bob", "DROP ROLE app"],
    "sql.replace-table": ["CREATE OR REPLACE TABLE x AS SELECT 1", "INSERT OVERWRITE TABLE x SELECT 1"],
    "sql.merge-delete": ["MERGE INTO a USING b ON a.i = b.i WHEN NOT MATCHED BY SOURCE THEN DELETE"],
    "sql.server-state": ["PURGE BINARY LOGS BEFORE NOW()", "RESET MASTER", "SELECT pg_drop_replication_slot('x')"],
    "sql.audit-delete": ["DELETE FROM audit_log WHERE user_id = 3", "UPDATE audit.events SET actor = 'x' WHERE id = 1"],
    "sql.graph-delete": ["MATCH (n) DETACH DELETE n"],
}
ALLOWED = [
    "SELECT * FROM users",
    "SELECT 'DROP TABLE x'",
    "SELECT * FROM users WHERE name = 'DELETE FROM users'",
    "-- DROP TABLE x",
    "/* DROP TABLE x */ SELECT 1",
    "DELETE FROM users WHERE id = 5",
    "DELETE FROM users WHERE id = 5 AND 1=1",
    "DELETE FROM users WHERE deleted_at IS NOT NULL",
    "DELETE FROM users WHERE user_id IS NOT NULL AND x = 1",
    "DELETE FROM users WHERE id > 100",
    "DELETE FROM users WHERE name LIKE 'a%'",
    "DELETE FROM users WHERE NOT (id = 3)",
    "DELETE FROM sessions WHERE expires_at < NOW()",
    "DELETE FROM audit_log WHERE created_at < NOW() - INTERVAL '1 year'",
    "DELETE FROM a USING b WHERE a.id = b.id",
    "DELETE a FROM a JOIN b ON a.id = b.id",
    "DELETE FROM users WHERE id = ?",
    "DELETE FROM users WHERE this is (no sql",
    "UPDATE users SET a = 1 WHERE id = 5",
    "UPDATE a SET x = b.x FROM b WHERE a.id = b.id",
    "UPDATE STATISTICS x",
    "BEGIN; DELETE FROM users; ROLLBACK;",
    "EXPLAIN DELETE FROM users",
    "ALTER TABLE x ADD COLUMN y int",
    "ALTER TABLE x ALTER COLUMN y DROP NOT NULL",
    "ALTER TABLE x ALTER COLUMN y DROP DEFAULT",
    "ALTER TABLE x DROP CONSTRAINT y",
    "ALTER USER bob PASSWORD 'x'",
    "DROP INDEX i",
    "DROP TEMPORARY TABLE x",
    "DROP TABLE #work",
    "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT 1",
    "CREATE OR REPLACE VIEW v AS SELECT 1",
    "CREATE TABLE x (a int REFERENCES b ON DELETE CASCADE)",
    "CREATE TRIGGER t BEFORE DELETE ON x FOR EACH ROW EXECUTE FUNCTION f()",
    "CREATE FUNCTION f() RETURNS void AS $$ DELETE FROM x; $$ LANGUAGE sql",
    "INSERT INTO x VALUES ('; DROP TABLE x; --')",
    "INSERT INTO t VALUES (1) ON CONFLICT DO UPDATE SET a = 1",
    "INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE a = 1",
    "SELECT * FROM x FOR UPDATE",
    "SELECT TRUNCATE(1.5, 1)",
    "GRANT DELETE, UPDATE ON x TO y",
    "MERGE INTO a USING b ON a.i = b.i WHEN MATCHED THEN UPDATE SET x = 1",
    "please drop the idea and update your notes",
    "",
]


@pytest.mark.parametrize(("rule", "sql"), [(rule, sql) for rule, texts in DENIED.items() for sql in texts])
def test_denied(rule: str, sql: str) -> None:
    verdict = judge_sql(sql)
    assert verdict.rule == rule
    assert sql[verdict.start : verdict.end].strip()


@pytest.mark.parametrize("sql", ALLOWED)
def test_allowed(sql: str) -> None:
    assert judge_sql(sql).rule == ""


def test_the_passage_is_the_statement() -> None:
    sql = "SELECT 'é'; DROP TABLE x; SELECT 2"
    verdict = judge_sql(sql)
    assert sql[verdict.start : verdict.end] == "DROP TABLE x"


@pytest.mark.parametrize("dialect", ["postgres", "mysql", "sqlite", "tsql", "snowflake", "no-such-dialect"])
def test_any_dialect(dialect: str) -> None:
    assert judge_sql("DELETE FROM x WHERE a = a", dialect).deny
    assert not judge_sql("DELETE FROM x WHERE a = b", dialect).deny


def test_sql_that_is_too_long_says_so() -> None:
    rows = "INSERT INTO x VALUES (1);\n" * 3_000
    assert judge_sql(rows).rule == ""
    assert judge_sql(rows + "DROP TABLE x").rule == "sql.too-long"


def test_sqlglot_is_loaded_only_for_a_doubtful_where() -> None:
    code = (
        "import sys; from labels.commands import judge_sql as j\n"
        "j('DROP TABLE x'); j('SELECT 1'); j('DELETE FROM x'); j('DELETE FROM x WHERE id = 5')\n"
        "assert 'sqlglot' not in sys.modules\n"
        "j('DELETE FROM x WHERE a = a')\nassert 'sqlglot' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
