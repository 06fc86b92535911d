"""Reports of bad content, decisions with reasons, appeals."""
