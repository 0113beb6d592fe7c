//! What is not brought in: files that are cut or altered, and what is not meant for the target. Nothing is
//! written then, and somebody is told where and what to do.

use std::fs;

use replay::{
    log::{Log, LogName},
    moving::{To, export, import},
};

use super::{House, append, events, person, write};

#[tokio::test]
async fn a_file_that_is_cut_is_refused_with_where_and_nothing_is_written() {
    let (house, whole) = exported().await;
    let there = house.place("there");
    for end in (0..whole.len()).step_by(487) {
        let told = refused(&house, &whole[..end]).await;
        let where_and_what = told.contains("the file is cut: it ends within what begins at byte ")
            || told.contains("the file has no end: the export stopped at byte ");
        assert!(where_and_what, "cut at {end}: {told}");
    }
    assert_eq!(events(&there.log).await, [vec![], vec![]]);
}

#[tokio::test]
async fn a_file_with_a_changed_byte_is_refused_with_where_and_nothing_is_written() {
    let (house, whole) = exported().await;
    let there = house.place("there");
    for place in (0..whole.len()).step_by(487) {
        let mut changed = whole.clone();
        changed[place] ^= 0x10;
        let told = refused(&house, &changed).await;
        let known =
            ["the file was altered: what begins at byte ", "the file is cut", "no file that"];
        assert!(known.iter().any(|known| told.contains(known)), "changed at {place}: {told}");
    }
    assert_eq!(events(&there.log).await, [vec![], vec![]]);
}

#[tokio::test]
async fn an_altered_file_is_not_gone_on_with() {
    let (house, mut file) = exported().await;
    let middle = file.len() / 2;
    file[middle] ^= 1;
    fs::write(house.file(), &file).unwrap();
    let here = house.place("here");
    let refused = export(&here.log, To::File(&house.file()), &mut |_, _| ()).await.unwrap_err();
    assert!(format!("{refused:#}").contains("the file was altered"), "{refused:#}");
    assert_eq!(fs::read(house.file()).unwrap(), file);
}

#[tokio::test]
async fn a_log_with_other_events_is_refused_and_stays_as_it_is() {
    let places = House::new();
    for there in places.stops() {
        let (house, _) = exported().await;
        let log = Log::open(&there.log, LogName::School).await.unwrap();
        // The first is that of the file, the second is not.
        append(&log, &[person(0, 0), person(5, 0)]).await;
        log.close().await;
        let access = Log::open(&there.log, LogName::Access).await.unwrap();
        access.close().await;
        let before = events(&there.log).await;
        let refused = import(&house.file(), &there, &mut |_, _| ()).await.unwrap_err();
        let told = format!("{refused:#}");
        assert!(
            told.starts_with("nothing was written: the log of the schools of the target"),
            "{told}"
        );
        let second = format!("its event number 2 (position {})", before[0][1].position);
        assert!(told.contains(&second), "{told}");
        assert_eq!(events(&there.log).await, before);
    }
}

#[tokio::test]
async fn a_log_that_goes_on_after_the_file_is_refused() {
    let places = House::new();
    for there in places.stops() {
        let (house, _) = exported().await;
        house.import(&there).await;
        let log = Log::open(&there.log, LogName::School).await.unwrap();
        append(&log, &[person(77, 0)]).await;
        log.close().await;
        let before = events(&there.log).await;
        let refused = import(&house.file(), &there, &mut |_, _| ()).await.unwrap_err();
        let last = before[0].last().unwrap().position;
        let told = format!("goes on after the end of the file, at position {last}");
        assert!(format!("{refused:#}").contains(&told), "{refused:#}");
        assert_eq!(events(&there.log).await, before);
    }
}

#[tokio::test]
async fn a_place_with_a_server_is_refused_and_can_be_exported() {
    let (house, _) = exported().await;
    let there = house.place("there");
    let (node, running) = house.start(&there).await;
    let refused = import(&house.file(), &there, &mut |_, _| ()).await.unwrap_err();
    assert!(format!("{refused:#}").contains("already open elsewhere"), "{refused:#}");
    node.stop(running).await;

    let here = house.place("here");
    let log = Log::open(&here.log, LogName::School).await.unwrap();
    append(&log, &[person(77, 0)]).await;
    assert_eq!(house.export(&here).await.written, 1);
    log.close().await;
}

#[tokio::test]
async fn a_file_of_another_log_is_not_gone_on_with() {
    let (house, file) = exported().await;
    let other = house.place("other");
    let log = Log::open(&other.log, LogName::School).await.unwrap();
    append(&log, &[person(99, 0)]).await;
    log.close().await;
    Log::open(&other.log, LogName::Access).await.unwrap().close().await;
    let refused = export(&other.log, To::File(&house.file()), &mut |_, _| ()).await.unwrap_err();
    assert!(format!("{refused:#}").contains("this file is of another log"), "{refused:#}");
    assert_eq!(fs::read(house.file()).unwrap(), file);
}

/// A file of forty events and three pages.
async fn exported() -> (House, Vec<u8>) {
    let house = House::new();
    let here = house.place("here");
    write(&here.log, 0, 40).await;
    house.export(&here).await;
    let file = fs::read(house.file()).unwrap();
    (house, file)
}

/// What is told when these bytes are brought into an empty place.
async fn refused(house: &House, bytes: &[u8]) -> String {
    let (file, there) = (house.folder.path().join("broken.preau"), house.place("there"));
    fs::write(&file, bytes).unwrap();
    format!("{:#}", import(&file, &there, &mut |_, _| ()).await.unwrap_err())
}
