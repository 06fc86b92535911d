"""Buildings of the city say that they know someone, who has agreed to it."""
