//! The same from a terminal.

use fairway_domain::{Namespace, PurgeSelection, ServiceName, ShellCommand};

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
    let script = format!(
        "export REDISCLI_AUTH=\"$REDIS_PASSWORD\"; redis-cli --no-raw --scan --pattern \"$1\" | {rest}"
    );
    let deployment = format!("deploy/{service}-redis");
    let shell = ["sh", "-c", &script, "sh", selection.glob()];
    let arguments = ["-n", namespace.as_str(), "exec", &deployment, "-c", "redis", "--"];
    ShellCommand::new("kubectl", arguments.into_iter().chain(shell))
}
