"""Turning the pages of the insights, and what can be turned on a page: measure, grouping, system, order."""

from __future__ import annotations

from review_tui.insights.names import GROUPS_PAGE, MODES_PAGE, NAMES_OF_PAGES, PLAN_PAGE
from review_tui.screens.insights_filters import InsightsFilters
from review_tui.widgets.page import PageList


class InsightsPages(InsightsFilters):
    """page: which one is shown, from 0. group, plan: which attribute and system, counted round. order: of the modes,
    `code` or `size`."""

    def __init__(self) -> None:
        super().__init__()
        self.page = self.group = self.plan = 0
        self.order = "code"

    @property
    def body(self) -> PageList:
        return self.query_one("#page", PageList)

    def _turn_to(self, page: int) -> None:
        self.page = page % len(NAMES_OF_PAGES)
        self.body.to_top()
        self.show_page()

    def action_next_page(self) -> None:
        self._turn_to(self.page + 1)

    def action_previous_page(self) -> None:
        self._turn_to(self.page - 1)

    def action_page_1(self) -> None:
        self._turn_to(0)

    def action_page_2(self) -> None:
        self._turn_to(1)

    def action_page_3(self) -> None:
        self._turn_to(2)

    def action_page_4(self) -> None:
        self._turn_to(3)

    def action_page_5(self) -> None:
        self._turn_to(4)

    def action_page_6(self) -> None:
        self._turn_to(5)

    def action_page_7(self) -> None:
        self._turn_to(6)

    def action_page_8(self) -> None:
        self._turn_to(7)

    def action_page_9(self) -> None:
        self._turn_to(8)

    def action_page_10(self) -> None:
        self._turn_to(9)

    def action_measure(self) -> None:
        """The next measure, with the published figures that go with it."""
        self._step("column", MODES_PAGE)

    def action_grouping(self) -> None:
        self._step("group", GROUPS_PAGE)

    def action_next_system(self) -> None:
        self._step("plan", PLAN_PAGE)

    def _step(self, what: str, page: int) -> None:
        """The next of something on its page; from another page, to that page first."""
        if self.page != page:
            self._turn_to(page)
        else:
            setattr(self, what, getattr(self, what) + 1)
            self.show_page()

    def action_order(self) -> None:
        self.order = "size" if self.order == "code" else "code"
        self.show_page()
        self.say(f"Modes in the order of {'their figures' if self.order == 'size' else 'the codebook'}.")
