"""Resources made of what was answered (SDC, Form Data Extraction).

`observations` of coded questions, `definitions` of any type by the elements that questions name;
`made` has what both share, `taking` what becomes of what an earlier extraction made.
"""
