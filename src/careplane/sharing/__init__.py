"""A record as its patient gives it to others: summaries, cards, links, documents."""
