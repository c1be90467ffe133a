"""What the rooms above may ask of an engine. One contract suite runs over every engine."""
