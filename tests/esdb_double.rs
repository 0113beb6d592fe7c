//! A double of EventStoreDB (KurrentDB): it speaks their public protocol, as far as Préau needs it, and
//! fails when a test wants it to.
//!
//! It is not the real server. It was written from the protocol's files, from what is documented of the
//! server, and from what its client does with the answers; where the double and a real server differ,
//! the double is wrong. What it proves is that Préau and the official client get along with the protocol,
//! and what they do when something fails at a chosen moment, which no real server does to order.
//!
//! Deliberately not here: subscriptions, deleted streams, links, scavenging, users and rights, TLS, the age
//! after which events are no longer shown. What is stored is in memory.
//!
//! It listens on real ports and runs in a thread of its own, so that other processes may use it, and so
//! that a test may wait without it. One per test: it is gone when it is dropped.

#[path = "esdb_double/appends.rs"]
mod appends;
#[cfg(test)]
#[path = "esdb_double/client.rs"]
mod client;
#[cfg(test)]
#[path = "esdb_double/failing.rs"]
mod failing;
#[path = "esdb_double/faults.rs"]
mod faults;
#[path = "esdb_double/protocol.rs"]
mod protocol;
#[path = "esdb_double/records.rs"]
mod records;
#[path = "esdb_double/serving.rs"]
mod serving;
#[path = "esdb_double/streams.rs"]
mod streams;

use std::sync::Arc;

use bytes::Bytes;
use tokio::runtime::{Builder, Runtime};

use self::{
    faults::Fault,
    serving::{Node, Shared},
};
pub use self::{
    faults::Held,
    records::{Proposed, Stored},
};

/// A server, or three that lead and follow each other, and what they store.
pub struct Double {
    nodes: Vec<Node>,
    shared: Arc<Shared>,
    runtime: Option<Runtime>,
}

impl Double {
    /// One server, empty but for what it wrote about itself.
    pub fn start() -> Self {
        Self::of(1)
    }

    /// Three, of which the first leads. What is written to one is at once on all.
    pub fn cluster() -> Self {
        Self::of(3)
    }

    fn of(nodes: usize) -> Self {
        let mut threads = Builder::new_multi_thread();
        let runtime =
            threads.worker_threads(1).thread_name("esdb double").enable_all().build().unwrap();
        let shared = Arc::new(Shared::new());
        let nodes = (0..nodes).map(|_| Node::start(&shared, runtime.handle())).collect();
        Self { nodes, shared, runtime: Some(runtime) }
    }

    /// How clients find it. They look for the nodes of a cluster by themselves; by default they wait half
    /// a second before they do anything, which says nothing in a test.
    pub fn url(&self) -> String {
        let nodes: Vec<String> =
            self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port())).collect();
        format!("esdb://{}?tls=false&discoveryInterval=1", nodes.join(","))
    }

    /// How clients find that node, and no other.
    pub fn url_of(&self, node: usize) -> String {
        format!("esdb://127.0.0.1:{}?tls=false&discoveryInterval=1", self.nodes[node].port())
    }

    /// All that is stored, in its order, what the server wrote about itself included.
    pub fn stored(&self) -> Vec<Arc<Stored>> {
        self.shared.records.lock().unwrap().log().to_vec()
    }

    /// Only the first records are left, as after a backup was restored.
    pub fn put_back(&self, records: usize) {
        self.shared.records.lock().unwrap().put_back(records);
    }

    /// Nothing listens any more, and all connections are torn. What is stored stays.
    pub async fn down(&mut self) {
        for node in &mut self.nodes {
            node.down().await;
        }
    }

    /// Listens again, on the same ports.
    pub fn up(&mut self) {
        self.nodes.iter_mut().for_each(Node::up);
    }

    /// Listens on other ports from now on, which [`url`](Self::url) tells.
    pub async fn move_elsewhere(&mut self) {
        for node in &mut self.nodes {
            node.move_elsewhere().await;
        }
    }

    /// That node no longer listens. If it leads, nobody does, until another one is told to.
    pub async fn node_down(&mut self, node: usize) {
        self.nodes[node].down().await;
    }

    /// Lets that node lead.
    pub fn lead(&self, node: usize) {
        self.shared.lead(node);
    }

    /// Before the next append, somebody else writes these to its stream. With nothing to write, the
    /// append is refused all the same, as one that knew the stream too little.
    pub fn write_before_next(&self, events: Vec<Proposed>) {
        self.shared.faults.plan(Fault::WrittenFirst(events));
    }

    /// The next append is not written, and its connection is torn.
    pub fn cut_before_commit(&self) {
        self.shared.faults.plan(Fault::CutBefore);
    }

    /// The next append is written, and its connection torn before the answer.
    pub fn cut_after_commit(&self) {
        self.shared.faults.plan(Fault::CutAfter);
    }

    /// The next append is refused, since another node leads: the one that [`lead`](Self::lead) told to.
    pub fn not_leader(&self) {
        self.shared.faults.plan(Fault::NotLeader);
    }

    /// An append is refused from now on, by an internal error, when one of its events says this.
    pub fn refuse(&self, data: impl Into<Bytes>) {
        self.shared.faults.refuse(data.into());
    }

    /// Nobody's append is written as long as the answer is kept.
    pub fn hold_writes(&self) -> Held {
        self.shared.faults.writes.hold()
    }

    /// Nobody's append or read is answered as long as the answer is kept; what is appended is written.
    pub fn hold_answers(&self) -> Held {
        self.shared.faults.answers.hold()
    }
}

impl Drop for Double {
    /// Tears all connections, and waits for nobody.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
