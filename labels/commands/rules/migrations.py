"""Migration tools, task runners of frameworks, and sites' own command lines.

Sources: the manuals of Rails, Django, Laravel, Symfony, Ecto, Sequelize, Knex, TypeORM, Prisma, Alembic, Flyway,
Liquibase, goose, golang-migrate, Atlas, Diesel, sqlx, Entity Framework, Phinx, WP-CLI, Drush. A migration that goes
down drops what the one that went up made. A framework's test environment is thrown away after every run.
"""

from __future__ import annotations

import re

from labels.commands.call import Call
from labels.commands.options import Line
from labels.commands.rules.base import DRY, Finding, Rule, Tool, row

RESET = Rule("database.reset", "empties the database and sets it up anew: all its rows are lost.", 1.0)
DOWN = Rule("database.migrate-down", "takes migrations back: what they made is dropped with its data.", 0.8)
LOSSY = Rule("database.push-lossy", "changes the schema although that loses data.", 0.9)
DROP = Rule("database.drop-by-framework", "drops the database or its schema.", 1.0)
LOADS = Rule("database.fixtures-load", "empties the database before it loads fixtures.", 0.85)
QUEUE = Rule("queues.flush-by-framework", "deletes jobs that nobody has processed yet.", 0.85)
SITE = Rule("database.site", "empties or deletes a site with its content.", 0.95)

_TEST = re.compile(r"test(?:ing)?", re.IGNORECASE)
_ENVIRONMENTS = (
    "RAILS_ENV RACK_ENV NODE_ENV APP_ENV MIX_ENV FLASK_ENV DJANGO_ENV ENV ASPNETCORE_ENVIRONMENT HANAMI_ENV".split()
)
#: Options by which these tools only show what they would do.
_DRY = (*DRY, "--plan", "--sql", "--status", "--dump-sql", "--show-sql")


def in_test(call: Call, line: Line) -> bool:
    """Whether the command is told to work on the framework's test database."""
    given = [call.env(name) for name in _ENVIRONMENTS]
    given += [arg.partition("=")[2] for arg in call.args if arg.startswith(("RAILS_ENV=", "NODE_ENV="))]
    given.append(line.value("--env", "-e", "--environment", "--database") or "")
    settings = call.env("DJANGO_SETTINGS_MODULE") or line.value("--settings") or ""
    return any(_TEST.fullmatch(value) for value in given) or "test" in settings.lower()


_TASKS = (
    (
        re.compile(
            r"db:(?:drop(?::.*)?|purge(?::.*)?|wipe|reset|migrate:reset|schema:load|structure:load|setup|truncate_all|nuke|clear|fresh"
            r"|seed:replant)"
        ),
        RESET,
    ),
    (re.compile(r"db:(?:rollback(?::.*)?|migrate:(?:down|redo|undo.*)|undo.*|revert)"), DOWN),
    (
        re.compile(
            r"migrate:(?:rollback|down|undo.*)|migration:(?:revert|rollback)|migrations:(?:rollback|execute --down)"
        ),
        DOWN,
    ),
    (re.compile(r"migrate:(?:fresh|refresh|reset)|schema:drop|migration:(?:fresh|refresh|reset)"), RESET),
    (re.compile(r"migrate/(?:down|fresh|redo)"), DOWN),
    (re.compile(r"flush|reset_db|clear_database|reset_schema"), RESET),
    (
        re.compile(
            r"doctrine:(?:database:drop|schema:drop|mongodb:schema:drop)|d:d:d|orm:schema-tool:drop|database:drop"
        ),
        DROP,
    ),
    (re.compile(r"doctrine:fixtures:load|d:f:l|hautelook:fixtures:load"), LOADS),
    (re.compile(r"ecto\.(?:drop|reset)"), RESET),
    (re.compile(r"ecto\.rollback"), DOWN),
    (re.compile(r"telescope:clear|queue:(?:flush|clear)|horizon:clear"), QUEUE),
)


