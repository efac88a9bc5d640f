"""A server of Anthropic's Messages API with a rule-based program in place of a language model."""

from local.demo_model.app import create_demo_model

__all__ = ["create_demo_model"]
