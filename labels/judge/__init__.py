"""The optional LLM judge: asks a model, over any OpenAI-compatible chat endpoint, which failure modes a run shows.

Off by default, and offline until somebody says where to send and that it may be sent. What it claims becomes
suggestions of the detector `judge:MODEL` beside those of the others, each with a quote that was found word by word
where the model said it stands. It never sees labels, decisions, or what the source knows of the answer.

config    where, with which model, at what price, within which limits
segment   a run as numbered, marked, redacted text, in windows where it is long
prompt    what the model is asked; answer: what it said, read and checked
client    the endpoint, with its faults; cost: tokens and money; cache: answers kept
verify    claims held against the run; run: all of it, for one run
agentdash answers of another tool, imported
"""
