"""What a chart shows, as values made from trees: pure functions, no requests, no HTML."""
