"""Everything for development only: the embedded database, the demo API and model, the chat. Never deployed."""
