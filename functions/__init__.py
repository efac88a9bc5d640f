"""One module a route, each with its router and its Lambda handler."""
