"""What goes over the wire, and what of it is kept."""
