"""The tables of a memory file, and the way from every older version to the newest.

What several robots may know about one thing is kept by `origin` (the store that saw it), so that
merging takes the newer row of each origin and can be repeated: a grow-only counter by origin.
Stamps are integer nanoseconds, lengths metres, texts UTF-8. `cell_*` are positions divided by the
search radius, for the index. A row of `object` holds what its `tally` rows add up to.
"""

from __future__ import annotations

# PRAGMA application_id of a memory file: "SeRm".
APPLICATION_ID = 0x5365526D

_FIRST = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE origin (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);

CREATE TABLE place (
    id INTEGER PRIMARY KEY, uid TEXT NOT NULL UNIQUE,
    x REAL NOT NULL, y REAL NOT NULL, z REAL NOT NULL,
    cell_x INTEGER NOT NULL, cell_y INTEGER NOT NULL,
    room TEXT NOT NULL DEFAULT '');
CREATE INDEX place_cell ON place (cell_x, cell_y);
CREATE INDEX place_room ON place (room);
CREATE TABLE place_alias (
    uid TEXT PRIMARY KEY, place INTEGER NOT NULL REFERENCES place ON DELETE CASCADE) WITHOUT ROWID;
CREATE INDEX place_alias_of ON place_alias (place);
-- A view is a place, a sector of 45 degrees and a camera; a visit is an unbroken stay in it.
CREATE TABLE visit (
    place INTEGER NOT NULL REFERENCES place ON DELETE CASCADE,
    sector INTEGER NOT NULL, camera TEXT NOT NULL, origin INTEGER NOT NULL,
    visits INTEGER NOT NULL, images INTEGER NOT NULL,
    first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL,
    PRIMARY KEY (place, sector, camera, origin)) WITHOUT ROWID;
CREATE TABLE room_vote (
    place INTEGER NOT NULL REFERENCES place ON DELETE CASCADE,
    room TEXT NOT NULL, origin INTEGER NOT NULL,
    count INTEGER NOT NULL, last_seen INTEGER NOT NULL,
    PRIMARY KEY (place, room, origin)) WITHOUT ROWID;

CREATE TABLE observation (
    id INTEGER PRIMARY KEY, uid TEXT NOT NULL UNIQUE, origin INTEGER NOT NULL,
    stamp INTEGER NOT NULL, camera TEXT NOT NULL, caption TEXT NOT NULL, confidence REAL NOT NULL,
    place INTEGER REFERENCES place ON DELETE SET NULL,
    x REAL, y REAL, z REAL, qx REAL, qy REAL, qz REAL, qw REAL);
CREATE INDEX observation_stamp ON observation (stamp);
CREATE INDEX observation_place ON observation (place);

CREATE TABLE object (
    id INTEGER PRIMARY KEY, uid TEXT NOT NULL UNIQUE,
    label TEXT NOT NULL, head TEXT NOT NULL, plural INTEGER NOT NULL, count INTEGER,
    attributes TEXT NOT NULL DEFAULT '',
    first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL,
    times_seen INTEGER NOT NULL, confidence_sum REAL NOT NULL,
    place INTEGER REFERENCES place ON DELETE SET NULL, sector INTEGER, camera TEXT NOT NULL,
    x REAL, y REAL, z REAL, qx REAL, qy REAL, qz REAL, qw REAL,
    view_x REAL, view_y REAL, cell_x INTEGER, cell_y INTEGER,
    -- The place with a named room that is nearest to the thing's place in view: the room it is in.
    home INTEGER REFERENCES place ON DELETE SET NULL,
    gone INTEGER NOT NULL DEFAULT 0, told INTEGER NOT NULL DEFAULT 0);
CREATE INDEX object_label ON object (label, cell_x, cell_y);
CREATE INDEX object_head ON object (head, last_seen);
CREATE INDEX object_first ON object (first_seen);
CREATE INDEX object_last ON object (last_seen);
CREATE INDEX object_view ON object (place, sector);
CREATE INDEX object_home ON object (home);
CREATE INDEX object_cell ON object (cell_x, cell_y);
CREATE INDEX object_news ON object (last_seen) WHERE told = 0;
CREATE TABLE object_alias (
    uid TEXT PRIMARY KEY, object INTEGER NOT NULL REFERENCES object ON DELETE CASCADE) WITHOUT ROWID;
CREATE INDEX object_alias_of ON object_alias (object);
CREATE TABLE tally (
    object INTEGER NOT NULL REFERENCES object ON DELETE CASCADE, origin INTEGER NOT NULL,
    times_seen INTEGER NOT NULL, first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL,
    confidence_sum REAL NOT NULL,
    visits_seen INTEGER NOT NULL, visits_missed INTEGER NOT NULL, visit_last INTEGER NOT NULL,
    PRIMARY KEY (object, origin)) WITHOUT ROWID;
