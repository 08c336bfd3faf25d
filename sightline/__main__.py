"""`python -m sightline` is `sightline`, also where the script is not on the path."""

from sightline.cli import main

main()
