"""A model server that speaks Anthropic's Messages API without a language model behind it."""

from local.demo_model.app import create_demo_model

__all__ = ["create_demo_model"]
