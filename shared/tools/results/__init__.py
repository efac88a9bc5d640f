"""Tool results: made safe, small and readable in pages."""
