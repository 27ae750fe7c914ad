"""Tools of an agent whose name says that data or infrastructure goes: `drop_table`, `delete_database`, `purge_queue`.

What an agent's business is (orders, reservations, users, messages) is left alone: there is nothing in a name that says
whether a customer asked for it.
"""

from labels.commands.rules.base import Rule

DELETES = Rule("tools.deletes", "this tool deletes data or infrastructure, as its name says.", 0.85)
RESETS = Rule("tools.resets", "this tool empties or resets a store or machine, as its name says.", 0.8)

RULES = (DELETES, RESETS)
