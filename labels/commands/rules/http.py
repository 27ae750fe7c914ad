"""Requests over HTTP that delete: at other machines anything, on this one the databases that are known by their ports.

Sources: the HTTP interfaces of Elasticsearch, CouchDB, Solr, RabbitMQ, Consul, etcd, InfluxDB, Qdrant, ClickHouse; RFC
9110 on DELETE. A DELETE to a server of one's own on this machine is how a program under development is tried out.
"""

from __future__ import annotations

import re

from labels.commands.call import Call
from labels.commands.options import Line
from labels.commands.rules.base import Finding, Rule, Tool, row

DELETE = Rule(
    "http.delete", "deletes an index, database, queue or other resource through a server's HTTP interface.", 0.9
)

#: The default ports of servers that keep data, and names that tell them.
_STORES = re.compile(
    r":(?:9200|9201|5984|15672|8500|2379|6333|6334|7474|8086|8983|8123|9000|19530|4001)(?:/|$)"
    r"|elastic|opensearch|couchdb|solr|qdrant|influx"
)
_LOCAL = re.compile(
    r"^(?:https?://)?(?:localhost|127\.\d+\.\d+\.\d+|\[::1\]|0\.0\.0\.0|host\.docker\.internal)(?::\d+)?(?:/|$)"
)
_ALL_DOCUMENTS = re.compile(r"<delete>\s*<query>\*:\*|\"delete\"\s*:\s*\{\s*\"query\"\s*:\s*\"\*:\*\"")
_SQL_SERVER = re.compile(r":8123|clickhouse|/sql\b|/query\b")
_BODIES = "-d --data --data-raw --data-binary --json --post-data --body-data".split()


def _http(call: Call, line: Line) -> Finding | None:
    method = (line.value("-X", "--request", "--method") or "").upper()
    words = list(line.words)
    if call.name in ("http", "https", "xh", "httpie") and words and words[0].isupper():
        method = words.pop(0)
    url = next((word for word in words if "://" in word or "/" in word or ":" in word), words[0] if words else "")
    if method == "DELETE":
        return Finding(DELETE, url) if not _LOCAL.match(url) or _STORES.search(url) else None
    body = " ".join(line.values(*_BODIES))
    if "/_delete_by_query" in url and ("match_all" in body or not body):
        return Finding(DELETE, url)
    if _ALL_DOCUMENTS.search(body):
        return Finding(DELETE, "every document")
    if _SQL_SERVER.search(url):
        from labels.commands.sql import worst

        found = worst(body)
        return found.finding if found else None
    return None


TOOLS = (
    Tool(
        "curl http https xh httpie wget curlie",
        check=_http,
        gate="delete xdelete _delete_by_query drop truncate update",
        valued="-X --request --method -d --data --data-raw --data-binary --json -H --header -u --user -o "
        "--output -A -e -F --form -T "
        "--upload-file -b -c --post-data --body-data --max-time -m --connect-timeout --retry -w --cacert --cert --key",
        dry=("--help",),
    ),
    Tool("curator curator_cli", row(DELETE, ".. delete_indices|delete-indices|delete_snapshots|delete-snapshots")),
)
RULES = tuple(value for value in list(globals().values()) if isinstance(value, Rule))
