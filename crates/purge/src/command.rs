//! The same from a terminal.

use fairway_domain::{KeyNames, Namespace, PurgeSelection, ServiceName, ShellCommand};

/// The command that counts what [`purge_command`] would remove.
pub fn count_command(
    namespace: &Namespace,
    service: &ServiceName,
    selection: &PurgeSelection,
) -> ShellCommand {
    in_the_container(namespace, service, selection, "sort -u | wc -l")
}

/// The command that removes the selected keys and prints how many went. `redis-cli` quotes each name (`--no-raw`) so that it can
/// read it again, whatever bytes it holds.
pub fn purge_command(
    namespace: &Namespace,
    service: &ServiceName,
    selection: &PurgeSelection,
) -> ShellCommand {
    in_the_container(namespace, service, selection, "sed 's/^/UNLINK /' | redis-cli | grep -c ^1 || :")
}

/// `redis-cli --scan` in the pod of the service's Redis, its output piped into `rest`. The pattern goes as an argument, so that
/// nothing in it is read by the shell there; the password stays in the container.
fn in_the_container(
    namespace: &Namespace,
    service: &ServiceName,
    selection: &PurgeSelection,
    rest: &str,
) -> ShellCommand {
    let (option, pattern) = pattern(selection);
    let filters = filters(selection);
    let script = format!(
        "export REDISCLI_AUTH=\"$REDIS_PASSWORD\"; redis-cli --no-raw --scan {option} \"$1\" | {filters}{rest}"
    );
    let deployment = format!("deploy/{service}-redis");
    let shell = ["sh", "-c", &script, "sh", &pattern];
    let arguments = ["-n", namespace.as_str(), "exec", &deployment, "-c", "redis", "--"];
    ShellCommand::new("kubectl", arguments.into_iter().chain(shell))
}

/// The pattern as `redis-cli` takes it: a prefix may hold bytes that no terminal does.
fn pattern(selection: &PurgeSelection) -> (&'static str, String) {
    let KeyNames::Prefix(prefix) = &selection.names else {
        return ("--pattern", String::from_utf8_lossy(&selection.glob()).into_owned());
    };
    let plain = |byte: &u8| (b' '..=b'~').contains(byte);
    if prefix.as_bytes().iter().all(plain) {
        ("--pattern", String::from_utf8_lossy(&prefix.glob()).into_owned())
    } else {
        ("--quoted-pattern", format!("\"{}\"", quoted(&prefix.glob())))
    }
}

/// As `redis-cli` reads between double quotes.
fn quoted(bytes: &[u8]) -> String {
    let one = |byte: &u8| match byte {
        b'"' | b'\\' => format!("\\{}", char::from(*byte)),
        b' '..=b'~' => char::from(*byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    };
    bytes.iter().map(one).collect()
}

/// What looks at each key: its question beside its name on one line, of which those that fit keep the name.
fn filters(selection: &PurgeSelection) -> String {
    let keep = |question: &str, fits: &str| {
        format!(
            "sed 's/.*/{question} &\\nECHO &/' | redis-cli --no-raw | paste -d ' ' - - | awk '{fits} {{ sub(/^[^\"]*/, \"\"); print }}' | "
        )
    };
    let filter = &selection.filter;
    let kind = filter.kind.map(|kind| keep("TYPE", &format!("$1 == \"{}\"", kind.as_str())));
    let expiry = filter.without_expiry.then(|| keep("TTL", "$2 == \"-1\""));
    let idle = filter
        .idle_seconds
        .map(|time| keep("OBJECT IDLETIME", &format!("$1 == \"(integer)\" && $2 + 0 >= {}", time.seconds())));
    [kind, expiry, idle].into_iter().flatten().collect()
}
