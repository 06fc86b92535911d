"""A fictional city to look around in, to test with and to measure on."""
