"""The commands `sightline cameras …` and `sightline bench cameras`."""
