"""One module for each route, with its router and its Lambda handler."""
