-- A log that is not kept for ever loses its oldest events; its positions and revisions go on all the
-- same, so what was destroyed leaves behind how far it went.

create table pruned (
    id integer primary key check (id = 1),
    position integer not null
) strict;

create table pruned_stream (
    stream integer primary key,
    last_revision integer not null
) strict;
