-- Records come from several files: 0 is the records file, others are inboxes (engines/sqlite/inbox.py).
CREATE TABLE moved_from (
  source INTEGER PRIMARY KEY,
  id INTEGER NOT NULL -- the last id of its outbox that stands here
);
INSERT INTO moved_from SELECT 0, outbox_id FROM moved;
DROP TABLE moved;
