-- The keys of dossiers, each wrapped by the master key. A key that was destroyed leaves its row,
-- without the key: its events then read as erased, not as damaged.
create table sealing_key (
    key_id    blob primary key,
    subject   text not null,
    category  text not null,
    year      integer not null,
    wrapped   blob,
    erased_at integer, -- microseconds since 1970
    check ((wrapped is null) = (erased_at is not null))
) strict, without rowid;

create unique index live_key on sealing_key (subject, category, year) where erased_at is null;

-- A known text under the master key: tells a wrong master key before anything is written with it.
create table master_check (
    id      integer primary key check (id = 1),
    wrapped blob not null
) strict;
