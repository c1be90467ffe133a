"""The parts of `tools/make_demo.py`: who plays, how Synthea is trimmed, and the linked story."""
