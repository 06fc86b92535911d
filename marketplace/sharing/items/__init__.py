"""Things lent between neighbours and by libraries of things."""
