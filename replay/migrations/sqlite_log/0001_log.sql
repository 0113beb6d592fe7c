-- One log. Events wait in `event`, one row each, until they are old; then they are packed.

-- Names are long and repeated; everything else knows a stream by its number.
create table stream (
    stream integer primary key,
    name text not null unique
) strict;

-- No index on ids: they are random, and (stream, revision) already says what was appended.
create table event (
    position integer primary key,
    stream integer not null,
    revision integer not null,
    id blob not null,
    header blob not null,
    payload blob not null
) strict;

create unique index event_of_stream on event (stream, revision);

-- Old events, many to a row: the form of `data` is told in log/sqlite/segments.rs.
create table segment (
    last_position integer primary key,
    first_position integer not null,
    events integer not null,
    data blob not null
) strict;

-- In which segments the packed events of a stream are.
create table segment_stream (
    stream integer not null,
    segment integer not null,
    first_revision integer not null,
    last_revision integer not null,
    primary key (stream, segment)
) strict, without rowid;
