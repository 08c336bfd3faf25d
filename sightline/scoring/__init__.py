"""Scores of tracks against a ground truth, by TrackEval in an environment of its own."""
