"""How well models do: `sightline models eval`, and the measures that it and the training are made of."""
