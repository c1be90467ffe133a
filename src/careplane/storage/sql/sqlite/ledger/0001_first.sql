-- The ledger's log (storage.ports.ledger).

CREATE TABLE head (size INTEGER NOT NULL) STRICT;
INSERT INTO head VALUES (0);

CREATE TABLE entry (
    number INTEGER PRIMARY KEY,
    leaf BLOB NOT NULL,
    salt BLOB NOT NULL -- empty once it was erased
) STRICT;

CREATE TABLE tile (
    place INTEGER PRIMARY KEY, -- level * 2^56 + number
    hashes BLOB NOT NULL
) STRICT;

CREATE TABLE mark (source TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE note (name TEXT PRIMARY KEY, data BLOB NOT NULL) STRICT;

CREATE TABLE loss (
    size INTEGER PRIMARY KEY,
    kept INTEGER NOT NULL,
    again INTEGER NOT NULL,
    known BLOB NOT NULL,
    checkpoint BLOB NOT NULL
) STRICT;
