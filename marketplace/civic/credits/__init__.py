"""Time credits, deposits, and the fund that helps when a borrowed thing breaks."""
