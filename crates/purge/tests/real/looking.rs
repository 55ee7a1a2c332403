//! What a look at a Redis tells, and that it changes nothing.

use crate::server::{PASSWORD, Server, borrowed, hostile_names, login};
use crate::several::{Cluster, Member, credentials};
use fairway_domain::{Expiry, KeyName, KeyPosition, KeySample, KeyUsage};
use fairway_purge::{
    ElementRead, Error, KeyPage, KeyRead, Redis, Terminal, info_command, key_command, sample_command,
};
use std::collections::{BTreeMap, BTreeSet};

async fn look(server: &Server) -> Redis {
    Redis::connect(server.stream().await, &login(PASSWORD)).await.unwrap()
}

fn name(bytes: &[u8]) -> KeyName {
    KeyName::from(bytes.to_vec())
}

fn set(server: &Server, commands: &[&[&str]]) {
    let mut admin = server.admin();
    for command in commands {
        redis::cmd(command[0]).arg(&command[1..]).query::<redis::Value>(&mut admin).unwrap();
    }
}

/// One key of each type, three of which expire.
fn some_of_each(server: &Server) {
    set(
        server,
        &[
            &["SET", "session:1", "a", "EX", "30"],
            &["SET", "session:2", "b", "EX", "3000"],
            &["SET", "session:3", "c", "EX", "3000000"],
            &["RPUSH", "queue:mail", "one", "two"],
            &["SADD", "tags:1", "red"],
            &["HSET", "cart:1", "item", "book", "count", "2"],
            &["ZADD", "ranking:all", "1.5", "ada", "inf", "bob"],
            &["XADD", "events:orders", "7-1", "kind", "paid"],
        ],
    );
}

fn prefixes(sample: &KeySample) -> Vec<(String, u64)> {
    sample.prefixes.iter().map(|one| (one.prefix.to_string(), one.share.keys)).collect()
}

