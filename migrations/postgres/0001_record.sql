-- The record. Rows are only ever added. The triggers are ENABLE ALWAYS: an ordinary trigger sleeps while
-- session_replication_role is 'replica'.

CREATE TABLE record (
    id        bytea PRIMARY KEY CHECK (octet_length(id) = 16 AND get_byte(id, 6) >> 4 = 7),
    kind      text NOT NULL CHECK (char_length(kind) BETWEEN 1 AND 32),
    time_us   bigint NOT NULL,
    stored_us bigint NOT NULL,
    service   text CHECK (char_length(service) BETWEEN 1 AND 64),
    digest    bytea NOT NULL CHECK (octet_length(digest) = 32),
    bytes     bigint NOT NULL CHECK (bytes > 0)
);

-- The exact bytes, apart from the columns: lists do not read them, and they can have a life of their own.
CREATE TABLE payload (
    record_id bytea PRIMARY KEY REFERENCES record (id),
    body      bytea NOT NULL CHECK (octet_length(body) > 0)
);

-- The cards a prediction shows.
CREATE TABLE card (
    id        bytea PRIMARY KEY CHECK (octet_length(id) = 16),
    record_id bytea NOT NULL REFERENCES record (id)
);
CREATE INDEX card_record ON card (record_id);

-- What a record refers to. A target may be unknown here: feedback about a card that was never recorded is kept.
CREATE TABLE link (
    record_id bytea NOT NULL REFERENCES record (id),
    target    bytea NOT NULL CHECK (octet_length(target) = 16),
    about     text NOT NULL CHECK (about IN ('card', 'record')),
    PRIMARY KEY (record_id, about, target)
);
CREATE INDEX link_target ON link (target);

CREATE FUNCTION records_are_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'records are never changed or deleted: % on %', TG_OP, TG_TABLE_NAME;
END
$$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON record
    FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payload
    FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON card
    FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON link
    FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();

ALTER TABLE record ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE payload ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE card ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE link ENABLE ALWAYS TRIGGER append_only;
