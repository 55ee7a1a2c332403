//! CloudWatch Logs over HTTP, as moto answers for it; `dev/moto` installs that the first time.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use aws_credential_types::Credentials;
use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::config::{BehaviorVersion, Config, Region};
use aws_sdk_cloudwatchlogs::types::InputLogEvent;
use fairway_domain::{StoredLine, Stretch, Timestamp};
use fairway_history::{AwsKey, CloudWatchSettings, Error, History, HistoryKind, HistorySettings};
use futures::StreamExt;
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const GROUP: &str = "/aws/containerinsights/shop/application";
const REGION: &str = "eu-central-1";
const MILLI: i64 = 1_000_000;
const HOUR: i64 = 3_600_000;

/// A server of a test's own, which goes with it.
struct Moto {
    child: Child,
    endpoint: String,
    client: Client,
    folder: TempDir,
}

impl Drop for Moto {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Moto {
    async fn start() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../dev/moto");
        let output = Command::new(script).stderr(Stdio::inherit()).output().unwrap();
        assert!(output.status.success(), "{script} installs moto");
        let program = String::from_utf8(output.stdout).unwrap();
        let port = free_port();
        let mut server = Command::new(program.trim());
        server.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        let child = server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let endpoint = format!("http://127.0.0.1:{port}");
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .endpoint_url(&endpoint)
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("secret"), "test\n").unwrap();
        let moto = Self { child, endpoint, client: Client::from_conf(config), folder };
        moto.wait().await;
        moto.client.create_log_group().log_group_name(GROUP).send().await.unwrap();
        moto
    }

    async fn wait(&self) {
        for _ in 0..600 {
            let address = self.endpoint.trim_start_matches("http://");
            if tokio::net::TcpStream::connect(address).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("moto doesn't answer");
    }

    /// How it is found by who knows its key.
    fn settings(&self) -> CloudWatchSettings {
        let key = Some(AwsKey { id: "test".into(), secret_file: self.folder.path().join("secret") });
        CloudWatchSettings { key, ..settings(self.endpoint.clone()) }
    }

    /// Brings events, each with its time in milliseconds, as a shipper does.
    async fn bring(&self, stream: &str, events: Vec<(i64, String)>) {
        self.client.create_log_stream().log_group_name(GROUP).log_stream_name(stream).send().await.unwrap();
        for some in events.chunks(5000) {
            let event = |(millis, message): &(i64, String)| {
                InputLogEvent::builder().timestamp(*millis).message(message).build().unwrap()
            };
            let request = self.client.put_log_events().log_group_name(GROUP).log_stream_name(stream);
            request.set_log_events(Some(some.iter().map(event).collect())).send().await.unwrap();
        }
    }
}

fn settings(endpoint: String) -> CloudWatchSettings {
    CloudWatchSettings {
        region: Some(REGION.into()),
        endpoint: Some(endpoint),
        profile: None,
        key: None,
        log_group: GROUP.parse().unwrap(),
        stream_prefix: None,
        filter: None,
    }
}

/// A port that nobody listens on, below those that the system gives to whoever connects: no client takes it before the server does.
fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let mut tried = std::iter::repeat_with(|| NEXT.fetch_add(1, Ordering::Relaxed));
    let port =
        |step: u32| u16::try_from(11_000 + (std::process::id().wrapping_mul(37) + step) % 19_000).unwrap();
    tried
        .find_map(|step| TcpListener::bind((Ipv4Addr::LOCALHOST, port(step))).ok())
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// The beginning of the second an hour ago, in milliseconds.
fn an_hour_ago() -> i64 {
    (Timestamp::now().as_second() - 3600) * 1000
}

