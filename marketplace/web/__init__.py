"""The Flask side of the ground: forms, marks, errors, security, pages."""
