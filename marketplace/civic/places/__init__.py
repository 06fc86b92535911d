"""Districts, and the public buildings in them."""
