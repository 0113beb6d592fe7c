//! What a file says of itself, and that no changed byte of it is believed.

use uuid::Uuid;

use super::*;

#[test]
fn a_file_reads_back_as_it_was_written_and_goes_on_after_its_end() {
    let (mut file, chain) = written();
    let mut more = Writer::go_on(&mut file, chain);
    more.event(LogName::School, &event(9, "later")).unwrap();
    let (_, chain) = more.end().unwrap();

    let mut reader = Reader::begin(file.as_slice()).unwrap();
    let mut read = Vec::new();
    while let Some((name, event)) = reader.next().unwrap() {
        read.push((name, event.position));
    }
    let (school, access) = (LogName::School, LogName::Access);
    assert_eq!(read, [(school, 1), (school, 7), (access, 1), (school, 9)]);
    assert_eq!(reader.chain().shown(), chain.shown());
    assert_eq!(reader.chain().ends().of(school).events, 3);
}

#[test]
fn an_end_that_is_there_already_is_not_written_again() {
    let (mut file, chain) = written();
    let length = file.len();
    Writer::go_on(&mut file, chain).end().unwrap();
    assert_eq!(file.len(), length);
}

#[test]
fn a_file_that_is_cut_is_refused_at_every_byte() {
    let (file, _) = written();
    for end in 0..file.len() {
        let broken = read(&file[..end]).unwrap_err();
        let (Broken::Cut { at, .. } | Broken::NoEnd { at, .. }) = broken else {
            panic!("cut at {end}: {broken}");
        };
        assert!(at <= end as u64, "cut at {end}: {at}");
    }
    assert_eq!(read(&file).unwrap(), 3);
}

#[test]
fn a_file_with_a_changed_bit_is_refused_at_every_byte_and_told_where() {
    let (file, _) = written();
    for place in 0..file.len() {
        for bit in 0..8 {
            let mut changed = file.clone();
            changed[place] ^= 1 << bit;
            match read(&changed).unwrap_err() {
                Broken::Altered { at, .. } | Broken::Cut { at, .. } => {
                    assert!(at <= place as u64, "{place}: {at}");
                }
                Broken::NotOurs | Broken::Later(_) => assert!(place < 100, "{place}"),
                other @ (Broken::NoEnd { .. } | Broken::File(_)) => panic!("{place}: {other}"),
            }
        }
    }
}

#[test]
fn two_events_in_another_order_are_refused() {
    let mut swapped = Vec::new();
    let (chain, line) = Chain::begin(&title()).unwrap();
    swapped.extend(&line);
    let first = line.len();
    let mut writer = Writer::go_on(&mut swapped, chain);
    writer.event(LogName::School, &event(1, "aa")).unwrap();
    writer.event(LogName::School, &event(2, "bb")).unwrap();
    writer.end().unwrap();
    let length = HEAD_BYTES + 6 + 2 + LINK_BYTES;
    swapped[first..first + 2 * length].rotate_left(length);
    assert!(matches!(read(&swapped), Err(Broken::Altered { events: 0, .. })));
}

#[test]
fn what_a_later_program_wrote_is_named_as_such_and_other_files_are_not_ours() {
    let later = b"{\"format\":\"preau-logs\",\"version\":2,\"new\":1}\n";
    assert!(matches!(read(later), Err(Broken::Later(2))));
    for other in ["\n", "{}\n", "a letter\nto the parents\n", "{\"format\":1}\n"] {
        assert!(matches!(read(other.as_bytes()), Err(Broken::NotOurs)), "{other}");
    }
}

#[test]
fn the_digest_of_a_log_is_the_same_at_other_positions_and_not_of_other_parts() {
    let digest = |position, header: &str, payload: &str| {
        let mut tally = Tally::new();
        tally.add(position, header.as_bytes(), payload.as_bytes());
        tally.end().sha256
    };
    assert_eq!(digest(1, "ab", "c"), digest(900, "ab", "c"));
    assert_ne!(digest(1, "ab", "c"), digest(1, "a", "bc"));
}

fn written() -> (Vec<u8>, Chain) {
    let mut file = Vec::new();
    let mut writer = Writer::begin(&mut file, title().first).unwrap();
    writer.event(LogName::School, &event(1, "sealed")).unwrap();
    writer.event(LogName::School, &event(7, "")).unwrap();
    writer.event(LogName::Access, &event(1, "a page")).unwrap();
    let (_, chain) = writer.end().unwrap();
    (file, chain)
}

/// How many events there are.
fn read(file: &[u8]) -> Result<u64, Broken> {
    let mut reader = Reader::begin(file)?;
    while reader.next()?.is_some() {}
    Ok(reader.chain().events())
}

fn event(position: u64, payload: &str) -> StoredEvent {
    let (header, payload) = ("header".into(), payload.to_owned().into());
    StoredEvent { position, header, payload }
}

fn title() -> Title {
    Title { format: Format::Logs, version: VERSION, first: EventId(Uuid::from_u128(7)) }
}
