-- The records file, version 1. Tables are narrow; texts that come again are interned to integers.
-- Columns without a type keep what they are given: see engines/sqlite/compact.py.

-- Types, parameters and systems. Ids are small and count up within a kind.
CREATE TABLE name (
  kind INTEGER NOT NULL,
  text TEXT NOT NULL,
  id INTEGER NOT NULL,
  PRIMARY KEY (kind, text)
) WITHOUT ROWID;

-- Every resource that was ever written or referred to, its place in the order of answers being rid.
-- version 0: referred to only. t: its last version; born: its first. gone: nothing to find.
CREATE TABLE resource (
  rid INTEGER PRIMARY KEY,
  tenant INTEGER NOT NULL,
  type INTEGER NOT NULL,
  fhir_id NOT NULL,
  version INTEGER NOT NULL,
  t INTEGER NOT NULL,
  born INTEGER NOT NULL,
  gone INTEGER NOT NULL
);
CREATE UNIQUE INDEX resource_key ON resource (tenant, type, fhir_id);
CREATE INDEX resource_live ON resource (tenant, type) WHERE gone = 0;

-- Every version; append only. updated: milliseconds since 1970, never less than the row before.
-- form: 4 * body encoding + method; see engines/sqlite/versions.py.
CREATE TABLE version (
  t INTEGER PRIMARY KEY,
  tenant INTEGER NOT NULL,
  type INTEGER NOT NULL,
  rid INTEGER NOT NULL,
  version INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  form INTEGER NOT NULL,
  body BLOB NOT NULL
);
CREATE INDEX version_type ON version (tenant, type);
CREATE INDEX version_number ON version (rid, version) WHERE version > 1;

-- How many current, undeleted resources there are.
CREATE TABLE tally (
  tenant INTEGER NOT NULL,
  type INTEGER NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY (tenant, type)
) WITHOUT ROWID;

-- Search. Where a table says rid, a group of a composite parameter has a negative number of its own
-- from which its resource's rid follows: see engines/sqlite/layout.py.
CREATE TABLE token (
  tenant INTEGER NOT NULL,
  param INTEGER NOT NULL,
  code NOT NULL,
  rid INTEGER NOT NULL,
  system INTEGER NOT NULL,
  PRIMARY KEY (tenant, param, code, rid, system)
) WITHOUT ROWID;

-- target belongs to one tenant, so no tenant here; the same is true of term.
CREATE TABLE reference (
  target INTEGER NOT NULL,
  param INTEGER NOT NULL,
  rid INTEGER NOT NULL,
  PRIMARY KEY (target, param, rid)
) WITHOUT ROWID;

-- [low, low + span) in microseconds. wide: 0 up to a day, 1 up to a leap year, 2 more.
CREATE TABLE date (
  tenant INTEGER NOT NULL,
  param INTEGER NOT NULL,
  wide INTEGER NOT NULL,
  low INTEGER NOT NULL,
  span INTEGER NOT NULL,
  rid INTEGER NOT NULL,
  PRIMARY KEY (tenant, param, wide, low, span, rid)
) WITHOUT ROWID;

-- wide: 0 for a point, whose high is then '', 1 for a range.
CREATE TABLE number (
  tenant INTEGER NOT NULL,
  param INTEGER NOT NULL,
  wide INTEGER NOT NULL,
  low NOT NULL,
  high NOT NULL,
  rid INTEGER NOT NULL,
  PRIMARY KEY (tenant, param, wide, low, high, rid)
) WITHOUT ROWID;

-- id: 4 * number + kind. kind: 0 as written, 1 as written and there is a canonical row too,
-- 2 canonical (code is the unit in base units).
CREATE TABLE unit (
  id INTEGER PRIMARY KEY,
  code TEXT NOT NULL,
  system INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  UNIQUE (code, system, kind)
);
CREATE TABLE quantity (
  tenant INTEGER NOT NULL,
  param INTEGER NOT NULL,
  unit INTEGER NOT NULL,
  wide INTEGER NOT NULL,
  low NOT NULL,
  high NOT NULL,
  rid INTEGER NOT NULL,
  PRIMARY KEY (tenant, param, unit, wide, low, high, rid)
) WITHOUT ROWID;

-- The texts of string parameters, and the values of uri parameters (whose text is '').
CREATE TABLE term (
  id INTEGER PRIMARY KEY,
  tenant INTEGER NOT NULL,
  param INTEGER NOT NULL,
  folded TEXT NOT NULL,
  text TEXT NOT NULL
);
CREATE UNIQUE INDEX term_text ON term (tenant, param, folded, text);
CREATE TABLE wording (
  term INTEGER NOT NULL,
  rid INTEGER NOT NULL,
  PRIMARY KEY (term, rid)
) WITHOUT ROWID;

-- What one resource has, for checks of single candidates and for sorting. a, b, c by kind of param:
-- date low, span, 0 · number low, high, 0 · quantity low, high, unit · string and uri term, 0, 0 ·
-- reference target, 0, 0 · composite 0, 0, 0 (the group is there).
CREATE TABLE fact (
  rid INTEGER NOT NULL,
  param INTEGER NOT NULL,
  a NOT NULL,
  b NOT NULL,
  c INTEGER NOT NULL,
  PRIMARY KEY (rid, param, a, b, c)
) WITHOUT ROWID;

-- The commonest clinical question: this patient, this code, lately. See relational.charts.py.
-- link: the reference parameter; param: that of the code. wide, low: as in date; wide 3: no single
-- date.
CREATE TABLE chart (
  target INTEGER NOT NULL,
  link INTEGER NOT NULL,
  param INTEGER NOT NULL,
  code NOT NULL,
  wide INTEGER NOT NULL,
  low INTEGER NOT NULL,
  rid INTEGER NOT NULL,
  system INTEGER NOT NULL,
  PRIMARY KEY (target, link, param, code, wide, low, rid, system)
) WITHOUT ROWID;

-- Audit records of units of work, until they stand in the audit file.
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant INTEGER NOT NULL,
  record BLOB NOT NULL
);
