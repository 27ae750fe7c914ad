"""Votes that came with corpora, kept as votes of named outside annotators (`outside:NAME`).

| corpus | annotators | what they say |
|---|---|---|
| MAST human labels | `mast-annotator-1` to `-3` | modes that are there or not, through the crosswalk of each draft |
| MAST trace notes | `mast-notes` | the checklist of one annotator |
| MAST full set | `mast-judge (model)` | modes; a language model's answers |
| AG2 gold labels | `ag2-gold` | modes, settled ones only |
| Who&When | `who-and-when` | decisive step, agent, reason |
| AgentRx | `agentrx` | steps with category, agent and reason; the root cause |
| tau-bench | `tau-bench-reward` | whether the goal was reached |
| reference labels (shape of `sample_traces`) | `reference` | modes, steps, evidence |
| agentdash output | `agentdash (model)` | modes; a language model's answers |

They are events like all others, with `how` = `import`: no person can undo them, and importing again adds nothing.
"""

from labels.importing.importing import import_labels
from labels.importing.report import Imported, Source

__all__ = ["Imported", "Source", "import_labels"]
