"""A resource as it was written, with what is wrong with it beside its lines. Pure."""
