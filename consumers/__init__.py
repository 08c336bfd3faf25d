"""Where tracks end: tables, alerts."""
