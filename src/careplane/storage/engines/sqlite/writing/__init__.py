"""Writing: units of work, committed in groups by one writer, on a thread here or in a process of
its own. A thread starts at once, which suits a command; a process has an interpreter to itself,
which suits a server: requests and writes do not wait for each other (decision 0006)."""
