//! The double as its client sees it, while nothing fails: the official client, as Préau uses it.

use kurrentdb::{
    AppendToStreamOptions, BatchAppendClient, BatchWriteResult, Client, ClientSettings, Error,
    EventData, Position, ReadAllOptions, ReadStream, ReadStreamOptions, RecordedEvent,
    StreamMetadataBuilder, StreamPosition, StreamState, SubscriptionFilter,
};
use serde_json::json;
use uuid::Uuid;

use super::{Double, records::APPEND_MAX_BYTES};

#[tokio::test]
async fn a_stream_takes_what_follows_on_what_its_writer_knew() {
    let double = Double::start();
    let batch = batches(&client(&double)).await;
    let first = append(&batch, "roll", StreamState::NoStream, &[1, 2]).await.unwrap();
    assert_eq!((first.stream_name(), first.current_revision()), ("roll", Some(1)));
    let then = append(&batch, "roll", StreamState::StreamRevision(1), &[3]).await.unwrap();
    assert_eq!(then.current_revision(), Some(2));
    append(&batch, "roll", StreamState::StreamExists, &[4]).await.unwrap();
    append(&batch, "roll", StreamState::Any, &[5]).await.unwrap();
    let positions: Vec<u64> = of(&double, "roll").iter().map(|(_, position)| *position).collect();
    assert!(positions.is_sorted_by(|one, next| one + 1 < *next), "{positions:?}");
    assert_eq!(then.current_position(), Some(at(positions[2])));
}

#[tokio::test]
async fn a_conflict_does_not_say_where_the_stream_is() {
    let double = Double::start();
    let client = client(&double);
    append(&batches(&client).await, "roll", StreamState::NoStream, &[1, 2]).await.unwrap();
    for wrong in
        [StreamState::NoStream, StreamState::StreamRevision(0), StreamState::StreamRevision(5)]
    {
        // The connection of batches is over after a refusal, the client's doing: each has its own.
        let refused = append(&batches(&client).await, "roll", wrong, &[9]).await.unwrap_err();
        let Error::Grpc { code, message } = refused else { panic!("{refused:?}") };
        assert_eq!((code as i32, message.as_str()), (6, "WrongExpectedVersion"));
    }
    let exists = append(&batches(&client).await, "void", StreamState::StreamExists, &[9]).await;
    assert!(exists.is_err());
    assert_eq!(ids(&double, "roll"), [1, 2]);
}

#[tokio::test]
async fn a_retry_is_known_by_the_ids_of_its_events_and_answered_as_the_first_time() {
    let double = Double::start();
    let client = client(&double);
    let batch = batches(&client).await;
    let told = |answer: &BatchWriteResult| (answer.current_revision(), answer.current_position());
    let first = append(&batch, "roll", StreamState::NoStream, &[1, 2]).await.unwrap();
    let next = append(&batch, "roll", StreamState::StreamRevision(1), &[3]).await.unwrap();
    let again = append(&batch, "roll", StreamState::NoStream, &[1, 2]).await.unwrap();
    assert_eq!(told(&again), told(&first));
    // What the events say is not looked at.
    let other = vec![event(3, "otherwise")];
    let again = batch.append_to_stream("roll", StreamState::StreamRevision(1), other).await;
    assert_eq!(told(&again.unwrap()), told(&next));
    let again = append(&batch, "roll", StreamState::Any, &[2, 3]).await.unwrap();
    assert_eq!(told(&again), told(&next));

    for partly in [&[1, 7][..], &[1, 3], &[2, 1]] {
        let batch = batches(&client).await;
        assert!(append(&batch, "roll", StreamState::NoStream, partly).await.is_err());
    }
    assert_eq!(ids(&double, "roll"), [1, 2, 3]);
}

