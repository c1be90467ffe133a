"""Apps that act for a person: SMART App Launch 2.2 over OAuth 2.1's authorization code and OpenID
Connect. What an app asks (`asking`), what of it a person may give (`offer`, `choices`), and what
comes of it: grants, codes, tokens. Pages are of `web`, endpoints of `rest.oauth`."""
