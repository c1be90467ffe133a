-- Packages of definitions (storage.ports.packages). Of the installation, not of a tenant.

CREATE TABLE package_head (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  epoch bigint NOT NULL
);
INSERT INTO package_head VALUES (true, 0);

CREATE TABLE package (
  id integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  name text NOT NULL,
  version text NOT NULL,
  asked boolean NOT NULL,
  added bigint NOT NULL,
  manifest bytea NOT NULL,
  pins bytea NOT NULL,
  UNIQUE (name, version)
);

CREATE TABLE package_artifact (
  number bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  package integer NOT NULL,
  header bytea NOT NULL
);
CREATE INDEX package_artifact_of ON package_artifact (package);

CREATE TABLE package_body (
  number bigint PRIMARY KEY,
  data bytea STORAGE EXTERNAL NOT NULL -- it is compressed
);

CREATE TABLE package_usage (
  url text NOT NULL,
  number bigint NOT NULL,
  package integer NOT NULL,
  PRIMARY KEY (url, number)
);
CREATE INDEX package_usage_of ON package_usage (package);
