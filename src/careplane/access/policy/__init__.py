"""What the institution allows: Cedar policies, each compiled to a restriction on the plan."""
