"""What files in records may be: their kinds, told by their bytes, and why one is not taken."""
