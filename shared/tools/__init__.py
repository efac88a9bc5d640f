"""Where tools come from: one Toolset a source, and what they share."""
