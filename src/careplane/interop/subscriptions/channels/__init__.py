"""Ways to tell a subscriber: each takes a finished notification and either delivers it or says why
not. They do not know each other."""
