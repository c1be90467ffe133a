"""When somebody can be seen: rules, read from a Schedule, and the times that follow. Pure."""