/// A message as Fluent Bit makes it for Container Insights.
fn wrapped(pod: &str, container: &str, time: Option<&str>, text: &str) -> String {
    let time = time.map(|time| format!(r#""time":"{time}","#)).unwrap_or_default();
    format!(
        r#"{{{time}"stream":"stdout","log":"{text}\n","kubernetes":{{"pod_name":"{pod}","namespace_name":"shop","container_name":"{container}"}}}}"#
    )
}

/// What the history of some settings says of the lines of `orders` between two milliseconds.
async fn ask(
    settings: &CloudWatchSettings,
    (from, until): (i64, i64),
    last: Option<u32>,
) -> Vec<Result<StoredLine, Error>> {
    let kind = HistoryKind::CloudWatch(settings.clone());
    let history = History::new(HistorySettings { kind, hours: 720 }).unwrap();
    let stretch = Stretch { from: from * MILLI, until: until * MILLI, last, ..Stretch::default() };
    history.lines(&"shop".parse().unwrap(), &"orders".parse().unwrap(), stretch).collect().await
}

async fn texts(settings: &CloudWatchSettings, span: (i64, i64), last: Option<u32>) -> Vec<String> {
    let lines = ask(settings, span, last).await;
    lines.into_iter().map(|line| line.unwrap().text).collect()
}

async fn error(settings: &CloudWatchSettings) -> Error {
    let now = Timestamp::now().as_millisecond();
    let mut answer = ask(settings, (now - HOUR, now), Some(10)).await;
    assert_eq!(answer.len(), 1, "{answer:?}");
    answer.remove(0).unwrap_err()
}

#[tokio::test]
async fn lines_come_page_by_page_in_the_order_of_time_and_none_that_others_wrote() {
    let moto = Moto::start().await;
    let begin = an_hour_ago();
    let number = |which: &dyn Fn(i64) -> bool, pod: &str| -> Vec<(i64, String)> {
        let numbers = (0..12_000).filter(|number| which(*number));
        // Three lines have one time.
        numbers.map(|number| (begin + number / 3, wrapped(pod, "app", None, &number.to_string()))).collect()
    };
    moto.bring("node-1", number(&|number| number < 7000, "orders-7c-x2")).await;
    moto.bring("node-2", number(&|number| number >= 7000, "orders-7c-p9")).await;
    moto.bring("node-3", number(&|number| number % 40 == 0, "orders-redis-7c-b2")).await;
    moto.bring("node-4", number(&|number| number % 40 == 1, "orders-web-7c-b2")).await;
    let expected: Vec<String> = (0..12_000).map(|number| number.to_string()).collect();
    let settings = moto.settings();
    let span = (begin, begin + HOUR);
    assert_eq!(texts(&settings, span, None).await, expected);
    // Nothing of what was an hour ago stands near the end, and much of it in one place.
    assert_eq!(texts(&settings, span, Some(6)).await, expected[11_994..]);
    assert_eq!(texts(&settings, span, Some(7)).await, expected[11_991..], "lines of one time stay together");
    assert_eq!(texts(&settings, (begin + 1, begin + 3), None).await, expected[3..9]);
}

#[tokio::test]
async fn the_last_lines_are_found_however_far_back_they_are() {
    let moto = Moto::start().await;
    let now = Timestamp::now().as_millisecond();
    let days_ago = now - 10 * 24 * HOUR;
    let events = (0..5)
        .map(|day| (days_ago + day * 24 * HOUR, wrapped("orders-7c-x2", "app", None, &day.to_string())));
    moto.bring("node-1", events.collect()).await;
    let settings = moto.settings();
    assert_eq!(texts(&settings, (now - 720 * HOUR, now), Some(2)).await, ["3", "4"]);
    assert_eq!(texts(&settings, (now - 720 * HOUR, now), Some(9)).await, ["0", "1", "2", "3", "4"]);
}

#[tokio::test]
async fn a_line_has_its_exact_time_where_the_shipper_tells_it() {
    let moto = Moto::start().await;
    let begin = an_hour_ago();
    let second = Timestamp::from_millisecond(begin).unwrap().to_string();
    let second = second.trim_end_matches('Z');
    let exact = |nanos: &str| Some(format!("{second}.{nanos}Z"));
    let event =
        |nanos: &str, text: &str| (begin + 1, wrapped("orders-7c-x2", "app", exact(nanos).as_deref(), text));
    moto.bring("node-1", vec![event("001000002", "second"), event("001000001", "first")]).await;
    let lines = ask(&moto.settings(), (begin, begin + HOUR), None).await;
    let lines: Vec<_> =
        lines.into_iter().map(|line| line.unwrap()).map(|line| (line.text, line.nanos, line.grain)).collect();
    let at = (begin + 1) * MILLI;
    assert_eq!(lines, [("first".to_owned(), at + 1, 1), ("second".to_owned(), at + 2, 1)]);
}

#[tokio::test]
async fn bare_lines_are_known_by_their_streams_name() {
    let moto = Moto::start().await;
    let begin = an_hour_ago();
    moto.bring("orders-7c-x2", vec![(begin, "bare".into())]).await;
    moto.bring("orders-redis-7c-x2", vec![(begin, "Ready to accept connections".into())]).await;
    let prefix = Some("$service-".parse().unwrap());
    let settings = CloudWatchSettings { stream_prefix: prefix, ..moto.settings() };
    let lines = ask(&settings, (begin, begin + HOUR), None).await;
    let lines: Vec<_> =
        lines.into_iter().map(|line| line.unwrap()).map(|line| (line.pod, line.text)).collect();
    assert_eq!(lines, [("orders-7c-x2".to_owned(), "bare".to_owned())]);
}

#[tokio::test]
async fn what_is_wrong_is_said_with_what_to_do() {
    let moto = Moto::start().await;
    let settings = moto.settings();
    let group = CloudWatchSettings { log_group: "/other".parse().unwrap(), ..settings.clone() };
    assert_eq!(
        error(&group).await.to_string(),
        "Older lines are missing here: CloudWatch Logs in eu-central-1 has no log group /other. Whoever runs Fairway finds the group and its \
         region in the environment's history."
    );
    let region = CloudWatchSettings { region: Some("us-east-1".into()), ..settings.clone() };
    assert!(
        matches!(error(&region).await, Error::NoGroup { source_name, .. } if source_name.ends_with("us-east-1"))
    );
    let secret_file = moto.folder.path().join("none");
    let key = Some(AwsKey { id: "test".into(), secret_file: secret_file.clone() });
    let said = error(&CloudWatchSettings { key, ..settings.clone() }).await;
    let path = secret_file.display().to_string();
    assert!(matches!(&said, Error::NotAllowed { said, .. } if said.contains(&path)), "{said}");
    let endpoint = Some(format!("http://127.0.0.1:{}", free_port()));
    let said = error(&CloudWatchSettings { endpoint, ..settings }).await;
    assert!(matches!(&said, Error::Unreachable { why, .. } if why.contains("refused")), "{said}");
}

#[tokio::test]
async fn who_may_not_read_is_told_so() {
    let moto = Moto::start().await;
    rustls::crypto::ring::default_provider().install_default().ok();
    // From now on it asks who somebody is.
    let asking = reqwest::Client::new().post(format!("{}/moto-api/reset-auth", moto.endpoint)).body("0");
    assert!(asking.send().await.unwrap().status().is_success());
    let said = error(&moto.settings()).await;
    let right = format!("logs:FilterLogEvents on {GROUP}");
    assert!(matches!(&said, Error::NotAllowed { said, .. } if said.contains(&right)), "{said}");
}

#[tokio::test]
async fn who_asks_too_often_is_heard_a_little_later() {
    let moto = Moto::start().await;
    let begin = an_hour_ago();
    moto.bring("node-1", vec![(begin, wrapped("orders-7c-x2", "app", None, "at last"))]).await;
    let at = |endpoint| CloudWatchSettings { endpoint: Some(endpoint), ..moto.settings() };
    let some = at(throttled(&moto.endpoint, 2).await);
    assert_eq!(texts(&some, (begin, begin + HOUR), None).await, ["at last"]);
    let said = error(&at(throttled(&moto.endpoint, usize::MAX).await)).await;
    assert!(matches!(&said, Error::Busy { said, .. } if said.contains("Rate exceeded")), "{said}");
}

/// The address of a door before a server: to who comes it says what `answer` gives, and lets in whom it gives nothing.
async fn door(
    endpoint: &str,
    mut answer: impl FnMut() -> Option<(&'static str, String)> + Send + 'static,
) -> String {
    let behind = endpoint.trim_start_matches("http://").to_owned();
    let door = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = format!("http://{}", door.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut caller, _)) = door.accept().await {
            let Some((status, said)) = answer() else {
                let mut server = tokio::net::TcpStream::connect(&behind).await.unwrap();
                tokio::spawn(async move { tokio::io::copy_bidirectional(&mut caller, &mut server).await });
                continue;
            };
            read_request(&mut caller).await;
            let kind = "content-type: application/x-amz-json-1.1";
            let head = format!(
                "HTTP/1.1 {status}\r\n{kind}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                said.len()
            );
            caller.write_all((head + &said).as_bytes()).await.ok();
        }
    });
    address
}

