"""Ports to what is kept, and the engines behind them."""
