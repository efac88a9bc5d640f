"""What only a developer's machine needs: an embedded database, a demo API and model, a chat. Never deployed."""
