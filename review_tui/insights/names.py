"""Names of the pages, for the head: there before the figures, and all that they need, are."""

NAMES_OF_PAGES = ("modes", "outcome", "groups", "where", "pairs", "chains", "lost", "saved", "plan")
