"""Models, events, ports and errors. They do no input or output, so every layer may import them."""
