"""The transcript without Textual: folding text into rows, laying steps out, and where the reader is.

`widgets/transcript.py` draws what these modules say; everything here is plain Python and tested as such.
"""
