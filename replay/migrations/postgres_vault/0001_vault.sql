-- The keys of dossiers, each wrapped by the master key. A key that was destroyed leaves its row,
-- without the key: its events then read as erased, not as damaged.
create table preau_vault.sealing_key (
    key_id    uuid primary key,
    subject   text collate "C" not null,
    category  text collate "C" not null,
    year      integer not null,
    wrapped   bytea,
    erased_at timestamptz,
    check ((wrapped is null) = (erased_at is not null))
);

create unique index live_key on preau_vault.sealing_key (subject, category, year)
    where erased_at is null;

-- What was destroyed lately is asked for by every node, again and again.
create index erased_key on preau_vault.sealing_key (erased_at) where erased_at is not null;

-- A known text under the master key: tells a wrong master key before anything is written with it.
create table preau_vault.master_check (
    id      integer primary key check (id = 1),
    wrapped bytea not null
);

-- What people sign in with, each wrapped by the master key and bound to its account and kind.
create table preau_vault.secret (
    account uuid not null,
    kind    text collate "C" not null,
    wrapped bytea not null,
    primary key (account, kind)
);

-- Login names, unique in the region. The database holds no name: only a keyed hash to find it by,
-- and the name itself, wrapped.
create table preau_vault.login (
    digest  bytea primary key,
    account uuid not null unique,
    wrapped bytea not null
);
