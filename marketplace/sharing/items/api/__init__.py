"""Things and loans for programs, one module for each thing they are about."""
