"""Work that goes on after its request was answered, and outlives the process that does it.

What is known of a job stands in the StateStore, so any process answers for it. A kind of job is a
`kind.Kind`; features hand theirs to `app.build`, which gives them to the one `runner.Runner`.
"""
