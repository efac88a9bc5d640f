"""Imports every function and all that answers need, and prints the names as JSON: the modules of a warm environment."""

from __future__ import annotations

import json
import pkgutil
from importlib import import_module

import functions

NEEDED = ("shared.aws.streaming", "shared.aws.xray", "shared.aws.cloudwatch", "shared.chat.assembly", "fastmcp", "mcp")

if __name__ == "__main__":
    names = [module.name for module in pkgutil.iter_modules(functions.__path__, "functions.")]
    for name in (*names, *NEEDED):
        import_module(name)
    print(json.dumps(names))  # noqa: T201  # the test reads it
