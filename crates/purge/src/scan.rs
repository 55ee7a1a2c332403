//! One page of keys after another.

use fairway_domain::PurgeSelection;
use redis::Cmd;

/// The answer to a SCAN: where to go on (0 at the end), and names of keys, any bytes.
pub(crate) type Page = (u64, Vec<Vec<u8>>);

/// The command for the page at `cursor`; the first one is at 0. Redis looks at `count` keys in one go: 1,000 take it some 200 µs.
pub(crate) fn page_at(cursor: u64, selection: &PurgeSelection, count: usize) -> Cmd {
    let mut command = redis::cmd("SCAN");
    command.arg(cursor).arg("MATCH").arg(selection.glob()).arg("COUNT").arg(count);
    if let Some(kind) = selection.filter.kind {
        command.arg("TYPE").arg(kind.as_str());
    }
    command
}
