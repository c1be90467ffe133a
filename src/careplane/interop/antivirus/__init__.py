"""Files looked through by a scanner of others."""
