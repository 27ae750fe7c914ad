"""Methods of libraries that delete at once what they are called on, wherever they are called from.

Sources: the manuals of PyMongo, MongoDB's shell, redis-py, SQLAlchemy, Django, Active Record, Prisma, boto3,
Kubernetes' clients, Elasticsearch's clients.
"""

from __future__ import annotations

import re

from labels.commands.rules.base import Rule

DROP = Rule("code.drops-data", "drops a whole database, collection or set of tables from program code.", 1.0)
DELETE_ALL = Rule("code.deletes-all", "deletes every record of a table or collection: the call has no condition.", 0.95)
FLUSH = Rule("code.flushes-store", "empties a whole key-value store from program code.", 1.0)
CLOUD = Rule("code.deletes-resource", "deletes cloud or cluster resources through their programming interface.", 0.95)

RULES = (DROP, DELETE_ALL, FLUSH, CLOUD)

METHODS: tuple[tuple[re.Pattern[str], Rule], ...] = (
    (
        re.compile(
            r"\b(?:drop_?database|drop_?collection|drop_all|drop_schema|delete_?collection|recreate_collection)\(",
            re.IGNORECASE,
        ),
        DROP,
    ),
    (
        re.compile(
            r"\bdb\.(?:getCollection\([^)]*\)|\w+)\.drop\(\s*\)|\bdropDatabase\b|\bdb\.dropAllUsers\(|\bindices\.delete\("
        ),
        DROP,
    ),
    (re.compile(r"\.(?:deleteMany|delete_many|remove)\(\s*(?:\{\s*\}|filter\s*=\s*\{\s*\})"), DELETE_ALL),
    (
        re.compile(
            r"\.deleteMany\(\s*\)|\b(?:delete_all|destroy_all)\b(?!\s*\()|\bobjects\.all\(\)\.delete\(\)|\b(?:delete|destroy)_all\(\s*\)"
        ),
        DELETE_ALL,
    ),
    (
        re.compile(
            r"\.query\(\s*\w+\s*\)\.delete\(|\.query\.delete\(|\.destroy\(\s*\{[^{}]*truncate\s*:\s*true|\.destroy\(\s*\{\s*where\s*:\s*\{\s*\}"
        ),
        DELETE_ALL,
    ),
    (re.compile(r"\.(?:delete_by_query|deleteByQuery)\([^)]*match_all"), DELETE_ALL),
    (re.compile(r"\.(?:flushall|flushdb|flushAll|flushDb)\("), FLUSH),
    (
        re.compile(
            r"\.(?:delete_(?:bucket|objects|table|stack|cluster|db_instance|db_cluster|file_system|volume|snapshot|user_pool|log_group|"
            r"trail|secret|repository|function|queue|topic|stream|hosted_zone|vpc|nodegroup|domain|namespace\w*|namespaced_\w+|"
            r"collection_namespaced_\w+|persistent_volume\w*)|terminate_instances|schedule_key_deletion|purge_queue|batch_delete_image)\("
        ),
        CLOUD,
    ),
    (re.compile(r"\bobjects\.all\(\)\.delete\(|\.objects\.delete\(\)"), CLOUD),
)