-- One row for each time an attribute began to hold; `state` names the group whose newest row is true.
CREATE TABLE attribute (
    object INTEGER NOT NULL REFERENCES object ON DELETE CASCADE, origin INTEGER NOT NULL,
    text TEXT NOT NULL, state TEXT NOT NULL DEFAULT '',
    first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL,
    count INTEGER NOT NULL, confidence_sum REAL NOT NULL, told INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (object, origin, text, first_seen)) WITHOUT ROWID;
CREATE TABLE possibly_same (
    a INTEGER NOT NULL REFERENCES object ON DELETE CASCADE,
    b INTEGER NOT NULL REFERENCES object ON DELETE CASCADE,
    score REAL NOT NULL, PRIMARY KEY (a, b), CHECK (a < b)) WITHOUT ROWID;
CREATE INDEX possibly_same_b ON possibly_same (b);

CREATE TABLE evidence (
    object INTEGER NOT NULL REFERENCES object ON DELETE CASCADE,
    observation INTEGER NOT NULL REFERENCES observation ON DELETE CASCADE,
    "start" INTEGER NOT NULL, "end" INTEGER NOT NULL, confidence REAL NOT NULL,
    PRIMARY KEY (object, observation)) WITHOUT ROWID;
CREATE INDEX evidence_observation ON evidence (observation);
CREATE TABLE relation (
    subject INTEGER NOT NULL REFERENCES object ON DELETE CASCADE, predicate TEXT NOT NULL,
    object INTEGER NOT NULL REFERENCES object ON DELETE CASCADE, origin INTEGER NOT NULL,
    location TEXT NOT NULL DEFAULT '',
    count INTEGER NOT NULL, first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL,
    confidence_sum REAL NOT NULL,
    observation INTEGER REFERENCES observation ON DELETE SET NULL,
    "start" INTEGER NOT NULL, "end" INTEGER NOT NULL,
    PRIMARY KEY (subject, predicate, object, origin)) WITHOUT ROWID;
CREATE INDEX relation_object ON relation (object);
CREATE INDEX relation_observation ON relation (observation);
"""

_CHANGES = """
CREATE INDEX attribute_state ON attribute (first_seen) WHERE state <> '';
CREATE INDEX attribute_news ON attribute (first_seen) WHERE told = 0;
CREATE INDEX object_gone ON object (gone) WHERE gone <> 0;
"""

_ONCE = """
CREATE INDEX object_once ON object (last_seen) WHERE times_seen = 1;
"""

# How far an object is to be believed: that one of its captions is right (up to four count), and that it is
# still there. The index finds the best among thousands of things that look alike.
_TRUST = """
ALTER TABLE object ADD COLUMN doubt REAL AS (1.0 - min(1.0, confidence_sum / times_seen));
ALTER TABLE object ADD COLUMN trust REAL AS (round((1.0 - 0.3 * CASE times_seen
    WHEN 1 THEN doubt WHEN 2 THEN doubt * doubt WHEN 3 THEN doubt * doubt * doubt
    ELSE doubt * doubt * doubt * doubt END) * CASE WHEN gone <> 0 THEN 0.9 ELSE 1.0 END, 2));
CREATE INDEX object_look ON object (label, attributes, trust, last_seen);
DROP INDEX object_head;
"""

# What is in a room is found without reading its things. An object is in one of the two indices.
_IN_ROOM = """
DROP INDEX object_home;
CREATE INDEX object_home ON object (home, head, gone, trust, last_seen) WHERE home IS NOT NULL;
CREATE INDEX object_homeless ON object (place, head, gone, trust, last_seen) WHERE home IS NULL;
"""

# Every image of the last week, also those whose caption nothing cites any more: a bag that is played again
# adds nothing.
_IMAGES = """
CREATE TABLE image (
    stamp INTEGER NOT NULL, camera TEXT NOT NULL, origin INTEGER NOT NULL,
    PRIMARY KEY (stamp, camera, origin)) WITHOUT ROWID;
INSERT INTO image SELECT DISTINCT stamp, camera, origin FROM observation;
"""

# Entry i brings a file from version i to i + 1; a released entry never changes.
MIGRATIONS: tuple[str, ...] = (_FIRST, _CHANGES, _ONCE, _TRUST, _IN_ROOM, _IMAGES)
VERSION = len(MIGRATIONS)

# Children first, so that emptying them fires no cascade.
TABLES = (
    "relation", "evidence", "possibly_same", "attribute", "tally", "object_alias", "object", "observation",
    "image", "room_vote", "visit", "place_alias", "place", "origin",
)  # fmt: skip
