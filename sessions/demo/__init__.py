"""The demo's agent: scripted, but really at work in a scratch workspace, and wrong at its third gate.

`world` makes the workspace, `story` says what the agent thinks and does, `agent` is its process, `scratch` the folder
that all of it lies in. Who reviews it is not in here: `review-tui demo`.
"""
