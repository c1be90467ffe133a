"""One file a search parameter type: how its values are read. They do not know each other."""
