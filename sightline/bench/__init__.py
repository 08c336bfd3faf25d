"""Measurements: each module is one `sightline bench` command and returns JSON-able figures."""
