"""Names of one person, as they are typed on the screens of agreement and adjudication."""

from __future__ import annotations

from labels.gold.people import nobodies, reviewers, same_of
from review_tui.screens.base import StationScreen
from sessions.errors import UserError


async def same_people(screen: StationScreen, text: str) -> dict[str, str] | None:
    """`A=B; C=D` as the names of each person; None, and the footer says why, where it says nothing or names nobody."""

    def read() -> dict[str, str]:
        same = same_of(pair.strip() for pair in text.split(";") if pair.strip())
        if wrong := nobodies(reviewers(screen.station.store), same):
            raise UserError(wrong[0])
        return same

    return await screen.work(read)
