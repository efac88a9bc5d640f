"""The rules for a message to a user."""

from __future__ import annotations

INTERNALS = ("traceback", "exception", "anthropic", "httpx", "127.0.0.1", "error_type", "{", "_error", "psycopg")


def is_plain(message: str) -> bool:
    return message.endswith(".") and not any(internal in message.lower() for internal in INTERNALS)
