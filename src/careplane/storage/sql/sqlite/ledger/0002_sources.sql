-- Which leaves are of which versions, and what others say that cannot be made again.

ALTER TABLE entry ADD COLUMN said BLOB NOT NULL DEFAULT x'';

CREATE TABLE run (
    tenant INTEGER NOT NULL,
    t INTEGER NOT NULL,
    number INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (tenant, t)
) STRICT, WITHOUT ROWID;
