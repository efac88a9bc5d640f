"""Authentication: access tokens, API keys, and the caller that they identify."""
