"""SMART App Launch 2.2: the tokens that carry a caller and its scopes."""
