-- Full-text search: the words of a resource, parted by blanks, for phrases, and which there are, for
-- the index. See search/words.py.
CREATE TABLE words (
  tenant integer NOT NULL,
  ident bigint NOT NULL,
  narrative text COLLATE "C" NOT NULL,
  other text COLLATE "C" NOT NULL,
  narrative_words tsvector NOT NULL,
  other_words tsvector NOT NULL,
  PRIMARY KEY (tenant, ident)
);
CREATE INDEX words_all ON words USING gin (narrative_words, other_words);
