"""Results, and who has seen them."""
