"""SMART Health Links (HL7 SMART Health Cards and Links 1.0): a part of a record behind a link."""
