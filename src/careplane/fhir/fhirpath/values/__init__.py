"""The values that FHIRPath computes with, beyond what Python has: times, quantities, types."""
