"""The tables, as migrations that sqlite-utils applies in order.

Index rows (`step`) stand apart from the texts (`body`), so that walking a run of 100,000 steps never touches its
megabytes. The key of a step, `k`, is `run.no << 32 | index`: one integer that sorts by run and place, serves the
index, the bodies and the word index alike, and makes every read of a chunk one range scan. A number is never given
twice, so that what works on a run that was removed meanwhile cannot touch another one.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlite_utils import Database, Migrations

from sessions.errors import UserError

migrations = Migrations("review-tui")

_TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);

CREATE TABLE run (
  no INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, content_id TEXT, state TEXT NOT NULL,
  format TEXT NOT NULL, title TEXT NOT NULL, task TEXT, system TEXT, model TEXT, native_id TEXT, started_at TEXT,
  added_at TEXT NOT NULL, path TEXT, item INTEGER NOT NULL, files TEXT NOT NULL, facts TEXT NOT NULL,
  actors TEXT NOT NULL, steps INTEGER NOT NULL, chars INTEGER NOT NULL, errors INTEGER NOT NULL,
  problems INTEGER NOT NULL, indexed INTEGER NOT NULL, archived INTEGER NOT NULL
);
CREATE INDEX run_content ON run (content_id);
CREATE TABLE run_alias (alias TEXT PRIMARY KEY, run TEXT NOT NULL);
CREATE TABLE reference (run INTEGER PRIMARY KEY, data TEXT NOT NULL);
CREATE TABLE source (
  path TEXT NOT NULL, item INTEGER NOT NULL, run TEXT NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
  format TEXT NOT NULL, PRIMARY KEY (path, item)
);
CREATE TABLE problem (path TEXT NOT NULL, line INTEGER, reason TEXT NOT NULL);
CREATE INDEX problem_path ON problem (path);

CREATE TABLE step (
  k INTEGER PRIMARY KEY, id TEXT NOT NULL, actor TEXT NOT NULL, role TEXT NOT NULL, flags INTEGER NOT NULL,
  depth INTEGER NOT NULL, chars INTEGER NOT NULL, stage TEXT
);
CREATE TABLE body (k INTEGER PRIMARY KEY, codec INTEGER NOT NULL, parts BLOB NOT NULL, text BLOB NOT NULL);
CREATE TABLE raw (k INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE VIRTUAL TABLE words USING fts5(text, content='', contentless_delete=1);

CREATE TABLE event (
  origin TEXT NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL, reviewer TEXT NOT NULL, os_user TEXT NOT NULL,
  at TEXT NOT NULL, run TEXT NOT NULL, content_id TEXT, chunk TEXT NOT NULL, payload TEXT NOT NULL,
  prev TEXT NOT NULL, hash TEXT NOT NULL, PRIMARY KEY (origin, seq)
);
CREATE INDEX event_run ON event (run, reviewer);
CREATE TABLE chain (origin TEXT PRIMARY KEY, seq INTEGER NOT NULL, hash TEXT NOT NULL);

CREATE TABLE decision (
  run TEXT NOT NULL, reviewer TEXT NOT NULL, chunk TEXT NOT NULL, scope TEXT NOT NULL, policy TEXT NOT NULL,
  verdict TEXT, data TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (run, reviewer, chunk)
);
CREATE TABLE label (
  id TEXT NOT NULL, run TEXT NOT NULL, reviewer TEXT NOT NULL, chunk TEXT NOT NULL, mode TEXT NOT NULL,
  codebook TEXT NOT NULL, version TEXT NOT NULL, codebook_hash TEXT NOT NULL,
  first_step TEXT NOT NULL, last_step TEXT NOT NULL, PRIMARY KEY (run, reviewer, chunk, id)
);
CREATE INDEX label_mode ON label (codebook, mode);
CREATE TABLE codebook (id TEXT NOT NULL, version TEXT NOT NULL, hash TEXT NOT NULL, data TEXT NOT NULL,
  added_at TEXT NOT NULL, PRIMARY KEY (id, version, hash));
CREATE TABLE suggestion (
  id TEXT NOT NULL, run TEXT NOT NULL, codebook TEXT NOT NULL, mode TEXT NOT NULL, detector TEXT NOT NULL,
  version TEXT NOT NULL, first_index INTEGER NOT NULL, data TEXT NOT NULL, PRIMARY KEY (run, id)
);
CREATE TABLE reading (
  reviewer TEXT NOT NULL, run TEXT NOT NULL, policy TEXT NOT NULL, place TEXT NOT NULL, at TEXT NOT NULL,
  PRIMARY KEY (reviewer, run)
);
"""


