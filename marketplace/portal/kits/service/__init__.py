"""What changes kits and books them."""
