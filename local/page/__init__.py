"""The chat page of a developer's machine."""

from __future__ import annotations

from local.page.router import page_router

__all__ = ["page_router"]
