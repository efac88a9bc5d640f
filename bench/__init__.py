"""Benchmarks of the service, compared with a bare relay of the same bytes: `python -m bench`."""
