"""What the service costs, measured beside a bare relay of the same bytes: `python -m bench`."""