@migrations()
def m001_first_schema(db: Database) -> None:
    for statement in _TABLES.split(";"):
        if statement.strip():
            db.execute(statement)
    db.execute("INSERT INTO meta VALUES ('origin', ?)", [uuid.uuid4().hex])
    db.execute("INSERT INTO meta VALUES ('created', ?)", [datetime.now(UTC).isoformat(timespec="seconds")])


_DETECTION = """
ALTER TABLE suggestion ADD COLUMN replaced INTEGER NOT NULL DEFAULT 0;
CREATE TABLE detection (
  run TEXT NOT NULL, detector TEXT NOT NULL, version TEXT NOT NULL, params TEXT NOT NULL, content_id TEXT NOT NULL,
  state TEXT NOT NULL, reason TEXT NOT NULL, found INTEGER NOT NULL, seconds REAL NOT NULL, at TEXT NOT NULL,
  PRIMARY KEY (run, detector)
);
CREATE TABLE queue (
  id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, policy TEXT NOT NULL, blind_share REAL NOT NULL, at TEXT NOT NULL
);
CREATE TABLE queue_run (queue TEXT NOT NULL, run TEXT NOT NULL, place INTEGER NOT NULL, PRIMARY KEY (queue, run));
CREATE INDEX queue_run_run ON queue_run (run);
"""


@migrations()
def m002_detection_and_queues(db: Database) -> None:
    for statement in _DETECTION.split(";"):
        if statement.strip():
            db.execute(statement)


_JUDGE_CALLS = """
CREATE TABLE judge_call (
  key TEXT PRIMARY KEY, run TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE ON UPDATE CASCADE,
  model TEXT NOT NULL, estimate INTEGER NOT NULL, tokens_in INTEGER, tokens_out INTEGER, cost REAL,
  response TEXT NOT NULL, at TEXT NOT NULL
);
CREATE INDEX judge_call_run ON judge_call (run);
"""


@migrations()
def m003_judge_calls(db: Database) -> None:
    """Answers of an LLM judge, kept so that no call is paid twice; they quote the run, so they go when it goes."""
    for statement in _JUDGE_CALLS.split(";"):
        if statement.strip():
            db.execute(statement)


_GATES = """
CREATE TABLE live (
  run TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, agent TEXT NOT NULL, rules TEXT NOT NULL, workspace TEXT,
  can TEXT NOT NULL, segment INTEGER NOT NULL, ended TEXT, at TEXT NOT NULL,
  beat_wall REAL NOT NULL, beat_ticks REAL NOT NULL, beat_boot TEXT NOT NULL
);
CREATE TABLE live_process (
  run TEXT NOT NULL, pid INTEGER NOT NULL, started TEXT NOT NULL, boot TEXT NOT NULL, host TEXT NOT NULL,
  PRIMARY KEY (run, pid, started)
);
CREATE TABLE gate (
  no INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, run TEXT NOT NULL, gate_key TEXT NOT NULL,
  segment INTEGER NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL, first_index INTEGER NOT NULL,
  last_index INTEGER NOT NULL, chunk TEXT NOT NULL, stage TEXT, proposed TEXT NOT NULL, final INTEGER NOT NULL,
  payload_sha256 TEXT NOT NULL, needs INTEGER NOT NULL, risk REAL NOT NULL, reason TEXT NOT NULL, suggestion TEXT,
  snapshot TEXT, snapshot_facts TEXT NOT NULL, undone_by TEXT, opened_at TEXT NOT NULL,
  UNIQUE (run, segment, gate_key)
);
CREATE INDEX gate_state ON gate (state);
CREATE INDEX gate_run ON gate (run);
CREATE TABLE gate_check (
  gate TEXT NOT NULL, place INTEGER NOT NULL, name TEXT NOT NULL, rule TEXT NOT NULL, action TEXT NOT NULL,
  reason TEXT NOT NULL, risk REAL NOT NULL, data TEXT NOT NULL, PRIMARY KEY (gate, place)
);
CREATE TABLE claim (
  gate TEXT PRIMARY KEY, who TEXT NOT NULL, os_user TEXT NOT NULL, until_wall REAL NOT NULL,
  until_ticks REAL NOT NULL, boot TEXT NOT NULL
);
CREATE TABLE gate_vote (
  no INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL UNIQUE, gate TEXT NOT NULL, reviewer TEXT NOT NULL,
  how TEXT NOT NULL, rule TEXT NOT NULL, verdict TEXT NOT NULL, to_gate TEXT, message TEXT NOT NULL, edited TEXT,
  findings TEXT NOT NULL, payload_sha256 TEXT NOT NULL, at TEXT NOT NULL, withdrawn INTEGER NOT NULL
);
CREATE INDEX gate_vote_gate ON gate_vote (gate);
CREATE TABLE gate_decision (
  gate TEXT PRIMARY KEY, event TEXT NOT NULL, verdict TEXT NOT NULL, to_gate TEXT, message TEXT NOT NULL, edited TEXT,
  findings TEXT NOT NULL, who TEXT NOT NULL, how TEXT NOT NULL, rule TEXT NOT NULL, payload_sha256 TEXT NOT NULL,
  at TEXT NOT NULL
);
CREATE TABLE consumption (
  gate TEXT PRIMARY KEY, pid INTEGER NOT NULL, host TEXT NOT NULL, restored TEXT NOT NULL, brief TEXT NOT NULL,
  at TEXT NOT NULL
);
CREATE TABLE hold (
  no INTEGER PRIMARY KEY AUTOINCREMENT, scope TEXT NOT NULL, reviewer TEXT NOT NULL, os_user TEXT NOT NULL,
  reason TEXT NOT NULL, at TEXT NOT NULL, released_by TEXT, released_at TEXT
);
"""


