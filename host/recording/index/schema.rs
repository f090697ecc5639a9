//! The tables of the index.
//!
//! ```text
//! asset    a recording: its store ('local' is the directory store), its name, the node that records into it
//!          ('INSTANCE/NODE'), when it was made
//! epoch    one uninterrupted stretch of one writer: host, counter, when it was opened, its init segments
//! segment  one immutable file: where its tracks lie in it, its fragments, its state; `folder` is where the cache has it
//! gap      a stretch of an asset that is not there, and why
//! unlisted days whose playlists are not as they shall stay; `change` counts what has come or gone since it is there
//! garbage  files that nothing refers to any more and that may still be on the disk
//! place    a folder that sinks cache below, and the id of the volume that it is on
//! fact     what was done once
//! writer   an asset that has media in memory: what a crash costs it
//! removal  objects that nothing refers to any more and that a store may still have
//! sighting something that was seen in an asset without a break: `track` is empty when nobody has named it, `area` is where it was
//!          when it was seen best
//! hold     a stretch of an asset that nothing may remove: by store and name, since it may be there before its asset is; who
//!          holds it, why, since when, and until when
//! ```
//! Times of media are ticks of 90 kHz since the Unix epoch; times of the host are microseconds since then.

pub(super) const MIGRATIONS: &[&str] = &[
    // 1: assets, epochs, segments, gaps, garbage.
    "CREATE TABLE asset (
        id INTEGER PRIMARY KEY,
        store TEXT NOT NULL,
        name TEXT NOT NULL,
        owner TEXT NOT NULL,
        created INTEGER NOT NULL,
        held INTEGER NOT NULL DEFAULT 0,
        UNIQUE (store, name)
    ) STRICT;
    CREATE TABLE epoch (
        id INTEGER PRIMARY KEY,
        asset INTEGER NOT NULL REFERENCES asset (id) ON DELETE CASCADE,
        host TEXT NOT NULL,
        counter INTEGER NOT NULL,
        opened INTEGER NOT NULL,
        video BLOB,
        audio BLOB,
        UNIQUE (asset, host, counter)
    ) STRICT;
    CREATE TABLE segment (
        id INTEGER PRIMARY KEY,
        asset INTEGER NOT NULL REFERENCES asset (id) ON DELETE CASCADE,
        epoch INTEGER NOT NULL REFERENCES epoch (id) ON DELETE CASCADE,
        opened INTEGER NOT NULL,
        start INTEGER NOT NULL,
        ends INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        video BLOB NOT NULL,
        audio BLOB,
        fragments BLOB NOT NULL,
        sha256 BLOB NOT NULL,
        state INTEGER NOT NULL,
        folder TEXT,
        kept INTEGER NOT NULL,
        UNIQUE (epoch, start)
    ) STRICT;
    CREATE INDEX segment_in_order ON segment (asset, start);
    CREATE INDEX segment_waiting ON segment (opened, start) WHERE state = 1;
    CREATE INDEX segment_in_folder ON segment (folder, opened, start) WHERE folder IS NOT NULL;
    CREATE TABLE gap (
        id INTEGER PRIMARY KEY,
        asset INTEGER NOT NULL REFERENCES asset (id) ON DELETE CASCADE,
        start INTEGER NOT NULL,
        ends INTEGER NOT NULL,
        reason TEXT NOT NULL,
        fragments INTEGER NOT NULL,
        units INTEGER NOT NULL,
        noted INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX gap_in_order ON gap (asset, start);
    CREATE TABLE garbage (path TEXT PRIMARY KEY NOT NULL) STRICT;
    CREATE TABLE place (
        path TEXT PRIMARY KEY NOT NULL,
        volume TEXT NOT NULL,
        apart INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE fact (name TEXT PRIMARY KEY NOT NULL, noted INTEGER NOT NULL) STRICT;",
    // 2: days whose playlists shall be written again; what waits, by age whoever recorded it.
    "CREATE TABLE unlisted (
        asset INTEGER NOT NULL REFERENCES asset (id) ON DELETE CASCADE,
        day INTEGER NOT NULL,
        change INTEGER NOT NULL DEFAULT 1,
        PRIMARY KEY (asset, day)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX segment_oldest ON segment (start, id) WHERE state = 1;",
    // 3: retention: what is the oldest, how large an asset is, what a store must let go.
    "DROP INDEX segment_in_order;
    CREATE INDEX segment_in_order ON segment (asset, start, ends, bytes);
    CREATE INDEX segment_by_age ON segment (start);
    CREATE TABLE removal (
        store TEXT NOT NULL,
        asset TEXT NOT NULL,
        name TEXT NOT NULL,
        PRIMARY KEY (store, asset, name)
    ) STRICT, WITHOUT ROWID;",
    // 4: who writes.
    "CREATE TABLE writer (
        asset INTEGER PRIMARY KEY REFERENCES asset (id) ON DELETE CASCADE,
        since INTEGER NOT NULL,
        folder TEXT NOT NULL
    ) STRICT;",
    // 5: what was seen.
    "CREATE TABLE sighting (
        id INTEGER PRIMARY KEY,
        asset INTEGER NOT NULL REFERENCES asset (id) ON DELETE CASCADE,
        label TEXT NOT NULL COLLATE NOCASE,
        track TEXT NOT NULL,
        first INTEGER NOT NULL,
        last INTEGER NOT NULL,
        best INTEGER NOT NULL,
        confidence INTEGER NOT NULL,
        area BLOB NOT NULL,
        count INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX sighting_of_thing ON sighting (asset, label, track, last);
    CREATE INDEX sighting_of_asset ON sighting (asset, last);
    CREATE INDEX sighting_in_order ON sighting (first, id);
    CREATE INDEX sighting_by_label ON sighting (label, first, id);",
    // 6: what is held is a stretch with a reason, no longer a mark of an asset.
    "CREATE TABLE hold (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        store TEXT NOT NULL,
        asset TEXT NOT NULL,
        start INTEGER NOT NULL,
        ends INTEGER NOT NULL,
        reason TEXT NOT NULL,
        who TEXT NOT NULL,
        since INTEGER NOT NULL,
        until INTEGER
    ) STRICT;
    CREATE INDEX hold_of_asset ON hold (store, asset, start, ends);
    INSERT INTO hold (store, asset, start, ends, reason, who, since)
        SELECT store, name, 0, 9223372036854775807, 'held since an earlier version', '', created
        FROM asset WHERE held;
    ALTER TABLE asset DROP COLUMN held;",
];
