"""One file an interaction: what of a request becomes a command, what of its result an answer."""
