"""Names of the pages, for the head: there before the figures, and all that they need, are."""

NAMES_OF_PAGES = ("modes", "outcome", "groups", "where", "pairs", "chains", "lost", "saved", "plan")
MODES_PAGE, GROUPS_PAGE, PLAN_PAGE = (NAMES_OF_PAGES.index(name) for name in ("modes", "groups", "plan"))