#[tokio::test]
async fn a_stream_is_read_both_ways() {
    let double = Double::start();
    let client = client(&double);
    append(&batches(&client).await, "roll", StreamState::NoStream, &[1, 2, 3, 4]).await.unwrap();
    let read = async |options: &ReadStreamOptions| {
        numbers(&read(client.read_stream("roll", options).await.unwrap()).await.unwrap())
    };
    let options = ReadStreamOptions::default;
    let from = |revision| options().position(StreamPosition::Position(revision));
    assert_eq!(read(&options()).await, [1, 2, 3, 4]);
    assert_eq!(read(&options().max_count(2)).await, [1, 2]);
    assert_eq!(read(&from(2)).await, [3, 4]);
    assert_eq!(read(&from(9)).await, [] as [u128; 0]);
    assert_eq!(read(&from(2).backwards()).await, [3, 2, 1]);
    assert_eq!(read(&from(9).backwards().max_count(1)).await, [4]);
    assert_eq!(read(&options().position(StreamPosition::End).max_count(1)).await, [4]);

    let nobody = read_stream_error(&client, "void").await;
    assert!(matches!(nobody, Error::ResourceNotFound), "{nobody:?}");
}

#[tokio::test]
async fn an_event_comes_back_as_it_was_written() {
    let double = Double::start();
    let client = client(&double);
    let said = EventData::binary("Said", "\0data".into()).metadata("about".into());
    let said = said.id(Uuid::from_u128(7));
    let batch = batches(&client).await;
    batch.append_to_stream("école", StreamState::NoStream, vec![said]).await.unwrap();
    let events = client.read_stream("école", &ReadStreamOptions::default()).await.unwrap();
    let events = read(events).await.unwrap();
    let [told] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((told.stream_id(), told.id, told.revision), ("école", Uuid::from_u128(7), 0));
    assert_eq!((told.event_type.as_str(), told.is_json), ("Said", false));
    assert_eq!((&told.data[..], &told.custom_metadata[..]), (&b"\0data"[..], &b"about"[..]));
    assert!(told.created.timestamp() > 1_700_000_000, "{}", told.created);
}

#[tokio::test]
async fn the_log_of_all_streams_holds_what_the_server_says_of_itself() {
    let double = Double::start();
    let client = client(&double);
    let batch = batches(&client).await;
    for n in 1..=12 {
        append(&batch, &format!("roll-{}", n % 3), StreamState::Any, &[n]).await.unwrap();
    }
    let all = all(&client, &ReadAllOptions::default()).await.unwrap();
    let (system, ours): (Vec<_>, Vec<_>) =
        all.iter().partition(|event| event.stream_id().starts_with('$'));
    assert_eq!(
        ours.iter().map(|event| event.id.as_u128()).collect::<Vec<_>>(),
        (1..=12).collect::<Vec<_>>()
    );
    assert!(system.iter().any(|event| event.stream_id().starts_with("$$")));
    // Not only at the beginning: whoever skips them meets them again.
    assert!(system.last().unwrap().position > ours[0].position);
    assert!(all.is_sorted_by(|one, next| one.position < next.position));
    assert!(all.iter().all(|event| event.position.commit == event.position.prepare));
    assert_eq!(all.len(), double.stored().len());
}

#[tokio::test]
async fn the_log_is_read_from_a_position_that_a_record_has() {
    let double = Double::start();
    let client = client(&double);
    append(&batches(&client).await, "roll", StreamState::NoStream, &[1, 2, 3]).await.unwrap();
    let second = of(&double, "roll")[1].1;
    let from = |position| ReadAllOptions::default().position(StreamPosition::Position(position));
    let forwards = all(&client, &from(at(second))).await.unwrap();
    assert_eq!(numbers(&forwards), [2, 3], "forwards, the position itself is the first");
    let backwards = all(&client, &from(at(second)).backwards().max_count(1)).await.unwrap();
    assert_eq!(numbers(&backwards), [1], "backwards, the position is where the last one ended");
    let last = ReadAllOptions::default().position(StreamPosition::End).max_count(2);
    assert_eq!(numbers(&all(&client, &last).await.unwrap()), [3, 2]);
    assert_eq!(all(&client, &from(at(u64::MAX))).await.unwrap().len(), 0);
    assert_eq!(all(&client, &from(at(second + 1_000_000))).await.unwrap().len(), 0);

    for nowhere in [at(second + 1), Position { commit: second, prepare: second + 1 }] {
        let refused = all(&client, &from(nowhere)).await.unwrap_err();
        let Error::Grpc { code, .. } = refused else { panic!("{refused:?}") };
        assert_eq!(code as i32, 3);
    }
}

