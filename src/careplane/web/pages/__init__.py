"""One file for each group of pages; a handler reads, turns trees into values, renders."""
