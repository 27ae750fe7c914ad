"""Snapshots of a whole workspace, and going back to one: a content-addressed store of our own, without git.

`sessions.workspace.snapshots.Snapshots` is the way in. From the bottom up:

    entries, manifest   what is known of one path, and of all paths of a snapshot, as bytes
    tree                file operations that cannot be led out of the workspace by a symlink
    guard, policy       what is refused as a workspace, and what is left out of a snapshot
    scan, statcache     the walk, and what it need not read again
    reading, objects    contents: read without tearing, kept once, in packs
    database, records   the SQLite file beside the packs, and what its rows say
    taking              a snapshot
    differences, plan   what a restore would do, and whom it would hurt
    journal, restoring  doing it so that kill -9 at any moment loses nothing
    collect             a budget of disk space
"""
