"""Open coding: reviewers' free notes get short names (codes), and codes that hold become modes of a codebook.

Giving, renaming, merging, splitting and promoting codes are events of the log (`labels.coding.said`), undoable like
decisions; what the codes are now is folded from them whenever it is read (`labels.coding.fold`).
"""
