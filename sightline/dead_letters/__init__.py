"""What people do with dead letters: find them in the topic, look at one, send it to its topic again.

A letter that was sent again is followed, in its own partition of the dead letter topic, by a *receipt*: a
record without a value that has the letter's headers and `retried_at_ns`. So the log alone knows what was
retried, whoever did it and from wherever.
"""

from sightline.dead_letters.letters import Filter, Place, StoredLetter, parse_place, select
from sightline.dead_letters.log import DeadLetterLog
from sightline.dead_letters.retry import send_again

__all__ = ["DeadLetterLog", "Filter", "Place", "StoredLetter", "parse_place", "select", "send_again"]