def _task(call: Call, line: Line) -> Finding | None:
    """Runners of named tasks: `rails db:drop`, `manage.py flush`, `artisan migrate:fresh`."""
    if in_test(call, line):
        return None
    for word in line.words[:8]:
        for pattern, rule in _TASKS:
            if pattern.fullmatch(word):
                return Finding(rule, word)
    if "migrate" in line.words and line.words[-1] == "zero":
        return Finding(DOWN, " ".join(line.words[-3:]))
    return Finding(LOADS) if "syncdb" in line.words and line.has("--clear") else None


def _unless_test(call: Call, line: Line) -> Finding | None:
    return None if in_test(call, line) else Finding(RESET)


def _forgets_down(_call: Call, line: Line) -> Finding | None:
    """alembic and Flask-Migrate write SQL instead of running it with `--sql`."""
    return None if line.has("--sql") else Finding(DOWN)


def _dbt(_call: Call, line: Line) -> Finding | None:
    drops = line.words[:1] == ["run-operation"] and any("drop" in word for word in line.words[1:2])
    return Finding(DROP) if drops else None


TOOLS = (
    Tool(
        "rails rake artisan manage.py django-admin django-admin.py console symfony mix sequelize sequelize-cli "
        "knex typeorm craft yii "
        "cake spark ace adonis mikro-orm",
        row(DOWN, "migrations rollback|reset"),
        check=_task,
        gate="db migrate flush reset_db doctrine d ecto zero schema migration migrations telescope queue horizon "
        "syncdb orm database "
        "clear_database reset_schema hautelook",
        valued="--env -e --environment --settings --database -n",
        dry=_DRY,
    ),
    Tool(
        "prisma",
        row(RESET, "migrate reset", when=_unless_test),
        row(LOSSY, "db push", any="--force-reset --accept-data-loss", when=_unless_test),
        valued="--schema",
    ),
    Tool("drizzle-kit", row(LOSSY, "drop"), row(LOSSY, "push", any="--force")),
    Tool("alembic", row(DOWN, "downgrade", when=_forgets_down), valued="-c --config -n --name -x"),
    Tool("flask", row(DOWN, "db downgrade", when=_forgets_down), valued="-A --app -e --env-file"),
    Tool("aerich", row(DOWN, "downgrade"), valued="-c --config"),
    Tool("yoyo", row(DOWN, "rollback|reapply")),
    Tool("flyway", row(RESET, ".. clean"), row(DOWN, ".. undo"), long_dash=True, dry=(*DRY, "-dryRunOutput")),
    Tool(
        "liquibase",
        row(
            None,
            ".. rollbackSQL|rollback-sql|futureRollbackSQL|future-rollback-sql|rollback-count-sql|rollback-to-date-sql",
        ),
        row(RESET, ".. dropAll|drop-all"),
        row(DOWN, ".. rollback|rollback-*|rollbackCount|rollbackToDate|rollbackOneChangeSet|rollbackOneUpdate"),
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
    Tool("dbmate", row(RESET, "drop"), row(DOWN, "down|rollback"), valued="-u --url -e --env -d"),
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
    Tool("dotnet", row(DROP, "ef database drop"), row(DOWN, "ef database update 0")),
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
        valued="--project-ref --db-url",
    ),
    Tool("dbt", check=_dbt, gate="run"),
    Tool(
        "wp",
        row(SITE, "db reset|drop|clean"),
        row(SITE, "site empty|delete"),
        row(SITE, "post|user|media|plugin delete", any="--force --all"),
        valued="--path --url",
    ),
    Tool("drush", row(SITE, "sql-drop|sql:drop|site-install|site:install|si")),
    Tool("bench", row(SITE, ".. drop-site|reinstall"), valued="--site"),
    Tool("ghost", row(SITE, "uninstall")),
)
RULES = tuple(value for value in list(globals().values()) if isinstance(value, Rule))
