"""The description of the JSON doors, for people and for programs."""
