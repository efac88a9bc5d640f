"""Models, events, ports and errors: no input or output, so that every layer may import them."""
