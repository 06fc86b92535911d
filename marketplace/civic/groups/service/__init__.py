"""What is done with groups and in the name of others."""
