"""The chat page, for development only."""

from __future__ import annotations

from local.page.router import page_router

__all__ = ["page_router"]
