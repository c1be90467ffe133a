"""From SearchParameters to the source of extractors: used by `make generate`, and at run time."""
