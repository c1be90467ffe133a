"""What has no medical meaning: errors, ids, clocks, logs. Imports nothing of Careplane."""
