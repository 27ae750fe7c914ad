"""Message queues, streams and job queues.

Sources: the manuals of Kafka, RabbitMQ, NATS, Pulsar, Celery, Sidekiq, ZooKeeper. A message that is purged was never
processed; offsets that are reset make consumers skip or repeat.
"""

from __future__ import annotations

import re

from labels.commands.call import Call
from labels.commands.options import Line
from labels.commands.rules.base import Finding, Rule, Tool, row

TOPIC = Rule("queues.delete-topic", "deletes a topic, stream or queue with the messages in it.", 0.95)
PURGE = Rule("queues.purge", "deletes messages that nobody has processed yet.", 0.95)
OFFSETS = Rule("queues.offsets", "moves or deletes consumers' offsets: messages are skipped or processed twice.", 0.85)
BROKER = Rule("queues.reset-broker", "resets a broker: its queues, users and messages are lost.", 1.0)
NODES = Rule("queues.zookeeper", "deletes nodes that running services coordinate through.", 0.95)


def _zookeeper(call: Call, line: Line) -> Finding | None:
    texts = [" ".join(line.words)] + ([call.reads.text] if call.reads and call.reads.how == "text" else [])
    return next(
        (
            Finding(NODES, text[:60])
            for text in texts
            if any(word in text.split() for word in ("deleteall", "rmr", "delete"))
        ),
        None,
    )


_SHORT = re.compile(r"retention\.(?:ms=\d{1,7}|bytes=\d{1,6})(?!\d)")


def _retention(_call: Call, line: Line) -> Finding | None:
    """A retention of less than three hours or of less than a megabyte empties a topic."""
    found = _SHORT.search(" ".join(line.values("--add-config", "--config")))
    return Finding(PURGE, found[0]) if found else None


TOOLS = (
    Tool(
        "kafka-topics kafka-topics.sh",
        row(TOPIC, any="--delete"),
        gate="delete",
        valued="--topic --bootstrap-server --zookeeper --config",
    ),
    Tool(
        "kafka-configs kafka-configs.sh kafka-topics kafka-topics.sh",
        check=_retention,
        gate="retention",
        valued="--add-config --config --entity-type --entity-name --bootstrap-server --topic",
    ),
    Tool("kafka-delete-records kafka-delete-records.sh", row(PURGE), gate="*"),
    Tool(
        "kafka-consumer-groups kafka-consumer-groups.sh",
        row(OFFSETS, any="--delete --delete-offsets"),
        row(OFFSETS, all="--reset-offsets --execute"),
        gate="delete reset",
        valued="--group --topic --bootstrap-server",
    ),
    Tool("kafka-streams-application-reset kafka-streams-application-reset.sh", row(OFFSETS), gate="*"),
    Tool("kafka-acls kafka-acls.sh", row(TOPIC, any="--remove"), gate="remove"),
    Tool("kafka-storage kafka-storage.sh", row(BROKER, "format"), gate="format"),
    Tool(
        "rpk",
        row(TOPIC, "topic delete"),
        row(PURGE, "topic trim-prefix"),
        row(OFFSETS, "group delete|seek|offset-delete"),
        row(BROKER, "cluster wipe"),
    ),
    Tool(
        "rabbitmqctl",
        row(TOPIC, "delete_queue|delete_vhost"),
        row(PURGE, "purge_queue"),
        row(BROKER, "reset|force_reset|delete_user|forget_cluster_node|delete_shovel"),
        valued="-n --node -p --vhost",
    ),
    Tool("rabbitmqadmin", row(TOPIC, "delete"), row(PURGE, "purge"), valued="-H -P -u -p -V --host --vhost"),
    Tool("rabbitmq-queues", row(TOPIC, "delete_member"), gate="delete_member"),
    Tool(
        "nats",
        row(PURGE, "stream|str|s purge"),
        row(TOPIC, "stream|str|s|consumer|con|kv|object rm|delete|del|rmm"),
        row(PURGE, "kv purge"),
        valued="-s --server --context",
    ),
    Tool(
        "pulsar-admin",
        row(TOPIC, ".. delete|delete-partitioned-topic"),
        row(OFFSETS, ".. skip-all|reset-cursor|clear-backlog|skip"),
        row(TOPIC, ".. truncate"),
    ),
    Tool("celery", row(PURGE, ".. purge"), row(PURGE, ".. discard_all"), valued="-A --app -b --broker -Q"),
    Tool("rq", row(PURGE, "empty"), valued="-u --url"),
    Tool("faktory", row(PURGE, "flush")),
    Tool(
        "zkcli zkcli.sh zookeeper-shell zookeeper-shell.sh zookeepercli", check=_zookeeper, gate="deleteall rmr delete"
    ),
    Tool(
        "activemq artemis",
        row(PURGE, "purge"),
        row(TOPIC, "queue|address|destination delete"),
        row(PURGE, "queue purge"),
    ),
    Tool(
        "temporal tctl",
        row(TOPIC, "workflow|schedule|namespace|operator terminate|delete|reset"),
        row(TOPIC, "operator namespace delete"),
        valued="-n --namespace --address",
    ),
    Tool(
        "airflow",
        row(TOPIC, "dags delete"),
        row(BROKER, "db reset|clean"),
        row(OFFSETS, "tasks clear"),
        row(TOPIC, "variables|connections|pools delete"),
    ),
    Tool(
        "prefect",
        row(TOPIC, "deployment|flow-run|work-pool|work-queue|block delete"),
        row(BROKER, "server|orion database reset"),
    ),
    Tool("dagster", row(TOPIC, "run|asset wipe|delete")),
    Tool("mosquitto_ctrl", row(BROKER, ".. deleteClient|deleteRole|deleteGroup")),
)
RULES = tuple(value for value in list(globals().values()) if isinstance(value, Rule))
