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
                node = redis.at(&address_of(address)?).await?;
                asking = error.kind() == redis::ErrorKind::Server(ServerErrorKind::Ask);
            }
            None => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    Err(Error::Unsettled(format!("slot {} changes its server again and again", of(key))))
}

fn address_of(text: &str) -> Result<RedisAddress, Error> {
    text.parse().map_err(|_| Error::Unsettled(format!("a slot moves to a server it calls {text}")))
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn the_slot_of_a_key_is_that_of_its_tag() {
        // As CLUSTER KEYSLOT says.
        assert_eq!((of(b"123456789"), of(b""), of(b"foo")), (0x31c3, 0, 12182));
        assert_eq!(of(b"{foo}:1"), of(b"x{foo}{bar}"));
        assert_eq!(of(b"foo{}{bar}"), of(b"foo{}{bar}"));
        assert_ne!(of(b"foo{}{bar}"), of(b"bar"), "empty braces are no tag");
        assert_eq!(of(b"{{foo}}"), of(b"{foo"));
    }
}
