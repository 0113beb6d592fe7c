-- What people sign in with, each wrapped by the master key and bound to its account and kind.
create table secret (
    account blob not null,
    kind    text not null,
    wrapped blob not null,
    primary key (account, kind)
) strict, without rowid;

-- Login names, unique in the region. The file holds no name: only a keyed hash to find it by, and
-- the name itself, wrapped.
create table login (
    digest  blob primary key,
    account blob not null unique,
    wrapped blob not null
) strict, without rowid;
