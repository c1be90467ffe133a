"""Words for people, in their language: catalogues, dates, numbers, units, lists."""
