"""What stands between the store and a caller who does not see everything of a record: the one place
where versions are masked and de-identified. Decision 0048."""
