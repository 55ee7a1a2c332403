//! A TCP proxy before the API server that can be cut, or go silent as a dead network does.

use crate::fixture::{Fixture, kubeconfig};
use fairway_kubernetes::Cluster;
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Open,
    /// Connections are closed, new ones refused at once.
    Cut,
    /// Connections stay open, and nothing passes.
    Silent,
}

pub(crate) struct Proxy {
    mode: watch::Sender<Mode>,
    address: SocketAddr,
}

impl Proxy {
    pub(crate) async fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (mode, modes) = watch::channel(Mode::Open);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, server, modes.clone()));
            }
        });
        Self { mode, address }
    }

    /// A kubeconfig that leads through this proxy.
    pub(crate) fn kubeconfig(&self, original: &str, server: SocketAddr) -> PathBuf {
        let through = original.replace(&server.to_string(), &self.address.to_string());
        assert_ne!(through, original, "the kubeconfig names the server's address");
        let path = std::env::temp_dir().join(format!("fairway-test-{}", self.address.port()));
        std::fs::write(&path, through).unwrap();
        path
    }

    pub(crate) fn cut(&self) {
        self.mode.send_replace(Mode::Cut);
    }

    pub(crate) fn silence(&self) {
        self.mode.send_replace(Mode::Silent);
    }

    pub(crate) fn open(&self) {
        self.mode.send_replace(Mode::Open);
    }
}

/// The address of the API server that a kubeconfig names.
pub(crate) fn server(kubeconfig: &str) -> SocketAddr {
    let server = kubeconfig.lines().find_map(|line| line.trim().strip_prefix("server: https://")).unwrap();
    server.trim().parse().expect("the test cluster's server is an address and a port")
}

/// The API server through a proxy.
pub(crate) async fn through_proxy(fixture: &Fixture) -> (Proxy, Fixture) {
    let text = std::fs::read_to_string(kubeconfig()).unwrap();
    let server = server(&text);
    let proxy = Proxy::before(server).await;
    let path = proxy.kubeconfig(&text, server);
    let cluster = Cluster::connect(Some(&path), None).await.unwrap();
    std::fs::remove_file(path).unwrap();
    (proxy, Fixture { cluster, ..fixture.clone() })
}

async fn pass(mut client: TcpStream, server: SocketAddr, mut modes: watch::Receiver<Mode>) {
    let mode = *modes.borrow_and_update();
    match mode {
        Mode::Cut => return,
        Mode::Silent => return std::future::pending().await,
        Mode::Open => {}
    }
    let Ok(mut upstream) = TcpStream::connect(server).await else { return };
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut upstream) => {}
        _ = modes.changed() => {
            if *modes.borrow() == Mode::Silent {
                // Neither bytes nor an end, ever.
                std::future::pending::<()>().await;
            }
        }
    }
}
