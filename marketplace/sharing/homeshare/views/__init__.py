"""Pages of home share, for residents and for coordinators."""
