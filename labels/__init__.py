"""What is said about runs: codebooks, suggestions, decisions and the gold made of them. Knows no screens."""
