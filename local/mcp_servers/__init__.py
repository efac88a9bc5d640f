"""Two demo MCP servers: one that anybody may ask who is on call, and one of cloud costs that wants an OAuth token."""
