"""`python -m review_tui` is `review-tui`."""

from review_tui.cli import main

main()
