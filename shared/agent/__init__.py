"""The turn: what happens between a user's message and the end of its answer."""
