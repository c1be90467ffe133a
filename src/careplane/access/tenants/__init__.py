"""The institutions of an installation: which there are, and how each is reached."""
