"""Tools of external MCP servers."""
