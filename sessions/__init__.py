"""The runs: their model, the readers that open them, chunks, and the store they are kept in.

This package knows nothing of labels or screens (an import contract in CI keeps it so). The flow is
`readers` -> `ingest` -> `store`; `catalog` reads back what was stored, `chunks` cuts it up for review.
"""
