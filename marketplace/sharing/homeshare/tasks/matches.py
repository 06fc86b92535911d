"""What is kept of matches."""

from marketplace.sharing.homeshare.models import checks, matches  # noqa: F401 -- their tables
