"""Records without what names a patient: HIPAA's Safe Harbor (45 CFR 164.514(b)(2)), and pseudonyms
in the place of ids. Pure functions over trees."""
