"""Answers as a service: beginning, stopping and storing them."""
