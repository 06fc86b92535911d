"""The pages of home share."""
