"""Agreement among reviewers: on modes, verdicts and steps; of each with the others and with themselves.

Only decisions that were made blind to others' votes count unless asked otherwise. What is undefined is said to be, with
the reason; it is never 0 and never left out. docs/agreement.md explains every figure.
"""

from labels.agreement.report import Agreement, agreement
from labels.agreement.votes import Options

__all__ = ["Agreement", "Options", "agreement"]