@migrations()
def m004_gates(db: Database) -> None:
    """Live runs and their gates. `gate_vote` is what each person said, `gate_decision` what holds, `consumption` that
    the agent has it. Rows name runs by id without a foreign key: a run's rows are replaced when its file grows."""
    for statement in _GATES.split(";"):
        if statement.strip():
            db.execute(statement)


_QUEUES = """
ALTER TABLE queue ADD COLUMN scope TEXT NOT NULL DEFAULT 'chunks';
ALTER TABLE queue ADD COLUMN reviewers INTEGER NOT NULL DEFAULT 1;
ALTER TABLE queue ADD COLUMN ordering TEXT NOT NULL DEFAULT 'given';
ALTER TABLE queue ADD COLUMN seed TEXT NOT NULL DEFAULT '';
ALTER TABLE queue ADD COLUMN repeat_share REAL NOT NULL DEFAULT 0;
ALTER TABLE queue ADD COLUMN gold_from TEXT NOT NULL DEFAULT '';
CREATE TABLE queue_codebook (
  queue TEXT NOT NULL, id TEXT NOT NULL, version TEXT NOT NULL, hash TEXT NOT NULL, PRIMARY KEY (queue, id)
);
CREATE TABLE queue_item (
  queue TEXT NOT NULL, place INTEGER NOT NULL, run TEXT NOT NULL, chunk TEXT NOT NULL, number INTEGER NOT NULL,
  first_index INTEGER NOT NULL, last_index INTEGER NOT NULL, stratum TEXT NOT NULL, weight REAL NOT NULL,
  gold INTEGER NOT NULL, PRIMARY KEY (queue, place)
);
CREATE INDEX queue_item_run ON queue_item (run);
CREATE TABLE queue_lease (
  queue TEXT NOT NULL, reviewer TEXT NOT NULL, place INTEGER NOT NULL, repeat_no INTEGER NOT NULL,
  os_user TEXT NOT NULL, until_wall REAL NOT NULL, until_ticks REAL NOT NULL, boot TEXT NOT NULL,
  PRIMARY KEY (queue, reviewer)
);
CREATE INDEX queue_lease_item ON queue_lease (queue, place);
"""


@migrations()
def m005_queue_items(db: Database) -> None:
    """A queue's chunks (or whole runs) in the order in which they are given out, each with the stratum it was drawn
    from and its sampling weight; and who has which of them now."""
    for statement in _QUEUES.split(";"):
        if statement.strip():
            db.execute(statement)


_ADJUDICATION = """
CREATE TABLE adjudication (
  origin TEXT NOT NULL, seq INTEGER NOT NULL, run TEXT NOT NULL, chunk TEXT NOT NULL, codebook TEXT NOT NULL,
  mode TEXT NOT NULL, adjudicator TEXT NOT NULL, outcome TEXT NOT NULL, guideline TEXT NOT NULL, data TEXT NOT NULL,
  PRIMARY KEY (origin, seq, codebook, mode)
);
CREATE INDEX adjudication_run ON adjudication (run);
CREATE TABLE adjudication_head (origin TEXT PRIMARY KEY, seq INTEGER NOT NULL);
"""


@migrations()
def m006_adjudication(db: Database) -> None:
    """What adjudicators have settled, mode by mode, derived from the log; and up to where each chain has been read."""
    for statement in _ADJUDICATION.split(";"):
        if statement.strip():
            db.execute(statement)


