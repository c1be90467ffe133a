"""The oracle: what the server answers, on every way to data, is a brute-force filter over all rows.

`population` has the rows, `rights` filters them for a caller record by record, `ways` says of each
kind of request what must come of it and asks it, `drawing` draws who asks what under which policies
and Consents, `rounds` compares and counts. Nothing of it shares code with decisions or plans.
"""
