"""Exchange with other systems in forms of their own."""
