"""From the database to arrays: which votes and labels count, and what is so of each run.

In the order in which it happens:

    packed     what was said of one run, as two tables of integers
    cache      these tables of all runs, kept in the database and brought up to date by the log
    workers    several processes that make them, where there is much to do
    runs       the runs, with what they are told apart by and the times of their steps
    outcome    whether a run reached its goal, by its own reference data
    counted    the votes of the runs in a scope that count, and why the others do not
    rulings    what adjudicators settled
    settled    of each run and mode: present, absent or unknown
    material   all of that, gathered once for whoever computes figures
"""
