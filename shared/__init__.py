"""The common layer of every route: authentication, the graph, the tools and the turn."""
