"""From an element of a struct to index rows: one file a kind of search parameter."""
