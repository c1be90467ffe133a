"""The text formats of transparency logs (c2sp.org), as pure functions: strict parsers of bounded
input that say what is wrong, and writers whose output they read.

`note` signed-note · `checkpoint` tlog-checkpoint · `keys` verifier and signing keys,
`cosignature` what they sign · `proof` tlog-proof · `policy` tlog-policy · `submission`
tlog-witness · `layout` tlog-tiles.
"""
