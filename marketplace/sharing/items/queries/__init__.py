"""Lists, searches and figures of things that are lent."""
