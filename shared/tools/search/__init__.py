"""The selection of tools that the model sees, and the search for the others."""
