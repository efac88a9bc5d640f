"""The Lambda layer: its locked dependencies, its wrapper script, and its build."""
