-- Packages of definitions (storage.ports.packages). Of the installation, not of a tenant.

CREATE TABLE head (epoch INTEGER NOT NULL);
INSERT INTO head VALUES (0);

CREATE TABLE package (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  asked INTEGER NOT NULL,
  added INTEGER NOT NULL,
  manifest BLOB NOT NULL,
  pins BLOB NOT NULL,
  UNIQUE (name, version)
);

CREATE TABLE artifact (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  package INTEGER NOT NULL,
  header BLOB NOT NULL
);
CREATE INDEX artifact_of ON artifact (package);

CREATE TABLE body (number INTEGER PRIMARY KEY, data BLOB NOT NULL);

CREATE TABLE usage (
  url TEXT NOT NULL,
  number INTEGER NOT NULL,
  package INTEGER NOT NULL,
  PRIMARY KEY (url, number)
) WITHOUT ROWID;
CREATE INDEX usage_of ON usage (package);
