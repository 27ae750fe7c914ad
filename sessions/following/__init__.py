"""Following a file that an agent is writing: its run in the store grows as the file does. There is no gate here.

lines     a file's lines as they come, for readers that stream
growing   what is new in a file: appended, truncated, replaced, rotated, half a line, written anew as a whole
rows      the run in the store, changed only where the file has changed
follower  the loop that brings both together
process   the same in a process of its own, beside the station
"""
