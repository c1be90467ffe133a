"""SMART App Launch 2.2 and OAuth 2.1, as far as they need no browser: clients, what they prove who
they are by, the tokens that carry a caller and its scopes, and how these end early."""
