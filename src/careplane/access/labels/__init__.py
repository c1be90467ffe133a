"""Security labels: which records are sensitive, found by their codes and where they come from."""
