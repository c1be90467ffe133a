"""From a query string to a plan, from a resource to the rows it is found by. Pure functions."""
