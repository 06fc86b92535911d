"""What moderation changes: reports, decisions, appeals, concerns for safety."""
