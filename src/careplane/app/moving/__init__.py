"""An installation from one engine to another, and the proof that nothing was lost on the way."""
