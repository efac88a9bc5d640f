"""HTTP: the application, the dependencies of its handlers, bodies, error responses and event streams."""
