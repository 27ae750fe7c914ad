"""Names of the pages, for the head: there before the figures, and all that they need, are."""

NAMES_OF_PAGES = ("modes", "outcome", "groups", "where", "pairs", "chains", "lost", "saved", "plan", "compare")
#: What stands for a name where there is little room.
SHORT_NAMES = {"outcome": "fatal", "compare": "vs"}
MODES_PAGE, GROUPS_PAGE, PLAN_PAGE, COMPARE_PAGE = (
    NAMES_OF_PAGES.index(name) for name in ("modes", "groups", "plan", "compare")
)
