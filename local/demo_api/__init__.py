"""A demo of the Imbi API, with the data of a fictitious company in memory."""

from local.demo_api.app import create_demo_api

__all__ = ["create_demo_api"]
