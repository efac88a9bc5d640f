"""Small helpers without knowledge of this service."""
