"""The evaluation of answers: questions with expectations, asked to a running service."""

from __future__ import annotations

from local.eval.command import EvaluationOptions, add_case, evaluate
from local.eval.runner import RunOptions

__all__ = ["EvaluationOptions", "RunOptions", "add_case", "evaluate"]
