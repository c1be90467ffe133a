"""The Merkle tree of RFC 6962 section 2.1 and RFC 9162 section 2.1, as pure functions on bytes.

`hashes` · `spans`, which parts of a tree a proof is made of · `tiles`, how the tree is kept ·
`proofs`, made from tiles · `verify` · `frontier`, the root while leaves are appended.
"""
