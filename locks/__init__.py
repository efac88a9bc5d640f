"""Says whether the lock files are complete, so that they can be installed without resolving anything."""
