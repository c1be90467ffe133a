"""A record on paper: PDF, set by typst."""
