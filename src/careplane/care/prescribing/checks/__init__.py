"""What stands against a medicine, one check a file; `catalogue` has those that ship."""
