"""A fictitious company for the demo Imbi API: an online shop, its teams, its people and its software."""
