"""The models of requests, responses and stored data."""
