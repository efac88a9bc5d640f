"""The chat service: it begins, stops and stores answers."""
