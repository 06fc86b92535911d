"""What happens to things and loans afterwards, what people are told of them, and what is kept."""
