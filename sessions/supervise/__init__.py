"""Running a command under review: held at gates as a whole, with everything it has started.

    tree            processes and what descends from them
    keeper          the process that starts the command, holds it, and ends it if its supervisor dies
    keeping         the supervisor's end of it
    terminal        who has the terminal: the command, or the supervisor while the command is held
    session_files   which session files the command writes
    reading         their steps, read in a process of its own
    feed            which steps have yet to be shown at a gate
    supervisor      the loop that brings all together

What it can do: hold the agent, take files back. What it cannot: change a call (the client makes it itself), or take the
agent's own state back; so after a rollback the agent is ended, and a brief for its restart is given.
"""
