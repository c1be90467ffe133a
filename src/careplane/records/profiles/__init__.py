"""Resources held against profiles: by `$validate`, and when they are written, as far as the policy
of the institution says so."""
