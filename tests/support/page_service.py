"""The service with the chat page, as a developer's machine has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.page import page_router
from tests.support.service import Service, token_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fastapi import FastAPI

SAMPLES = ("Which teams are there?",)


class PageService(Service):
    """A service whose page lets its visitor act as some users."""

    def __init__(self, variables: Mapping[str, str], users: Sequence[str]) -> None:
        super().__init__(variables)
        self._users = users

    def application(self) -> FastAPI:
        """Join the page to the service's routes."""
        app = super().application()
        app.include_router(page_router(token_of, self._users, self.settings.route_prefix, SAMPLES))
        return app
