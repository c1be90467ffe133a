-- Large code systems (storage.ports.terminology).

CREATE TABLE system (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    url TEXT NOT NULL,
    version TEXT NOT NULL,
    head BLOB NOT NULL,
    count INTEGER NOT NULL,
    whole INTEGER NOT NULL, -- 0 while it is filled; later: the how manieth it was to become so
    gone INTEGER NOT NULL DEFAULT 0 -- 1 while it is dropped
) STRICT;

CREATE TABLE concept (
    id INTEGER PRIMARY KEY, -- number * 2^32 + place
    key TEXT NOT NULL,
    links BLOB NOT NULL,
    body BLOB NOT NULL
) STRICT;

CREATE TABLE place (
    number INTEGER NOT NULL,
    key TEXT NOT NULL,
    place INTEGER NOT NULL,
    PRIMARY KEY (number, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE posting (
    number INTEGER NOT NULL,
    name TEXT NOT NULL,
    part INTEGER NOT NULL,
    places BLOB NOT NULL,
    PRIMARY KEY (number, name, part)
) STRICT, WITHOUT ROWID;