_JUDGEMENTS = """
CREATE TABLE judgement (
  run TEXT NOT NULL, reviewer TEXT NOT NULL, chunk TEXT NOT NULL, verdict TEXT, how TEXT NOT NULL,
  blind INTEGER NOT NULL, judges TEXT NOT NULL, PRIMARY KEY (run, reviewer, chunk)
);
ALTER TABLE label ADD COLUMN first_index INTEGER NOT NULL DEFAULT -1;
ALTER TABLE label ADD COLUMN last_index INTEGER NOT NULL DEFAULT -1;
ALTER TABLE label ADD COLUMN flags INTEGER NOT NULL DEFAULT 1;
ALTER TABLE label ADD COLUMN agent TEXT
"""


@migrations()
def m007_judgements(db: Database) -> None:
    """What agreement is computed from, in narrow rows: reading a million decisions as JSON would take its whole time.
    Rows of before are derived when they are first needed (`labels.ledger.fill_judgements`)."""
    for statement in _JUDGEMENTS.split(";"):
        if statement.strip():
            db.execute(statement)


@migrations()
def m008_judgements_by_chunk(db: Database) -> None:
    """Who has decided on a chunk: asked of every chunk of a queue before the next one that is open."""
    db.execute("CREATE INDEX judgement_chunk ON judgement (run, chunk, how, verdict, reviewer)")


_BESIDE_DECISIONS = """
CREATE TABLE note (
  run TEXT NOT NULL, reviewer TEXT NOT NULL, chunk TEXT NOT NULL, label TEXT NOT NULL, at TEXT NOT NULL,
  text TEXT NOT NULL, anchor TEXT NOT NULL, PRIMARY KEY (run, reviewer, chunk, label)
);
CREATE TABLE pace (
  run TEXT NOT NULL, reviewer TEXT NOT NULL, chunk TEXT NOT NULL, at TEXT NOT NULL, first_index INTEGER NOT NULL,
  last_index INTEGER NOT NULL, seconds REAL, read_share REAL, flags INTEGER NOT NULL, labels INTEGER NOT NULL,
  PRIMARY KEY (run, reviewer, chunk)
);
CREATE INDEX pace_reviewer ON pace (
  reviewer, at, run, chunk, first_index, last_index, seconds, read_share, flags, labels
);
CREATE TABLE answer (
  run TEXT NOT NULL, reviewer TEXT NOT NULL, chunk TEXT NOT NULL, suggestion TEXT NOT NULL, answer TEXT NOT NULL,
  seconds REAL, at TEXT NOT NULL, PRIMARY KEY (run, reviewer, chunk, suggestion)
);
CREATE INDEX answer_reviewer ON answer (reviewer);
CREATE TABLE queue_again (
  run TEXT NOT NULL, chunk TEXT NOT NULL, at TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (run, chunk)
);
INSERT INTO meta SELECT 'beside', 'behind' WHERE EXISTS (SELECT 1 FROM decision)
"""


@migrations()
def m009_beside_decisions(db: Database) -> None:
    """Narrow rows beside each decision: its notes (for open coding), how it was made and the answers to suggestions
    (for reviewers to look at themselves). Rows of before are derived when they are first needed
    (`labels.beside.fill`). `queue_again`: chunks that queues give out once more, to those who had decided on them."""
    for statement in _BESIDE_DECISIONS.split(";"):
        if statement.strip():
            db.execute(statement)


_INSIGHTS = """
CREATE TABLE insight_code (no INTEGER PRIMARY KEY AUTOINCREMENT, value TEXT NOT NULL UNIQUE);
CREATE TABLE insight_votes (
  run TEXT PRIMARY KEY, as_of INTEGER NOT NULL, units TEXT NOT NULL, votes BLOB NOT NULL, labels BLOB NOT NULL
);
CREATE TABLE insight_head (origin TEXT PRIMARY KEY, seq INTEGER NOT NULL);
CREATE TABLE insight_run (
  run TEXT PRIMARY KEY, stamp TEXT NOT NULL, outcome TEXT NOT NULL, recall REAL, benchmark TEXT NOT NULL,
  domain TEXT NOT NULL, times BLOB
)
"""


@migrations()
def m010_insights(db: Database) -> None:
    """What figures over all runs are computed from: the votes and labels of each run in columns of integers, and what
    its reference data say of its outcome. Derived (`labels.insights.reading`) when figures are asked for."""
    for statement in _INSIGHTS.split(";"):
        if statement.strip():
            db.execute(statement)


def migrate(connection: Any, version: int, path: Path) -> None:
    """Bring the database up to `version`. Safe when many processes start at once: the first one does it.

    path: for the message. Raises UserError if the file is a database of another program.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        before = connection.execute("PRAGMA user_version").fetchone()[0]
        if before == 0 and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise UserError(f"{path} is a database of another program.", "Name another with --db.")
        if before < version:
            migrations.apply(Database(connection, execute_plugins=False))
            connection.execute(f"PRAGMA user_version={version}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