#[tokio::test]
async fn the_log_is_filtered_by_the_server_and_counted_afterwards() {
    let double = Double::start();
    let client = client(&double);
    let batch = batches(&client).await;
    append(&batch, "preau-a", StreamState::NoStream, &[1, 2]).await.unwrap();
    append(&batch, "other", StreamState::NoStream, &[3]).await.unwrap();
    append(&batch, "preau-b", StreamState::NoStream, &[4]).await.unwrap();
    let read = async |filter: SubscriptionFilter| {
        let options = ReadAllOptions::default().filter(filter).max_count(3);
        numbers(&all(&client, &options).await.unwrap())
    };
    let names = SubscriptionFilter::on_stream_name;
    assert_eq!(read(names().add_prefix("preau-")).await, [1, 2, 4]);
    assert_eq!(read(names().add_prefix("oth").add_prefix("preau-b")).await, [3, 4]);
    assert_eq!(read(names().regex("^preau-[b-z]$")).await, [4]);
    assert_eq!(read(names().exclude_system_events()).await, [1, 2, 3]);
    assert_eq!(read(SubscriptionFilter::on_event_type().add_prefix("Counted")).await, [1, 2, 3]);
}

#[tokio::test]
async fn what_is_truncated_leaves_its_stream_and_stays_in_the_log() {
    let double = Double::start();
    let client = client(&double);
    append(&batches(&client).await, "roll", StreamState::NoStream, &[1, 2, 3, 4]).await.unwrap();
    let read = async || {
        let read = client.read_stream("roll", &ReadStreamOptions::default()).await.unwrap();
        numbers(&self::read(read).await.unwrap())
    };
    let options = AppendToStreamOptions::default();
    let before = StreamMetadataBuilder::new().truncate_before(2).build();
    client.set_stream_metadata("roll", &options, &before).await.unwrap();
    assert_eq!(read().await, [3, 4]);
    let count = StreamMetadataBuilder::new().max_count(1).build();
    client.set_stream_metadata("roll", &options, &count).await.unwrap();
    assert_eq!(read().await, [4]);
    append(&batches(&client).await, "roll", StreamState::StreamRevision(3), &[5]).await.unwrap();
    assert_eq!(read().await, [5]);

    let logged = all(&client, &ReadAllOptions::default()).await.unwrap();
    let logged = logged.into_iter().filter(|event| event.stream_id() == "roll").collect::<Vec<_>>();
    assert_eq!(numbers(&logged), [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn an_append_of_more_than_a_mebibyte_is_refused() {
    let double = Double::start();
    let client = client(&double);
    let of_bytes = |bytes: usize| {
        let data = vec![0; bytes - 2 * "Large".len()];
        vec![EventData::binary("Large", data.into())]
    };
    let batch = batches(&client).await;
    batch.append_to_stream("a", StreamState::Any, of_bytes(APPEND_MAX_BYTES)).await.unwrap();
    for bytes in [APPEND_MAX_BYTES + 1, 5 * APPEND_MAX_BYTES] {
        let batch = batches(&client).await;
        let refused = batch.append_to_stream("b", StreamState::Any, of_bytes(bytes)).await;
        let Error::Grpc { code, message } = refused.unwrap_err() else { panic!() };
        assert_eq!((code as i32, message.as_str()), (3, "MaximumAppendSizeExceeded"));
    }
    assert_eq!(of(&double, "b").len(), 0);
}

#[tokio::test]
async fn single_appends_are_answered_too_and_say_where_the_stream_is() {
    let double = Double::start();
    let client = client(&double);
    let expecting = |state| AppendToStreamOptions::default().stream_state(state);
    let none = expecting(StreamState::NoStream);
    let done = client.append_to_stream("roll", &none, vec![event(1, "a"), event(2, "b")]).await;
    let done = done.unwrap();
    assert_eq!(done.next_expected_version, 1);
    assert_eq!(done.position, at(of(&double, "roll")[1].1));
    let wrong = client.append_to_stream("roll", &none, event(3, "c")).await.unwrap_err();
    let Error::WrongExpectedVersion { expected, current } = wrong else { panic!("{wrong:?}") };
    assert_eq!(
        (expected, current),
        (StreamState::NoStream, kurrentdb::CurrentRevision::Current(1))
    );
    let large = EventData::binary("Large", vec![0; APPEND_MAX_BYTES].into());
    assert!(client.append_to_stream("roll", &none, large).await.is_err());
}

#[tokio::test]
async fn tens_of_thousands_of_events_fit() {
    let double = Double::start();
    let client = client(&double);
    let batch = batches(&client).await;
    let mut n = 0_u128;
    for _ in 0..50 {
        let thousand: Vec<u128> = (n..n + 1000).collect();
        append(&batch, &format!("roll-{}", n % 7), StreamState::Any, &thousand).await.unwrap();
        n += 1000;
    }
    let ours = SubscriptionFilter::on_stream_name().add_prefix("roll-");
    let options = ReadAllOptions::default().filter(ours);
    let mut log = client.read_all(&options).await.unwrap();
    let mut read = 0;
    while let Some(event) = log.next().await.unwrap() {
        assert_eq!(event.get_original_event().id.as_u128(), read);
        read += 1;
    }
    assert_eq!(read, 50_000);
}

/// A client of the double.
pub(super) fn client(double: &Double) -> Client {
    client_at(&double.url())
}

pub(super) fn client_at(url: &str) -> Client {
    let settings: ClientSettings = url.parse().unwrap();
    Client::new(settings).unwrap()
}

/// A connection for appends.
pub(super) async fn batches(client: &Client) -> BatchAppendClient {
    client.batch_append(&Default::default()).await.unwrap()
}

/// Appends an event for each number, which is its id.
pub(super) async fn append(
    batch: &BatchAppendClient,
    stream: &str,
    expected: StreamState,
    numbers: &[u128],
) -> kurrentdb::Result<BatchWriteResult> {
    let events = numbers.iter().map(|number| event(*number, "counted")).collect();
    batch.append_to_stream(stream, expected, events).await
}

pub(super) fn event(number: u128, said: &str) -> EventData {
    EventData::json("Counted", &json!({ "said": said })).unwrap().id(Uuid::from_u128(number))
}

/// The ids of the events that are stored in a stream.
pub(super) fn ids(double: &Double, stream: &str) -> Vec<u128> {
    of(double, stream).into_iter().map(|(id, _)| id).collect()
}

/// The ids and positions of the events that are stored in a stream.
fn of(double: &Double, stream: &str) -> Vec<(u128, u64)> {
    let stored = double.stored();
    let of_stream = stored.iter().filter(|stored| &*stored.stream == stream);
    of_stream.map(|stored| (stored.event.id.as_u128(), stored.position)).collect()
}

async fn all(client: &Client, options: &ReadAllOptions) -> kurrentdb::Result<Vec<RecordedEvent>> {
    read(client.read_all(options).await?).await
}

async fn read(mut events: ReadStream) -> kurrentdb::Result<Vec<RecordedEvent>> {
    let mut read = Vec::new();
    while let Some(event) = events.next().await? {
        read.push(event.event.unwrap());
    }
    Ok(read)
}

async fn read_stream_error(client: &Client, stream: &str) -> Error {
    match client.read_stream(stream, &ReadStreamOptions::default()).await {
        Ok(events) => read(events).await.unwrap_err(),
        Err(error) => error,
    }
}

fn numbers(events: &[RecordedEvent]) -> Vec<u128> {
    events.iter().map(|event| event.id.as_u128()).collect()
}

fn at(position: u64) -> Position {
    Position { commit: position, prepare: position }
}
