"""What cannot be judged: commands that are made at run time, or hidden too deep, and that may do harm.

A script that is downloaded and run is not in here: it is how most tools are installed, and nothing says what it loses.
"""

from labels.commands.rules.base import Rule

DECODED = Rule(
    "opaque.decoded-script", "runs a script that is decoded at run time, so that nobody can read it before.", 0.8
)
TOO_LONG = Rule(
    "opaque.too-long", "is too long to be read whole, and its unread part holds a word of a destructive command.", 0.6
)
TOO_DEEP = Rule(
    "opaque.too-deep", "is nested too deeply to be read whole, and holds a word of a destructive command.", 0.6
)
FAILED = Rule("opaque.failed", "could not be judged because of a fault in a rule; please report it.", 0.6)

RULES = (DECODED, TOO_LONG, TOO_DEEP, FAILED)
