"""Tracks objects over the frames of each stream: all the state of a stream, and no pixels."""
