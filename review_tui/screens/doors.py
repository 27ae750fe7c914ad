"""From the inbox to the screens of a set: queues, adjudication, agreement, insights, codes, reviewer health.

Each is imported when it is first opened, so that none of them costs time at the start.
"""

from __future__ import annotations

from review_tui.screens.base import StationScreen


class Doors(StationScreen):
    """The actions that open them."""

    async def action_queues(self) -> None:
        from review_tui.screens.queues import QueuesScreen

        await self.station.push_screen(QueuesScreen())

    async def action_adjudicate(self) -> None:
        from review_tui.screens.adjudicate import AdjudicateScreen

        await self.station.push_screen(AdjudicateScreen())

    async def action_agreement(self) -> None:
        from review_tui.screens.agreement import AgreementScreen

        await self.station.push_screen(AgreementScreen())

    async def action_insights(self) -> None:
        from review_tui.screens.insights import InsightsScreen

        await self.station.push_screen(InsightsScreen())

    async def action_codes(self) -> None:
        from review_tui.screens.codes import CodesScreen

        await self.station.push_screen(CodesScreen())

    async def action_health(self) -> None:
        from review_tui.screens.health import HealthScreen

        await self.station.push_screen(HealthScreen())
