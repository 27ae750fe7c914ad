"""Scripts that make the runs of this folder: `python -m sample_traces.make`."""
