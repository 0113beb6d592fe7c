//! An import whose process is killed, again and again, is gone on with by the next.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
};

use futures_util::future::join_all;
use replay::{
    log::{Expected, Log, LogName, StreamAppend},
    place::LogUrl,
};

use super::{House, bytes, events, person};
use tests::postgres::Server;

use crate::demo::binary;

const EVENTS: u64 = 20_000;

/// What must be in the log before each kill.
const KILLED_AT: [u64; 5] = [1, 3_000, 6_000, 9_000, 15_000];

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_killed_again_and_again_ends_with_the_same_log() {
    let (house, binary) = (House::new(), binary());
    let here = house.place("here");
    write_many(&here.log).await;
    house.export(&here).await;
    // Where positions count events, so that one sees how far it is.
    let dense = house.urls().into_iter().filter(|url| !url.starts_with("esdb"));
    for (n, url) in dense.enumerate().take(2) {
        let there = house.place_at(n, &url);
        for at in KILLED_AT {
            let mut import = start(&binary, &url, [&*there.folder, &house.file()]);
            let whole = loop {
                if head(&there.log).await >= at {
                    break false;
                }
                if import.try_wait().unwrap().is_some() {
                    break true;
                }
            };
            assert!(!whole, "it ended before it had written {at} events");
            import.kill().unwrap();
            import.wait().unwrap();
        }
        let output =
            start(&binary, &url, [&*there.folder, &house.file()]).wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(told["school"]["events"], EVENTS);
        assert!(told["school"]["found"].as_u64().unwrap() >= KILLED_AT[4], "{told}");
        assert_eq!(bytes(&events(&here.log).await), bytes(&events(&there.log).await));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_whose_database_is_killed_is_gone_on_with_or_the_broken_order_is_told() {
    let Some(server) = Server::start() else { return };
    let (house, binary, url) = (House::new(), binary(), server.database());
    let (here, there) = (house.place("here"), house.place_at(1, &url));
    write_many(&here.log).await;
    house.export(&here).await;
    let data_and_file = [&*there.folder, &house.file()];
    let mut import = start(&binary, &url, data_and_file);
    while head(&there.log).await < KILLED_AT[1] {
        assert!(import.try_wait().unwrap().is_none(), "it ended by itself");
    }
    server.kill();
    server.start_again();
    // It may have had a commit under way or not.
    let first = import.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&first.stderr);
    assert!(first.status.success() || told.contains("import again, it goes on"), "{told}");
    let again = start(&binary, &url, data_and_file).wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&again.stderr);
    if again.status.success() {
        assert_eq!(bytes(&events(&here.log).await), bytes(&events(&there.log).await));
    } else {
        assert!(told.contains("nothing was written: the log of the schools"), "{told}");
        assert!(told.contains("name an empty target"), "{told}");
    }
}

/// Twenty thousand events of as many people.
async fn write_many(url: &LogUrl) {
    let log = Log::open(url, LogName::School).await.unwrap();
    let appends = (0..EVENTS).map(|n| {
        let (stream, _, event) = person(n.into(), 0);
        log.append(StreamAppend { stream, expected: Expected::NoStream, events: vec![event] })
    });
    for appended in join_all(appends).await {
        appended.unwrap();
    }
    log.close().await;
    Log::open(url, LogName::Access).await.unwrap().close().await;
}

fn start(binary: &str, url: &str, data_and_file: [&Path; 2]) -> Child {
    Command::new(binary)
        .args(["import-log", "--json", "--log", url, "--data"])
        .args(data_and_file)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// How many events there are, as far as another process sees it.
async fn head(url: &LogUrl) -> u64 {
    match Log::open_to_read(url, LogName::School).await {
        Ok(log) => {
            let head = log.head().await;
            log.close().await;
            head.unwrap_or(0)
        }
        // It is not there yet.
        Err(_) => 0,
    }
}
