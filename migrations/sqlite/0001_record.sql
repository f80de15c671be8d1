-- The record. Rows are only ever added: triggers refuse everything else, and REPLACE, which would delete a row without
-- asking the trigger for deletions.

CREATE TABLE record (
    id        BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16 AND substr(hex(id), 13, 1) = '7'),
    kind      TEXT NOT NULL CHECK (length(kind) BETWEEN 1 AND 32),
    time_us   INTEGER NOT NULL,
    stored_us INTEGER NOT NULL,
    service   TEXT CHECK (length(service) BETWEEN 1 AND 64),
    digest    BLOB NOT NULL CHECK (length(digest) = 32),
    bytes     INTEGER NOT NULL CHECK (bytes > 0)
) STRICT, WITHOUT ROWID;

-- The exact bytes, apart from the columns: lists do not read them, and they can have a life of their own.
CREATE TABLE payload (
    record_id BLOB NOT NULL PRIMARY KEY REFERENCES record (id),
    body      BLOB NOT NULL CHECK (length(body) > 0)
) STRICT;

-- The cards a prediction shows.
CREATE TABLE card (
    id        BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    record_id BLOB NOT NULL REFERENCES record (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX card_record ON card (record_id);

-- What a record refers to. A target may be unknown here: feedback about a card that was never recorded is kept.
CREATE TABLE link (
    record_id BLOB NOT NULL REFERENCES record (id),
    target    BLOB NOT NULL CHECK (length(target) = 16),
    about     TEXT NOT NULL CHECK (about IN ('card', 'record')),
    PRIMARY KEY (record_id, about, target)
) STRICT, WITHOUT ROWID;
CREATE INDEX link_target ON link (target);

CREATE TRIGGER record_no_update BEFORE UPDATE ON record BEGIN SELECT RAISE(ABORT, 'records are never changed'); END;
CREATE TRIGGER record_no_delete BEFORE DELETE ON record BEGIN SELECT RAISE(ABORT, 'records are never deleted'); END;
CREATE TRIGGER record_no_replace BEFORE INSERT ON record
WHEN EXISTS (SELECT 1 FROM record WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'a record with this id is stored'); END;

CREATE TRIGGER payload_no_update BEFORE UPDATE ON payload BEGIN SELECT RAISE(ABORT, 'records are never changed'); END;
CREATE TRIGGER payload_no_delete BEFORE DELETE ON payload BEGIN SELECT RAISE(ABORT, 'records are never deleted'); END;
CREATE TRIGGER payload_no_replace BEFORE INSERT ON payload
WHEN EXISTS (SELECT 1 FROM payload WHERE record_id = NEW.record_id OR rowid = NEW.rowid)
BEGIN SELECT RAISE(ABORT, 'a body for this record is stored'); END;

CREATE TRIGGER card_no_update BEFORE UPDATE ON card BEGIN SELECT RAISE(ABORT, 'records are never changed'); END;
CREATE TRIGGER card_no_delete BEFORE DELETE ON card BEGIN SELECT RAISE(ABORT, 'records are never deleted'); END;
CREATE TRIGGER card_no_replace BEFORE INSERT ON card
WHEN EXISTS (SELECT 1 FROM card WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'a card with this id is stored'); END;

CREATE TRIGGER link_no_update BEFORE UPDATE ON link BEGIN SELECT RAISE(ABORT, 'records are never changed'); END;
CREATE TRIGGER link_no_delete BEFORE DELETE ON link BEGIN SELECT RAISE(ABORT, 'records are never deleted'); END;
CREATE TRIGGER link_no_replace BEFORE INSERT ON link
WHEN EXISTS (SELECT 1 FROM link WHERE record_id = NEW.record_id AND about = NEW.about AND target = NEW.target)
BEGIN SELECT RAISE(ABORT, 'this link is stored'); END;
