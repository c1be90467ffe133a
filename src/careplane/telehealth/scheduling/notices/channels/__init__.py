"""Ways to reach a patient; they do not know each other."""
