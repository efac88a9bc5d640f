"""HTTP: the application, what its handlers depend on, its bodies, its errors, its event streams."""
