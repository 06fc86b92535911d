"""What people are told: the inbox, letters, the calendar feed, and who wishes what."""