/// Turns the first to come away, as AWS does with who asks too often.
async fn throttled(endpoint: &str, mut away: usize) -> String {
    let refused = move || {
        let said = r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#;
        away = away.checked_sub(1)?;
        Some(("400 Bad Request", said.to_owned()))
    };
    door(endpoint, refused).await
}

#[tokio::test]
async fn the_last_lines_are_not_looked_for_without_end() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    // As AWS answers where much has to be looked through: nothing yet, and where to go on.
    let empty = move || {
        let page = count.fetch_add(1, Ordering::Relaxed);
        Some(("200 OK", format!(r#"{{"events":[],"nextToken":"{page}"}}"#)))
    };
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("secret"), "test").unwrap();
    let key = Some(AwsKey { id: "test".into(), secret_file: folder.path().join("secret") });
    let settings = CloudWatchSettings { key, ..settings(door("", empty).await) };
    let said = error(&settings).await;
    assert!(matches!(said, Error::NoFurther { .. }), "{said}");
    assert_eq!(asked.load(Ordering::Relaxed), 100);
}

/// Reads a request to its end, so that who asks hears the answer.
async fn read_request(caller: &mut tokio::net::TcpStream) {
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read).to_ascii_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            if body.len() >= length.map_or(0, |length| length.trim().parse().unwrap()) {
                return;
            }
        }
        if caller.read_buf(&mut read).await.unwrap_or(0) == 0 {
            return;
        }
    }
}
