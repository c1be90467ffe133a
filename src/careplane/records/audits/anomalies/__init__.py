"""Accesses that somebody should look at: rules over the trail and over who is who."""
