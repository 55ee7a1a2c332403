//! A way to a server on which a test listens, and acts between a question and its answer.

use crate::server::{PASSWORD, Server, environment, login};
use fairway_purge::{PurgeableRedis, Redis};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// What went over it so far.
#[derive(Clone, Default)]
pub(crate) struct Wire {
    answered: Arc<Mutex<Vec<u8>>>,
}

impl Wire {
    /// How many bytes the server answered.
    pub(crate) fn size(&self) -> usize {
        self.answered.lock().unwrap().len()
    }

    /// How often these bytes stand in what the server answered.
    pub(crate) fn count(&self, bytes: &[u8]) -> usize {
        self.answered.lock().unwrap().windows(bytes.len()).filter(|some| *some == bytes).count()
    }

    /// A connection over which everything goes; `before` is told the number of each piece that is about to be handed on.
    pub(crate) async fn purgeable(
        &self,
        server: &Server,
        before: impl FnMut(u32) + Send + 'static,
    ) -> PurgeableRedis {
        let stream = self.stream(server, before).await;
        PurgeableRedis::connect(stream, &login(PASSWORD), &environment(true)).await.unwrap()
    }

    pub(crate) async fn look(&self, server: &Server) -> Redis {
        let stream = self.stream(server, |_| ()).await;
        Redis::connect(stream, &login(PASSWORD)).await.unwrap()
    }

    async fn stream(&self, server: &Server, mut before: impl FnMut(u32) + Send + 'static) -> DuplexStream {
        let (near, far) = tokio::io::duplex(1 << 16);
        let (mut questions, mut to_client) = tokio::io::split(far);
        let (mut answers, mut to_server) = server.stream().await.into_split();
        tokio::spawn(async move {
            let mut piece = vec![0; 1 << 16];
            let mut number = 0;
            while let Ok(size @ 1..) = questions.read(&mut piece).await {
                before(number);
                number += 1;
                if to_server.write_all(&piece[..size]).await.is_err() {
                    return;
                }
            }
        });
        let answered = self.answered.clone();
        tokio::spawn(async move {
            let mut piece = vec![0; 1 << 16];
            while let Ok(size @ 1..) = answers.read(&mut piece).await {
                answered.lock().unwrap().extend_from_slice(&piece[..size]);
                if to_client.write_all(&piece[..size]).await.is_err() {
                    return;
                }
            }
        });
        near
    }
}
