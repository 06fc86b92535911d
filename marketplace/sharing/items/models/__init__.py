"""What is lent (listing), by whom (libraries, neighbours), and every loan (lending)."""
