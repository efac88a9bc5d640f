"""A demo of the Imbi API: the real one's ways over a made-up company that is kept in memory."""

from local.demo_api.app import create_demo_api

__all__ = ["create_demo_api"]
