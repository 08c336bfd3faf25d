"""`sightline bench pipeline`: the whole system against a plain loop, and under many small messages."""
