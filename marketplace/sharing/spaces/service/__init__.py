"""What changes rooms and bookings."""