#[tokio::test]
async fn a_small_redis_is_told_exactly() {
    let server = Server::start();
    some_of_each(&server);
    set(
        &server,
        &[
            &["GET", "session:1"],
            &["GET", "nothing"],
            &["GET", "nothing"],
            &["CONFIG", "SET", "maxmemory", "100mb"],
        ],
    );
    let overview = look(&server).await.overview().await.unwrap();

    let [one] = overview.servers.as_slice() else { panic!("{overview:?}") };
    assert!(one.version.starts_with("Redis 7.") || one.version.starts_with("Valkey "), "{}", one.version);
    assert_eq!((one.mode.as_str(), one.role.as_str(), one.replicas), ("standalone", "master", 0));
    assert_eq!((one.memory_limit, one.eviction_policy.as_str()), (Some(100 << 20), "noeviction"));
    assert_eq!((one.hits, one.misses), (1, 2));
    assert!(one.memory > 0 && one.clients > 0, "{one:?}");
    let databases: Vec<_> = one.databases.iter().map(|one| (one.number, one.keys, one.expiring)).collect();
    assert_eq!(databases, [(0, 8, 3)]);

    let sample = overview.sample;
    assert!(sample.every_key);
    assert_eq!((sample.total, sample.looked_at), (8, 8));
    let expected =
        [("session:", 3), ("cart:", 1), ("events:", 1), ("queue:", 1), ("ranking:", 1), ("tags:", 1)];
    assert_eq!(prefixes(&sample), expected.map(|(prefix, keys)| (prefix.to_owned(), keys)));
    assert_eq!((sample.other.keys, sample.prefixes[0].share.never_expire), (0, 0));
    let types: BTreeMap<&str, u64> =
        sample.types.iter().map(|one| (one.r#type.as_str(), one.share.keys)).collect();
    assert_eq!(
        types,
        BTreeMap::from([("hash", 1), ("list", 1), ("set", 1), ("stream", 1), ("string", 3), ("zset", 1)])
    );
    let expiries: Vec<_> = sample.expiries.iter().map(|one| (one.expires, one.share.keys)).collect();
    assert_eq!(expiries, [(Expiry::Minute, 1), (Expiry::Hour, 1), (Expiry::Later, 1), (Expiry::Never, 5)]);
}

#[tokio::test]
async fn what_a_key_takes_is_what_redis_says_and_the_largest_stand_first() {
    let server = Server::start();
    let large = "x".repeat(1 << 20);
    set(&server, &[&["SET", "blob:1", &large], &["SET", "blob:2", "x"], &["SET", "note", "x"]]);
    let sample = look(&server).await.overview().await.unwrap().sample;
    let usage =
        |key: &str| -> u64 { redis::cmd("MEMORY").arg("USAGE").arg(key).query(&mut server.admin()).unwrap() };
    assert_eq!(sample.largest.iter().map(|key| key.name.to_string()).next().unwrap(), "blob:1");
    assert_eq!(sample.largest[0].memory, Some(usage("blob:1")));
    assert_eq!(sample.prefixes[0].share.memory, Some(usage("blob:1") + usage("blob:2")));
    assert_eq!((sample.other.keys, sample.other.memory), (1, Some(usage("note"))));
}

#[tokio::test]
async fn an_empty_redis_is_told_as_empty() {
    let server = Server::start();
    let overview = look(&server).await.overview().await.unwrap();
    assert_eq!((overview.sample.total, overview.sample.every_key), (0, true));
    assert!(overview.sample.prefixes.is_empty() && overview.servers[0].databases.is_empty());
    assert_eq!(overview.servers[0].hit_rate(), None);
}

#[tokio::test]
async fn of_many_keys_some_are_looked_at_and_the_rest_is_estimated() {
    let server = Server::start();
    let names: Vec<Vec<u8>> = (0..40_000)
        .map(|number| format!("{}:{number}", if number % 4 == 0 { "cart" } else { "session" }).into_bytes())
        .collect();
    server.fill(borrowed(&names));
    let sample = look(&server).await.overview().await.unwrap().sample;
    assert!(!sample.every_key && sample.total == 40_000, "{} {}", sample.every_key, sample.total);
    // On a machine that is slow beyond measure the time is over first.
    assert!((250..=5000).contains(&sample.looked_at), "{}", sample.looked_at);
    let shares: BTreeMap<String, u64> = prefixes(&sample).into_iter().collect();
    let (sessions, carts) = (shares["session:"], shares["cart:"]);
    // Chosen evenly, 250 of them are off by a fifth once in millions of times.
    assert!((24_000..=36_000).contains(&sessions) && (4_000..=16_000).contains(&carts), "{shares:?}");
    let all: u64 = sample.types.iter().map(|one| one.share.keys).sum();
    assert_eq!(all, 40_000);
}

#[tokio::test]
async fn names_of_any_bytes_are_told_byte_for_byte() {
    let server = Server::start();
    let names = hostile_names();
    server.fill(borrowed(&names));
    let mut redis = look(&server).await;
    assert_eq!(redis.overview().await.unwrap().sample.looked_at, names.len() as u64);
    for bytes in &names {
        let written = name(bytes).to_string();
        let read = redis.key(&written.parse().unwrap(), None).await.unwrap();
        assert_eq!(read.unwrap().facts.name.as_bytes(), bytes, "{written}");
    }
}

#[tokio::test]
async fn looking_changes_nothing_and_asks_only_what_changes_nothing() {
    let server = Server::start();
    some_of_each(&server);
    set(&server, &[&["CONFIG", "RESETSTAT"]]);
    let before: BTreeMap<String, i64> = ttls(&server);
    let settings = settings(&server);
    let mut redis = look(&server).await;
    redis.overview().await.unwrap();
    for key in before.keys() {
        redis.key(&key.parse().unwrap(), None).await.unwrap().unwrap();
    }
    let mut admin = server.admin();
    let statistics: String = redis::cmd("INFO").arg("commandstats").query(&mut admin).unwrap();
    let used = statistics.lines().filter_map(|line| line.strip_prefix("cmdstat_")?.split_once(':'));
    let used: BTreeSet<&str> = used.map(|(command, _)| command).collect();
    let allowed = BTreeSet::from([
        "auth",
        "client",
        "client|no-touch",
        "config|get",
        "config|resetstat",
        "dbsize",
        "getrange",
        "hget",
        "hkeys",
        "hlen",
        "hscan",
        "hstrlen",
        "info",
        "keys",
        "llen",
        "lrange",
        "memory|usage",
        "object|encoding",
        "object|idletime",
        "pttl",
        "scan",
        "scard",
        "sscan",
        "strlen",
        "ttl",
        "type",
        "xlen",
        "xrange",
        "zcard",
        "zrange",
    ]);
    assert!(used.is_subset(&allowed), "{used:?}");
    assert_eq!(ttls(&server).keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
    assert_eq!(self::settings(&server), settings);
}

fn ttls(server: &Server) -> BTreeMap<String, i64> {
    let mut admin = server.admin();
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut admin).unwrap();
    keys.into_iter().map(|key| (key.clone(), redis::cmd("TTL").arg(key).query(&mut admin).unwrap())).collect()
}

fn settings(server: &Server) -> BTreeMap<String, String> {
    redis::cmd("CONFIG").arg("GET").arg("*").query(&mut server.admin()).unwrap()
}

#[tokio::test]
async fn how_keys_are_used_is_asked_as_the_eviction_policy_allows() {
    let server = Server::start();
    set(
        &server,
        &[
            &["CONFIG", "SET", "maxmemory-policy", "allkeys-lfu"],
            &["SET", "a", "1"],
            &["CONFIG", "RESETSTAT"],
        ],
    );
    let sample = look(&server).await.overview().await.unwrap().sample;
    assert!(matches!(sample.coldest[0].usage, Some(KeyUsage::Frequency(_))), "{sample:?}");
    set(&server, &[&["CONFIG", "SET", "maxmemory-policy", "volatile-lru"]]);
    let sample = look(&server).await.overview().await.unwrap().sample;
    assert!(matches!(sample.coldest[0].usage, Some(KeyUsage::IdleSeconds(_))), "{sample:?}");
    let statistics: String = redis::cmd("INFO").arg("commandstats").query(&mut server.admin()).unwrap();
    let asked: Vec<&str> = statistics.lines().filter(|line| line.starts_with("cmdstat_object|")).collect();
    assert!(asked.len() == 2 && asked.iter().all(|line| line.contains("failed_calls=0")), "{asked:?}");
}

#[tokio::test]
async fn a_user_who_may_not_ask_everything_still_sees_the_rest() {
    let server = Server::start();
    set(
        &server,
        &[
            &["SET", "a:1", "1"],
            &["ACL", "SETUSER", "viewer", "on", ">pass", "~*", "+info", "+dbsize", "+scan", "+type", "+pttl"],
            &["ACL", "SETUSER", "nobody", "on", ">pass", "+info"],
        ],
    );
    let login = |user: &str| fairway_purge::Login { user: Some(user.into()), password: "pass".into() };
    let mut viewer = Redis::connect(server.stream().await, &login("viewer")).await.unwrap();
    let sample = viewer.overview().await.unwrap().sample;
    assert_eq!((sample.looked_at, sample.prefixes[0].share.memory), (1, None));
    assert!(sample.largest.is_empty() && sample.coldest.is_empty());
    let refused = Redis::connect(server.stream().await, &login("nobody")).await.unwrap().overview().await;
    assert!(matches!(refused, Err(Error::NoPermission(_))), "{refused:?}");
}

async fn read(redis: &mut Redis, key: &str, from: Option<&KeyPosition>) -> KeyRead {
    redis.key(&key.parse().unwrap(), from).await.unwrap().unwrap()
}

fn elements(page: KeyPage) -> Vec<ElementRead> {
    let KeyPage::Elements(elements) = page else { panic!("{page:?}") };
    elements
}

/// All pages of a key, one after the other, and how many there were.
async fn all_pages(redis: &mut Redis, key: &str) -> (Vec<ElementRead>, usize) {
    let (mut found, mut pages, mut from) = (Vec::new(), 0, None);
    loop {
        let page = read(redis, key, from.as_ref()).await;
        found.extend(elements(page.page));
        pages += 1;
        match page.next {
            Some(next) => from = Some(next),
            None => return (found, pages),
        }
    }
}

#[tokio::test]
async fn a_key_of_each_type_is_read() {
    let server = Server::start();
    some_of_each(&server);
    let mut redis = look(&server).await;
    let shown = |one: &ElementRead| {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let parts =
            [one.position.clone(), one.score.clone(), one.field.as_deref().map(text), Some(text(&one.value))];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    };
    let cases: [(&str, &str, &[&str]); 5] = [
        ("queue:mail", "list", &["0 one", "1 two"]),
        ("tags:1", "set", &["red"]),
        ("cart:1", "hash", &["item book", "count 2"]),
        ("ranking:all", "zset", &["0 1.5 ada", "1 inf bob"]),
        ("events:orders", "stream", &["7-1 kind paid"]),
    ];
    for (key, kind, expected) in cases {
        let found = read(&mut redis, key, None).await;
        assert_eq!((found.facts.r#type.as_str(), found.next.is_none()), (kind, true), "{key}");
        assert!(found.encoding.is_some() && found.facts.memory.is_some(), "{found:?}");
        let elements: Vec<String> = elements(found.page).iter().map(shown).collect();
        assert_eq!(elements, expected, "{key}");
    }
    let string = read(&mut redis, "session:1", None).await;
    assert_eq!((string.length, string.next), (Some(1), None));
    assert!(string.facts.expires_in_milliseconds.is_some_and(|left| left <= 30_000));
    assert_eq!(string.page, KeyPage::Bytes { from: 0, around: b"a".to_vec(), page: 0..1 });
    assert!(redis.key(&name(b"nothing"), None).await.unwrap().is_none());
}

#[tokio::test]
async fn large_values_are_read_page_by_page_with_nothing_missing() {
    let server = Server::start();
    let mut admin = server.admin();
    let numbers: Vec<u32> = (0..2500).collect();
    for number in &numbers {
        let mut pipeline = redis::pipe();
        pipeline.cmd("HSET").arg("hash").arg(number).arg("x".repeat(100));
        pipeline.cmd("RPUSH").arg("list").arg(number);
        pipeline.cmd("SADD").arg("set").arg(format!("member-{number}"));
        pipeline.cmd("ZADD").arg("zset").arg(number).arg(format!("member-{number}"));
        pipeline.cmd("XADD").arg("stream").arg(format!("{}-0", number + 1)).arg("n").arg(number);
        pipeline.query::<redis::Value>(&mut admin).unwrap();
    }
    let mut redis = look(&server).await;
    for key in ["hash", "list", "set", "zset", "stream"] {
        let (found, pages) = all_pages(&mut redis, key).await;
        let each: BTreeSet<Vec<u8>> = found
            .iter()
            .map(|one| one.field.clone().filter(|_| key == "hash").unwrap_or(one.value.clone()))
            .collect();
        assert_eq!((each.len(), found.len() >= 2500), (2500, true), "{key}");
        assert!((20..=26).contains(&pages), "{key}: {pages} pages");
    }
    let (list, _) = all_pages(&mut redis, "list").await;
    let order: Vec<String> = list.into_iter().map(|one| String::from_utf8(one.value).unwrap()).collect();
    assert_eq!(order, numbers.iter().map(ToString::to_string).collect::<Vec<_>>());
}

#[tokio::test]
async fn large_elements_make_a_page_short() {
    let server = Server::start();
    let mut admin = server.admin();
    for number in 0..20 {
        redis::cmd("RPUSH")
            .arg("list")
            .arg(format!("{number}{}", "x".repeat(1 << 20)))
            .query::<()>(&mut admin)
            .unwrap();
    }
    let found = read(&mut look(&server).await, "list", None).await;
    assert!((1..=2).contains(&elements(found.page).len()));
}

#[tokio::test]
async fn a_long_string_is_read_by_ranges_that_break_no_character_in_two() {
    let server = Server::start();
    let text = "€uro".repeat(20_000);
    redis::cmd("SET").arg("text").arg(&text).query::<()>(&mut server.admin()).unwrap();
    let mut redis = look(&server).await;
    let (mut whole, mut next) = (Vec::new(), None);
    loop {
        let found = read(&mut redis, "text", next.as_ref()).await;
        let KeyPage::Bytes { from, around, page } = found.page else { panic!() };
        assert_eq!(from, whole.len() as u64);
        let bytes = &around[page.clone()];
        assert!(std::str::from_utf8(bytes).is_ok() && bytes.len() <= 16 * 1024);
        // What stands around it is what stands around it.
        assert!(text.as_bytes()[usize::try_from(from).unwrap() - page.start..].starts_with(&around));
        whole.extend_from_slice(bytes);
        match found.next {
            Some(position) => next = Some(position),
            None => break,
        }
    }
    assert_eq!(whole, text.as_bytes());
    let beyond = read(&mut redis, "text", Some(&"99999999".parse().unwrap())).await;
    assert!(matches!(beyond.page, KeyPage::Bytes { page, .. } if page.is_empty()) && beyond.next.is_none());
}

#[tokio::test]
async fn the_commands_for_a_terminal_show_the_same() {
    let server = Server::start();
    some_of_each(&server);
    let binary = b"u:\x92\"' \n$(id)\xc0";
    redis::cmd("SET").arg(&binary[..]).arg("found").query::<()>(&mut server.admin()).unwrap();
    let (namespace, service) = ("staging".parse().unwrap(), "orders".parse().unwrap());
    let terminal = Terminal::Pod(&namespace, &service);
    let in_a_terminal = |line: &str| crate::terminal::in_a_terminal(&server, line);
    assert!(in_a_terminal(info_command(terminal).as_str()).contains("redis_version:"));
    let counted = in_a_terminal(sample_command(terminal).as_str());
    assert!(counted.lines().next().unwrap().trim() == "3 session:", "{counted}");
    let key = |bytes: &[u8], kind: &str| in_a_terminal(key_command(terminal, &name(bytes), kind).as_str());
    assert_eq!(key(binary, "string"), "\"found\"");
    assert!(key(b"queue:mail", "list").contains("\"two\""));
    assert!(key(b"tags:1", "set").contains("\"red\""));
    assert!(key(b"cart:1", "hash").contains("\"book\""));
    assert!(key(b"ranking:all", "zset").contains("\"inf\""));
    assert!(key(b"events:orders", "stream").contains("\"7-1\""));
}

#[tokio::test]
async fn a_cluster_is_told_server_by_server_and_its_keys_together() {
    let cluster = Cluster::start(0);
    cluster.fill((0..300).map(|number| format!("app:{number}")));
    let named = cluster.url().parse().unwrap();
    let mut redis = Redis::reach(&named, credentials()).await.unwrap();
    let overview = redis.overview().await.unwrap();
    assert_eq!(overview.servers.len(), 3);
    let addresses: BTreeSet<String> = overview.servers.iter().map(|server| server.node.clone()).collect();
    assert_eq!(addresses, cluster.members.iter().map(Member::address).collect());
    assert!(overview.servers.iter().all(|server| server.mode == "cluster" && server.databases[0].keys < 300));
    assert_eq!((overview.sample.total, overview.sample.every_key), (300, true));
    assert_eq!(prefixes(&overview.sample), [("app:".to_owned(), 300)]);
    for number in 0..50 {
        let found = read(&mut redis, &format!("app:{number}"), None).await;
        assert_eq!(found.length, Some(1), "whichever server has it");
    }
    assert!(redis.key(&name(b"nothing"), None).await.unwrap().is_none());
}

#[tokio::test]
async fn of_a_cluster_with_many_keys_each_server_is_looked_at_by_its_part() {
    let cluster = Cluster::start(0);
    // Those of one tag are all on one server.
    let of_one_slot = (0..9_000).map(|number| format!("cart:{{same}}:{number}"));
    cluster.fill(of_one_slot.chain((0..3_000).map(|number| format!("session:{number}"))));
    let named = cluster.url().parse().unwrap();
    let sample = Redis::reach(&named, credentials()).await.unwrap().overview().await.unwrap().sample;
    assert!(!sample.every_key && sample.total == 12_000, "{sample:?}");
    let shares: BTreeMap<String, u64> = prefixes(&sample).into_iter().collect();
    let carts: u64 =
        shares.iter().filter(|(prefix, _)| prefix.starts_with("cart:")).map(|(_, keys)| keys).sum();
    assert!((7_000..=11_000).contains(&carts), "{shares:?}");
}
