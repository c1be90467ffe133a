"""Who people are, how they prove it, and how long that holds."""
