"""Who is calling, and what they may see: a restriction on every plan."""
