"""What people of the practice ask each other to do (R4 Task)."""
