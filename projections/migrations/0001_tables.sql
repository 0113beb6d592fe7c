-- Read models: what people see, folded from the log. Every table keeps its rows as one JSON document
-- (`row`), beside copies of the fields that rows are found by. All of it can be deleted: it is
-- folded again from the log.

-- How far in the log these tables have read, by which folds, and whether they may be served.
create table checkpoint (
    only_row integer primary key check (only_row = 1),
    position integer not null,
    folds text not null,
    complete integer not null
);

insert into checkpoint values (1, 0, '', false);

-- Events that could not be read, and those that queue behind them.
create table parked (
    position integer primary key,
    stream text,
    reason text not null,
    later integer not null
);

create table school (school text primary key, row text not null) without rowid;

create table person (person text primary key, row text not null) without rowid;
-- Whoever has a child in a second school is found there by how to reach them.
create index person_by_mail on person (lower(row ->> '$.details.mail'))
    where lower(row ->> '$.details.mail') is not null;
create index person_by_mobile on person (row ->> '$.details.mobile')
    where row ->> '$.details.mobile' is not null;

-- Which school registered a person.
create table registration (
    person text primary key,
    school text not null,
    row text not null
) without rowid;

-- Who learns and who works in which school.
create table enrolment (
    school text not null,
    person text not null,
    part text not null,
    row text not null,
    primary key (school, person)
) without rowid;
create index enrolment_by_person on enrolment (person);
create index enrolment_by_part on enrolment (school, part, person);

-- The numbers that people are known by; `school` is empty for the nation's.
create table identifier (
    scheme text not null,
    school text not null,
    value text not null,
    row text not null,
    primary key (scheme, school, value)
) without rowid;
create index identifier_by_value on identifier (scheme, value);

-- Accounts, with the mandates given to their person.
create table account (person text primary key, row text not null) without rowid;

-- Who may sign in through an identity provider.
create table identity (
    provider text not null,
    subject text not null,
    row text not null,
    primary key (provider, subject)
) without rowid;

create table guardian (
    student text not null,
    guardian text not null,
    row text not null,
    primary key (student, guardian)
) without rowid;
create index guardian_by_guardian on guardian (guardian);

create table class (class text primary key, school text not null, row text not null) without rowid;
create index class_by_school on class (school);

create table class_member (
    class text not null,
    student text not null,
    row text not null,
    primary key (class, student)
) without rowid;
create index class_member_by_student on class_member (student);

create table class_teacher (
    class text not null,
    teacher text not null,
    row text not null,
    primary key (class, teacher)
) without rowid;
create index class_teacher_by_teacher on class_teacher (teacher);

create table course (
    course text primary key,
    school text not null,
    class text not null,
    row text not null
) without rowid;
create index course_by_class on course (class);
create index course_by_school on course (school);

-- Everybody who ever gave a lesson of a course, substitutes too.
create table course_teacher (
    teacher text not null,
    course text not null,
    row text not null,
    primary key (teacher, course)
) without rowid;

-- With rowids: its rows are long, and would not fit into the pages of an index.
create table roll_call (
    lesson text primary key,
    school text not null,
    date text not null,
    row text not null
);
create index roll_call_by_date on roll_call (school, date);

-- The lines of the students' attendance files.
create table attendance_line (
    student text not null,
    year integer not null,
    line text not null,
    school text not null,
    starts text not null,
    ends text not null,
    row text not null,
    primary key (student, year, line)
) without rowid;
create index attendance_line_by_school on attendance_line (school, starts);
create index attendance_line_by_end on attendance_line (school, ends);

-- What families are told of absences.
create table alert (
    school text not null,
    student text not null,
    date text not null,
    half text not null,
    changed text not null,
    row text not null,
    primary key (school, student, date, half)
);
create index alert_by_date on alert (date, school);
create index alert_by_change on alert (changed);

-- Which alerts a message speaks of, and what its provider calls it; empty while that is not known.
create table alert_message (
    message text not null,
    school text not null,
    student text not null,
    date text not null,
    half text not null,
    reference text not null,
    row text not null,
    primary key (message, school, student, date, half)
) without rowid;
create index alert_message_by_reference on alert_message (reference) where reference <> '';

-- How far the board of each school has changed.
create table board_change (
    school text primary key,
    changed text not null,
    row text not null
) without rowid;

-- What the law asks for when a student's absences repeat themselves.
create table follow_up (
    school text not null,
    student text not null,
    day text not null,
    step text not null,
    standing text not null,
    row text not null,
    primary key (school, student, day, step)
);
create index follow_up_by_standing on follow_up (school, standing);
