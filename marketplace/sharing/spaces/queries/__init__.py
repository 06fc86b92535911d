"""What is asked of rooms and bookings: which rooms, which are free, what else would do, who booked."""
