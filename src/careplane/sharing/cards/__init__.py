"""SMART Health Cards (HL7 SMART Health Cards and Links 1.0): signed statements to carry along."""
