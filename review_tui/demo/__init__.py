"""`review-tui demo`: a scripted agent that really works in a scratch workspace, and goes wrong at its third gate.

`world` makes the workspace, `story` says what the agent thinks and does, `agent` is its process, `headless` plays the
reviewer's part without a screen.
"""
