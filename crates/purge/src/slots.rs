//! Slots of a cluster: which one a key belongs to, and where it is while it moves.

use crate::{Error, connection::Redis, node::Node};
use crc16::{State, XMODEM};
use fairway_domain::RedisAddress;
use redis::{Pipeline, RedisError, ServerErrorKind};
use std::time::Duration;

/// A key is followed so often before its slot counts as unsettled.
const REDIRECTS: u32 = 16;

/// A cluster has so many slots.
pub(crate) const SLOTS: u16 = 16_384;

/// The slot of a key: of what stands in its first braces, if anything does.
pub(crate) fn of(key: &[u8]) -> u16 {
    let tag = || {
        let open = key.iter().position(|byte| *byte == b'{')? + 1;
        let length = key[open..].iter().position(|byte| *byte == b'}').filter(|length| *length > 0)?;
        Some(&key[open..open + length])
    };
    State::<XMODEM>::calculate(tag().unwrap_or(key)) % SLOTS
}

/// Whether a server says that another one has the keys, or some of them.
pub(crate) fn has_moved(error: &RedisError) -> bool {
    use ServerErrorKind::{Ask, Moved, TryAgain};
    matches!(error.kind(), redis::ErrorKind::Server(Moved | Ask | TryAgain))
}

/// Removes one key, wherever it is by now; gives how many were removed.
pub(crate) async fn unlink_where_it_is(redis: &mut Redis, node: &Node, key: &[u8]) -> Result<u64, Error> {
    let mut node = node.clone();
    let mut asking = false;
    for _ in 0..REDIRECTS {
        let mut pipeline = Pipeline::new();
        if asking {
            pipeline.cmd("ASKING");
        }
        pipeline.cmd("UNLINK").arg(key);
        let answer = node.ask_all(pipeline).await?.pop().unwrap_or(redis::Value::Nil);
        let error = match answer.extract_error() {
            Ok(count) => return redis::from_redis_value(count).map_err(|error| Error::from(&error.into())),
            Err(error) => error,
        };
        if !has_moved(&error) {
            return Err(Error::from(&error));
        }
        match error.redirect_node() {
            Some((address, _)) => {
                let address = address_of(address, node.host())?;
                node = redis.at(&address).await?;
                asking = error.kind() == redis::ErrorKind::Server(ServerErrorKind::Ask);
            }
            None => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    Err(Error::Unsettled(format!("slot {} changes its server again and again", of(key))))
}

/// Host and port as a redirection has them: an IPv6 address without brackets, and no host for that of the server which says so.
fn address_of(text: &str, said_by: Option<&str>) -> Result<RedisAddress, Error> {
    let unclear = || Error::Unsettled(format!("a slot moves to a server that is called {text}"));
    let (host, port) = text.rsplit_once(':').ok_or_else(unclear)?;
    let port = port.parse().map_err(|_| unclear())?;
    let host = if host.is_empty() { said_by.ok_or_else(unclear)? } else { host };
    if host == "?" {
        return Err(unclear()); // So Redis calls one that is to be reached by a name and has none.
    }
    Ok(RedisAddress { host: host.to_owned(), port })
}

#[cfg(test)]
mod tests {
    use super::{address_of, of};

    #[test]
    fn the_slot_of_a_key_is_that_of_its_tag() {
        // As CLUSTER KEYSLOT says.
        assert_eq!((of(b"123456789"), of(b""), of(b"foo")), (0x31c3, 0, 12182));
        assert_eq!(of(b"{foo}:1"), of(b"x{foo}{bar}"));
        assert_eq!(of(b"foo{}{bar}"), of(b"foo{}{bar}"));
        assert_ne!(of(b"foo{}{bar}"), of(b"bar"), "empty braces are no tag");
        assert_eq!(of(b"{{foo}}"), of(b"{foo"));
    }

    #[test]
    fn a_redirection_without_a_host_leads_to_the_host_that_gave_it() {
        let read = |text| address_of(text, Some("10.0.0.1")).unwrap().to_string();
        assert_eq!((read("10.0.0.2:6379"), read(":6380")), ("10.0.0.2:6379".into(), "10.0.0.1:6380".into()));
        assert_eq!(read("fd00::1:6379"), "[fd00::1]:6379");
        for unclear in ["", "6379", "10.0.0.2:", "?:6379"] {
            assert!(address_of(unclear, Some("10.0.0.1")).is_err(), "{unclear}");
        }
        assert!(address_of(":6379", None).is_err());
    }
}
