"""Messages between the two sides of a booking, a loan or whatever else has two sides."""
