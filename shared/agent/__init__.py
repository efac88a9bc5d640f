"""The turn: the rounds of requests and tool calls from a user's question to the end of its answer."""
