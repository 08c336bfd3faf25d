"""Sightline: what all stages share."""
