//! The same from a terminal.

use fairway_domain::{
    KeyNames, NamedRedis, Namespace, PurgeSelection, RedisTopology, ServiceName, ShellCommand,
};

/// From where a terminal reaches a Redis.
#[derive(Clone, Copy, Debug)]
pub enum Terminal<'a> {
    /// In the pod of the Redis that the chart brought.
    Pod(&'a Namespace, &'a ServiceName),
    /// Where the configuration says that it is; its Secret, if it has one, is in the namespace.
    Named(&'a Namespace, &'a NamedRedis),
}

/// The command that counts what [`purge_command`] would remove.
pub fn count_command(terminal: Terminal<'_>, selection: &PurgeSelection) -> ShellCommand {
    terminal.run(selection, |_| "sort -u | wc -l".into())
}

/// The command that removes the selected keys and prints how many went; what Redis refuses it tells, and fails. `redis-cli` quotes each
/// name (`--no-raw`) so that it can read it again, whatever bytes it holds.
pub fn purge_command(terminal: Terminal<'_>, selection: &PurgeSelection) -> ShellCommand {
    let count = format!(
        "$0 == \"1\" {{ n++; next }} /[^0]/ {{ {TELL}; failed = 1 }} END {{ print n + 0; exit failed }}"
    );
    terminal.run(selection, |cli| format!("sed 's/^/UNLINK /' | {cli} | awk '{count}'"))
}

/// In awk: says once what Redis says instead of answers.
const TELL: &str = "if (!told[$1 $2]++) print | \"cat >&2\"";

impl Terminal<'_> {
    /// `redis-cli --scan`, its output piped into what `rest` makes of the program's name. The pattern goes as an argument, so that
    /// nothing in it is read by a shell.
    fn run(self, selection: &PurgeSelection, rest: impl Fn(&str) -> String) -> ShellCommand {
        let (option, pattern) = pattern(selection);
        let script = |cli: &str, every: &str| {
            let scan = format!("{every} --no-raw --scan {option} \"$1\"");
            format!("{scan} | {}{}", filters(selection, cli), rest(cli))
        };
        self.shell(script, &pattern)
    }

    /// A script, given how `redis-cli` is called there, for any server and for every primary. `argument` is its `$1`.
    pub(crate) fn shell(self, script: impl Fn(&str, &str) -> String, argument: &str) -> ShellCommand {
        match self {
            // The password stays in the container.
            Self::Pod(namespace, service) => {
                let script =
                    format!("export REDISCLI_AUTH=\"$REDIS_PASSWORD\"; {}", script("redis-cli", "redis-cli"));
                let deployment = format!("deploy/{service}-redis");
                let shell = ["sh", "-c", &script, "sh", argument];
                let arguments = ["-n", namespace.as_str(), "exec", &deployment, "-c", "redis", "--"];
                ShellCommand::new("kubectl", arguments.into_iter().chain(shell))
            }
            Self::Named(namespace, named) => {
                let every = if named.topology == RedisTopology::Cluster { "every" } else { "cli" };
                let script = format!("{}{}", named_cli(namespace, named), script("cli", every));
                ShellCommand::new("sh", ["-c", &script, "sh", argument])
            }
        }
    }
}

/// Shell that defines `cli`, which is `redis-cli` with what it takes to reach the named Redis; for a cluster also `every`, which
/// asks each primary.
fn named_cli(namespace: &Namespace, named: &NamedRedis) -> String {
    let (begin, options, tls) = identity(namespace, named);
    let first = named.addresses.first();
    let (host, port) = first.map_or(("", 6379), |address| (address.host.as_str(), address.port));
    let cli = match &named.topology {
        RedisTopology::Standalone => format!("cli() {{ redis-cli -h {host} -p {port}{options} \"$@\"; }}; "),
        RedisTopology::Sentinel { name } => {
            let name = quoted_for_shell(name);
            let password = if named.secret.is_some() {
                "export REDISCLI_AUTH=\"$(secret sentinel-password)\"; test -n \"$REDISCLI_AUTH\" || unset REDISCLI_AUTH"
            } else {
                "unset REDISCLI_AUTH"
            };
            format!(
                "at=$({password}; redis-cli -h {host} -p {port}{tls} sentinel get-master-addr-by-name {name} | paste -sd ' ' -); \
                 cli() {{ redis-cli -h \"${{at% *}}\" -p \"${{at#* }}\"{options} \"$@\"; }}; "
            )
        }
        RedisTopology::Cluster => format!(
            "cli() {{ redis-cli -c -h {host} -p {port}{options} \"$@\" | grep -v '^-> Redirected'; }}; \
             primaries=$(cli cluster nodes | awk '$3 ~ /master/ && $3 !~ /fail/ {{ sub(/@.*/, \"\", $2); print $2 }}'); \
             every() {{ for node in $primaries; do redis-cli -h \"${{node%:*}}\" -p \"${{node##*:}}\"{options} \"$@\"; done; }}; "
        ),
    };
    begin + &cli
}

/// Shell that gets what the Secret holds, and the options of `redis-cli` that take it; last those of them that also a sentinel needs.
fn identity(namespace: &Namespace, named: &NamedRedis) -> (String, String, String) {
    let mut tls = if named.tls { " --tls" } else { "" }.to_owned();
    let Some(secret) = &named.secret else { return (String::new(), tls.clone(), tls) };
    let mut begin = format!(
        "secret() {{ kubectl -n {namespace} get secret {secret} -o go-template='{{{{range $k, $v := .data}}}}{{{{if eq $k \"'\"$1\"'\"}}}}{{{{base64decode $v}}}}{{{{end}}}}{{{{end}}}}'; }}; \
         export REDISCLI_AUTH=\"$(secret password)\"; user=\"$(secret username)\"; "
    );
    if named.tls {
        begin.push_str("ca=$(mktemp); secret ca.crt > \"$ca\"; ");
        tls.push_str(" $(test -s \"$ca\" && echo --cacert \"$ca\")");
    }
    (begin, format!(" --user \"${{user:-default}}\"{tls}"), tls)
}

fn quoted_for_shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
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
pub(crate) fn quoted(bytes: &[u8]) -> String {
    let one = |byte: &u8| match byte {
        b'"' | b'\\' => format!("\\{}", char::from(*byte)),
        b' '..=b'~' => char::from(*byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    };
    bytes.iter().map(one).collect()
}

/// What looks at each key: its question beside its name on one line, of which those that fit keep the name.
fn filters(selection: &PurgeSelection, cli: &str) -> String {
    let keep = |question: &str, fits: &str| {
        format!(
            "sed 's/.*/{question} &\\nECHO &/' | {cli} --no-raw | paste -d ' ' - - | awk '/^\\(error\\)/ {{ {TELL}; next }} {fits} {{ sub(/^[^\"]*/, \"\"); print }}' | "
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
