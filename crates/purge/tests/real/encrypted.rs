//! Servers that speak nothing but TLS, with a certificate that an authority of their own has signed, to a user with a password.

use crate::server::REDIS;
use crate::several::{Folder, Member, free_port, until};
use std::path::Path;
use std::process::Command;

/// Who is let in.
pub(crate) const USER: (&str, &str) = ("fairway", "pass word");

/// What the sentinel asks for.
pub(crate) const WATCHWORD: &str = "watch word";

pub(crate) struct Encrypted {
    pub(crate) members: Vec<Member>,
    pub(crate) authority: String,
    scheme: &'static str,
    folder: Folder,
}

impl Encrypted {
    fn none() -> Self {
        let folder = Folder::new();
        let authority = certify(&folder.0);
        Self { members: Vec::new(), authority, scheme: "rediss", folder }
    }

    /// One that stands alone.
    pub(crate) fn start() -> Self {
        let mut one = Self::none();
        one.add(&[]);
        one
    }

    /// Two that share the slots of a cluster.
    pub(crate) fn cluster() -> Self {
        let mut two = Self { scheme: "rediss-cluster", ..Self::none() };
        for (file, slots) in [("nodes-0.conf", ["0", "8191"]), ("nodes-1.conf", ["8192", "16383"])] {
            two.add(&["--cluster-enabled", "yes", "--tls-cluster", "yes", "--cluster-config-file", file]);
            let last = two.members.last().unwrap();
            two.ask(last, &[&["cluster", "addslotsrange"][..], &slots].concat());
        }
        two.ask(&two.members[0], &["cluster", "meet", "127.0.0.1", &two.members[1].port.to_string()]);
        until("the cluster is whole", || {
            two.members.iter().all(|one| {
                let said = two.ask(one, &["cluster", "info"]);
                said.contains("cluster_state:ok") && said.contains("cluster_known_nodes:2")
            })
        });
        two
    }

    /// One, and a sentinel that watches it as `orders`. The sentinel comes last.
    pub(crate) fn watched() -> Self {
        let mut two = Self { scheme: "rediss-sentinel", ..Self::none() };
        two.add(&[]);
        let (port, file) = (free_port(), two.folder.0.join("sentinel.conf"));
        let lines = [
            format!("port 0\ntls-port {port}\nbind 127.0.0.1\ndir \"{}\"", two.folder.0.display()),
            "tls-cert-file redis.crt\ntls-key-file redis.key\ntls-ca-cert-file ca.crt".to_owned(),
            format!("tls-auth-clients no\ntls-replication yes\nrequirepass \"{WATCHWORD}\""),
            format!("sentinel monitor orders 127.0.0.1 {} 1", two.members[0].port),
            format!("sentinel auth-user orders {}\nsentinel auth-pass orders \"{}\"", USER.0, USER.1),
        ];
        std::fs::write(&file, lines.join("\n")).unwrap();
        two.members.push(Member::start(REDIS, &two.folder.0, port, &[file.to_str().unwrap(), "--sentinel"]));
        two
    }

    fn add(&mut self, more: &[&str]) {
        let port = free_port();
        let (number, password) = (port.to_string(), format!(">{}", USER.1));
        let mut arguments = vec!["--port", "0", "--tls-port", &number, "--save", "", "--bind", "127.0.0.1"];
        arguments.extend(["--tls-cert-file", "redis.crt", "--tls-key-file", "redis.key"]);
        arguments.extend(["--tls-ca-cert-file", "ca.crt", "--tls-auth-clients", "no"]);
        arguments.extend(["--user", USER.0, "on", &password, "~*", "+@all", "--user", "default", "off"]);
        arguments.extend(more);
        self.members.push(Member::start(REDIS, &self.folder.0, port, &arguments));
    }

    pub(crate) fn url(&self) -> String {
        match (self.scheme, self.members.as_slice()) {
            ("rediss-sentinel", [.., sentinel]) => format!("rediss-sentinel://{}/orders", sentinel.address()),
            (scheme, members) => {
                let addresses: Vec<String> = members.iter().map(Member::address).collect();
                format!("{scheme}://{}", addresses.join(","))
            }
        }
    }

    /// What it answers; of a cluster, the server that has the key.
    pub(crate) fn ask(&self, member: &Member, words: &[&str]) -> String {
        let mut command = Command::new("redis-cli");
        command.args(["-c", "--tls", "--cacert", "ca.crt", "--user", USER.0, "-p", &member.port.to_string()]);
        let output = command.args(words).env("REDISCLI_AUTH", USER.1).current_dir(&self.folder.0).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    }
}

/// Makes the files of a certificate; gives that of the authority.
fn certify(folder: &Path) -> String {
    let openssl = |line: &str| {
        let made = Command::new("openssl").args(line.split(' ')).current_dir(folder).output().unwrap();
        assert!(made.status.success(), "{line}: {}", String::from_utf8_lossy(&made.stderr));
    };
    std::fs::write(folder.join("names"), "subjectAltName=IP:127.0.0.1\n").unwrap();
    openssl("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.crt");
    openssl("req -newkey rsa:2048 -nodes -subj /CN=redis -keyout redis.key -out redis.csr");
    openssl(
        "x509 -req -in redis.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names -out redis.crt",
    );
    std::fs::read_to_string(folder.join("ca.crt")).unwrap()
}
