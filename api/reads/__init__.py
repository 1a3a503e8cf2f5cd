"""Questions to the database and what the answers look like."""
