-- Full-text search. The index alone, without the texts; rowid is a rid. Words come parted by blanks,
-- folded already (search/words.py), so the plainest tokenizer does. digest: of what is indexed of a
-- resource, since it cannot be read back.
CREATE VIRTUAL TABLE words USING fts5 (
  narrative, other, digest UNINDEXED,
  content = '', contentless_delete = 1, contentless_unindexed = 1,
  tokenize = 'ascii'
);
