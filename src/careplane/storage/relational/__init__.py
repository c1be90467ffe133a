"""What engines on tables share: values and rules without a dialect, a driver or a file."""
