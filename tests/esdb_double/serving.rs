//! Where the double listens: its nodes, their connections, and what they say of themselves.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use hyper::server::conn::http2;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    runtime::Handle,
    sync::{Notify, oneshot},
    task::{JoinHandle, JoinSet},
};
use tonic::{Request, Response, Status, service::Routes};

use super::{
    faults::Faults,
    protocol::event_store::client::{
        gossip::{
            ClusterInfo, EndPoint, MemberInfo,
            gossip_server::{Gossip, GossipServer},
            member_info::VNodeState,
        },
        server_features::{
            SupportedMethod, SupportedMethods,
            server_features_server::{ServerFeatures, ServerFeaturesServer},
        },
        streams::streams_server::StreamsServer,
    },
    records::Records,
    streams::wire_id,
};

/// What the nodes of a double have in common.
pub(super) struct Shared {
    pub(super) records: Mutex<Records>,
    pub(super) faults: Faults,
    leader: AtomicUsize,
    members: Mutex<Vec<Arc<Member>>>,
}

/// A node as the others know it.
struct Member {
    port: AtomicUsize,
    alive: AtomicBool,
}

/// One node: it listens, or it does not.
pub(super) struct Node {
    number: usize,
    shared: Arc<Shared>,
    member: Arc<Member>,
    runtime: Handle,
    /// Bound and never listening: the port stays ours while the node is down.
    reserved: TcpSocket,
    serving: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

/// One connection, and the services on it.
#[derive(Clone)]
pub(super) struct Connection {
    pub(super) shared: Arc<Shared>,
    node: usize,
    cut: Arc<Notify>,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self {
            records: Mutex::new(Records::new()),
            faults: Faults::default(),
            leader: AtomicUsize::new(0),
            members: Mutex::default(),
        }
    }

    /// Lets another node lead.
    pub(super) fn lead(&self, number: usize) {
        self.leader.store(number, Ordering::SeqCst);
    }

    /// The port of the node that leads.
    pub(super) fn leader_port(&self) -> usize {
        let leader = self.leader.load(Ordering::SeqCst);
        self.members.lock().unwrap()[leader].port.load(Ordering::SeqCst)
    }
}

impl Node {
    /// A node that listens, on a port that nobody else has.
    pub(super) fn start(shared: &Arc<Shared>, runtime: &Handle) -> Self {
        let reserved = bound(0);
        let port = reserved.local_addr().unwrap().port();
        let member =
            Arc::new(Member { port: usize::from(port).into(), alive: AtomicBool::new(false) });
        let mut members = shared.members.lock().unwrap();
        let number = members.len();
        members.push(member.clone());
        drop(members);
        let (shared, runtime) = (shared.clone(), runtime.clone());
        let mut node = Self { number, shared, member, runtime, reserved, serving: None };
        node.up();
        node
    }

    pub(super) fn port(&self) -> u16 {
        self.reserved.local_addr().unwrap().port()
    }

    /// Listens again, if it does not.
    pub(super) fn up(&mut self) {
        if self.serving.is_some() {
            return;
        }
        let _registered = self.runtime.enter();
        let listener = bound(self.port()).listen(1024).unwrap();
        let (stop, stopped) = oneshot::channel();
        let (shared, node) = (self.shared.clone(), self.number);
        self.serving = Some((stop, self.runtime.spawn(serve(listener, shared, node, stopped))));
        self.member.alive.store(true, Ordering::SeqCst);
    }

    /// Nothing listens and all connections are torn, when this returns.
    pub(super) async fn down(&mut self) {
        self.member.alive.store(false, Ordering::SeqCst);
        if let Some((stop, served)) = self.serving.take() {
            let _stopped = stop.send(());
            served.await.unwrap();
        }
    }

    /// Listens on another port from now on.
    pub(super) async fn move_elsewhere(&mut self) {
        self.down().await;
        self.reserved = bound(0);
        self.member.port.store(self.port().into(), Ordering::SeqCst);
        self.up();
    }
}

impl Connection {
    /// Tears the connection. Nobody is answered on it any more.
    pub(super) async fn cut(&self) -> ! {
        self.cut.notify_one();
        std::future::pending().await
    }

    /// Whether this node leads.
    pub(super) fn leads(&self) -> bool {
        self.shared.leader.load(Ordering::SeqCst) == self.node
    }

    async fn serve(self, stream: TcpStream) {
        let cut = self.cut.clone();
        let streams = StreamsServer::new(self.clone()).max_decoding_message_size(usize::MAX);
        let routes = Routes::new(streams)
            .add_service(GossipServer::new(self.clone()))
            .add_service(ServerFeaturesServer::new(self))
            .prepare();
        let connection = http2::Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
        tokio::select! {
            _gone = connection => {}
            () = cut.notified() => {}
        }
    }
}

#[tonic::async_trait]
impl Gossip for Connection {
    async fn read(&self, _asked: Request<()>) -> Result<Response<ClusterInfo>, Status> {
        let leader = self.shared.leader.load(Ordering::SeqCst);
        let members = self.shared.members.lock().unwrap();
        let told = members.iter().enumerate().map(|(number, member)| MemberInfo {
            instance_id: Some(wire_id(uuid::Uuid::from_u128(number as u128 + 1), false)),
            time_stamp: 0,
            state: if number == leader { VNodeState::Leader } else { VNodeState::Follower }.into(),
            is_alive: member.alive.load(Ordering::SeqCst),
            http_end_point: Some(EndPoint {
                address: Ipv4Addr::LOCALHOST.to_string(),
                port: member.port.load(Ordering::SeqCst) as u32,
            }),
        });
        Ok(Response::new(ClusterInfo { members: told.collect() }))
    }
}

#[tonic::async_trait]
impl ServerFeatures for Connection {
    async fn get_supported_methods(
        &self,
        _asked: Request<()>,
    ) -> Result<Response<SupportedMethods>, Status> {
        let method = |name: &str| SupportedMethod {
            method_name: name.to_owned(),
            service_name: "event_store.client.streams.streams".to_owned(),
            features: Vec::new(),
        };
        Ok(Response::new(SupportedMethods {
            methods: ["append", "batchappend", "read"].map(method).into(),
            event_store_server_version: "24.10.0".to_owned(),
        }))
    }
}

/// Serves until it is stopped; then no connection is left.
async fn serve(
    listener: TcpListener,
    shared: Arc<Shared>,
    node: usize,
    mut stopped: oneshot::Receiver<()>,
) {
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted.unwrap().0,
            Some(_gone) = connections.join_next() => continue,
            _ = &mut stopped => break,
        };
        stream.set_nodelay(true).unwrap();
        let cut = Arc::default();
        connections.spawn(Connection { shared: shared.clone(), node, cut }.serve(stream));
    }
    connections.shutdown().await;
}

fn bound(port: u16) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).unwrap();
    socket
}
