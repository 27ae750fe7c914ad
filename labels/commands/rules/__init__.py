"""The rules, one file per family. Each file says what its programs do and which of their uses cannot be taken back."""
