"""Pages about things and loans, one module a stage."""
