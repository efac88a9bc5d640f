"""The terminal chat with a running service."""

from __future__ import annotations

from local.chat.access import given, issued
from local.chat.command import chat

__all__ = ["chat", "given", "issued"]
