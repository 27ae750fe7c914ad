"""SQL statements that lose data.

Sources: the manuals of PostgreSQL, MySQL, SQLite, SQL Server, Snowflake, BigQuery, Hive, Cassandra, ClickHouse and
Neo4j on DROP, TRUNCATE, DELETE, UPDATE, ALTER and MERGE. What can be written again from its definition alone (an index,
a constraint, a default) is not data.
"""

from labels.commands.rules.base import Rule

DROP_DATABASE = Rule("sql.drop-database", "DROP DATABASE or SCHEMA deletes every table in it.", 1.0)
DROP_TABLE = Rule("sql.drop-table", "DROP TABLE deletes the table and all its rows.", 1.0)
DROP_OTHER = Rule("sql.drop-object", "DROP deletes the object; only its own definition could bring it back.", 0.7)
DROP_USER = Rule("sql.drop-user", "DROP USER or ROLE removes an account and its rights.", 0.8)
TRUNCATE = Rule("sql.truncate", "TRUNCATE deletes all rows, past triggers and often past a rollback.", 1.0)
DELETE_ALL = Rule("sql.delete-all", "DELETE without a real WHERE deletes every row.", 1.0)
UPDATE_ALL = Rule("sql.update-all", "UPDATE without a real WHERE overwrites every row.", 0.95)
DROP_COLUMN = Rule("sql.drop-column", "ALTER TABLE ... DROP deletes the column or partition with its data.", 0.95)
REPLACE = Rule("sql.replace-table", "CREATE OR REPLACE TABLE or INSERT OVERWRITE throws the table's rows away.", 0.9)
MERGE = Rule("sql.merge-delete", "MERGE deletes every row that the source does not have.", 0.85)
SERVER = Rule(
    "sql.server-state", "removes logs or state that replication or recovery needs, or stops the server.", 0.85
)
AUDIT = Rule("sql.audit-delete", "changes or deletes rows of an audit log.", 0.95, "log-tampering")
CYPHER = Rule("sql.graph-delete", "deletes all nodes of a graph that match: there is no condition.", 1.0)
TOO_LONG = Rule("sql.too-long", "is too long to be read whole, and its unread part deletes or drops something.", 0.6)

RULES = (
    DROP_DATABASE,
    DROP_TABLE,
    DROP_OTHER,
    DROP_USER,
    TRUNCATE,
    DELETE_ALL,
    UPDATE_ALL,
    DROP_COLUMN,
    REPLACE,
    MERGE,
    SERVER,
    AUDIT,
    CYPHER,
    TOO_LONG,
)
