-- Both logs of a node, told apart by `log`: 1 what happened in the schools, 2 who read what.

-- Where each log ends. Whoever writes holds its row locked until the commit, so that positions
-- become readable in their order and none is left out.
create table preau.head (
    log smallint primary key,
    position bigint not null,
    stream bigint not null
);

insert into preau.head (log, position, stream) values (1, 0, 0), (2, 0, 0);

-- Names are long and repeated; everything else knows a stream by its number. Of a stream that lost
-- its oldest events, `pruned_revision` is the last one of these.
create table preau.stream (
    log smallint not null,
    stream bigint not null,
    name text collate "C" not null,
    pruned_revision bigint,
    primary key (log, stream),
    unique (log, name)
);

-- Cut by position, so that a large log can be laid on several disks and an old part of it be kept
-- elsewhere: docs/operations.md tells how. No index on ids: they are random, and (stream, revision)
-- already says what was appended.
create table preau.event (
    log smallint not null,
    position bigint not null,
    stream bigint not null,
    revision bigint not null,
    id uuid not null,
    header bytea not null,
    payload bytea not null,
    primary key (log, position)
) partition by list (log);

-- Sealed contents do not shrink.
alter table preau.event alter column payload set storage external;

create index event_of_stream on preau.event (log, stream, revision);

create table preau.event_school partition of preau.event for values in (1) partition by range (position);
create table preau.event_access partition of preau.event for values in (2) partition by range (position);
create table preau.event_school_1 partition of preau.event_school
    for values from (minvalue) to (maxvalue);
create table preau.event_access_1 partition of preau.event_access
    for values from (minvalue) to (maxvalue);

-- The writer knows where streams stand; should it ever be wrong, a partition still says no.
create unique index event_school_1_revision on preau.event_school_1 (stream, revision);
create unique index event_access_1_revision on preau.event_access_1 (stream, revision);
