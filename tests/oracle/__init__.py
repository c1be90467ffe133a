"""The oracle: what the server answers, on every way to data, is a brute-force filter over all rows.

`population` has the rows, `rights` filters them for a caller record by record, `hiding` takes
elements out of them, `ways` says of each kind of request what must come of it and asks it,
`drawing` draws who asks what under which policies and Consents, `rounds` compares and counts; every
resource in an answer is compared with what is left of it. Nothing of it shares code with decisions,
plans or masks.
"""
