"""What waits for those who work for the city, across features."""
