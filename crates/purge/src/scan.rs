//! One page of keys after another.

use fairway_domain::PurgeSelection;
use redis::Cmd;

/// So many buckets Redis looks at in one go: some 200 µs of its time.
const PAGE: u32 = 1000;

/// The answer to a SCAN: where to go on (0 at the end), and names of keys, any bytes.
pub(crate) type Page = (u64, Vec<Vec<u8>>);

/// The command for the page at `cursor`; the first one is at 0.
pub(crate) fn page_at(cursor: u64, selection: &PurgeSelection) -> Cmd {
    let mut command = redis::cmd("SCAN");
    command.arg(cursor).arg("MATCH").arg(selection.glob()).arg("COUNT").arg(PAGE);
    command
}
