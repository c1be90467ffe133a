"""Many institutions on one installation: who is asked by an address, what each has of its own."""
