"""The selection of the tools that a request offers, and the search for the others."""
