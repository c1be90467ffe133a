"""From the release of a code system to its rows in a store."""
