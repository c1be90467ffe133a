"""Masks: elements of resources that somebody does not get to see. Pure functions over trees."""
