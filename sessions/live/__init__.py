"""Live runs: an agent waits at gates, people decide, and either side may die at any moment.

`sessions.gate` is the agent's way in, `labels.operating` the reviewer's. From the bottom up:

    clock, process    time that survives a clock set back; who is running, and who descends from whom
    request           what an agent asks at a gate, checked, and the hash of it
    runs, gates       the rows of live runs and gates, as they are read
    checking          what is asked of `sessions.gate_checks` before a person is
    telling           who is told that a gate waits
    opening           the one transaction that opens a gate
    conditions        what an approval needs besides being one
    deciding          votes and decisions: the first one wins
    taking            the agent has its answer, exactly once
    answer, asking    all of it in one call: open, wait, take
    waiting           sleeping until something changed in the database
    holding, claims   holds on runs, and leases of reviewers
    guarding          the agent must not approve itself
    hooks             what other parts do when a gate opens and when a run goes back
    ending            a run is over: it becomes a run like every other
"""
