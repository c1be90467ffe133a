"""Import from files: what the command line reads, and what it remembers between runs."""
