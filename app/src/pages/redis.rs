//! How is a Redis, and what is in it?

use crate::{
    address, clock,
    components::{command, facts},
    model::milliseconds,
    pages::{crumbs, environments},
    request::{Request, Trouble, done, page, param, query, refusal_status, status},
    words,
};
use fairway_domain::{
    EnvironmentName, Expiry, KeySample, KeyShare, KeyUsage, PrefixShare, RedisDatabase, RedisServer,
    SampledKey, ServiceName,
};
use fairway_portal::{Purgeability, RedisView};
use leptos::prelude::*;
use leptos_meta::Title;

/// Which Redis, as the address says.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) service: ServiceName,
    pub(super) environment: EnvironmentName,
}

impl Place {
    /// By the address; without an environment, the first.
    pub(super) fn asked(
        request: &Request,
        service: ServiceName,
        environment: Option<String>,
    ) -> Result<Self, Trouble> {
        let first = request.portal.environments().first().map(|environment| environment.name.clone());
        let environment = match environment {
            Some(text) => text.parse().map_err(|_| Trouble::NotFound)?,
            None => first.ok_or(Trouble::NotFound)?,
        };
        Ok(Self { service, environment })
    }

    fn address(&self) -> String {
        address::redis(self.service.as_str(), self.environment.as_str())
    }

    pub(super) fn key_link(&self, key: &fairway_domain::KeyName) -> AnyView {
        let shown = key.shown();
        match address::redis_key(self.service.as_str(), self.environment.as_str(), key) {
            Some(href) => view! { <a href=href><code>{shown}</code></a> }.into_any(),
            None => view! { <code title="Its name is too long for an address.">{shown}</code> }.into_any(),
        }
    }
}

/// The server, and a sample of the keys.
#[component]
pub(crate) fn RedisPage() -> impl IntoView {
    let service = param::<ServiceName>("name");
    let environment = query("environment");
    page(|request| async move {
        let place = Place::asked(&request, service?, environment)?;
        let Place { service, environment } = &place;
        let body = match done(request.portal.redis(&request.actor, service, environment).await) {
            Ok(redis) => overview(&place, redis).into_any(),
            Err(Trouble::Refused(refusal)) if refusal_status(&refusal) != http::StatusCode::NOT_FOUND => {
                status(refusal_status(&refusal));
                view! { <p class="alert" role="alert">{refusal.to_string()}</p> }.into_any()
            }
            Err(trouble) => return Err(trouble),
        };
        let title = format!("{} Redis", words::possessive(service.as_str()));
        let choices = environments(&request.portal, environment.as_str(), |other| {
            address::redis(service.as_str(), other)
        });
        Ok(view! {
            <Title text=format!("{title} on {environment}")/>
            {crumbs(service.as_str(), "redis")}
            <div class="head"><h1>{title}</h1> {choices}</div>
            {body}
        }
        .into_any())
    })
}

fn overview(place: &Place, redis: RedisView) -> impl IntoView + use<> {
    let several = redis.overview.servers.len() > 1;
    let servers = redis.overview.servers.iter().map(|one| server(one, several)).collect_view();
    let sample = &redis.overview.sample;
    let elsewhere = redis.overview.servers.iter().map(RedisServer::elsewhere).sum();
    let at = milliseconds(redis.at);
    let purgeable = redis.purge == Purgeability::Allowed;
    let purge = format!("/services/{}/purge?environment={}", place.service, place.environment);
    view! {
        <p class="redis-now">
            <span class="quiet">"As of " {clock::time_of_day(at)} " UTC. " <a href=place.address()>"Look again"</a></span>
            {if purgeable {
                view! { <a class="button danger-quiet" href=purge>"Purge Redis"</a> }.into_any()
            } else {
                view! { <a class="quiet-link" href=purge>"Why no purge here?"</a> }.into_any()
            }}
        </p>
        <section class="block">{servers} {command(redis.info_command.to_string())}</section>
        {look_form(place, "")}
        <section class="block">
            {keys(place, sample, elsewhere, purgeable)}
            {command(redis.sample_command.to_string())}
        </section>
        {distribution(sample)}
        {foremost(place, sample)}
    }
}

fn server(server: &RedisServer, several: bool) -> impl IntoView + use<> {
    let text = |text: String| text.into_any();
    let since = i64::try_from(server.uptime_seconds.saturating_mul(1000)).unwrap_or(i64::MAX);
    let clients = format!("{} of {}", words::count(server.clients), words::count(server.clients_limit));
    let blocked = match server.blocked_clients {
        0 => String::new(),
        some => format!(", {} of them waiting in a blocking command", words::count(some)),
    };
    let list = vec![
        ("Version", text(server.version.clone())),
        ("Topology", text(topology(server))),
        ("Up for", text(clock::lasting(since))),
        ("Memory", memory(server)),
        ("At the limit", eviction(server)),
        ("Hit rate", hit_rate(server)),
        ("Clients", text(clients + &blocked)),
        ("Commands", text(format!("{} a second", words::count(server.operations_per_second)))),
        ("Expired", text(format!("{} since it started", words::counted(server.expired, "key")))),
        ("Databases", databases(&server.databases)),
    ];
    let name = several.then(|| view! { " " <code>{server.node.clone()}</code> });
    view! { <h2>"Server" {name}</h2> {facts(list)} }
}

fn topology(server: &RedisServer) -> String {
    let role = if server.role == "slave" { "replica" } else { "primary" };
    let replicas = match server.replicas {
        0 => "no replicas".to_owned(),
        some => words::counted(some, "replica"),
    };
    format!("{}, {role} with {replicas}", server.mode)
}

fn memory(server: &RedisServer) -> AnyView {
    let used = words::bytes(server.memory);
    let limit = match server.memory_limit {
        Some(limit) => format!(" of {} ({})", words::bytes(limit), words::part(server.memory, limit)),
        None => ", without a limit".to_owned(),
    };
    let further = format!(
        "peak {}, resident {}",
        words::bytes(server.memory_peak),
        words::bytes(server.memory_resident)
    );
    view! { {used} {limit} <span class="quiet">" · " {further}</span> }.into_any()
}

fn eviction(server: &RedisServer) -> AnyView {
    let policy = server.eviction_policy.clone();
    let what = match policy.as_str() {
        "noeviction" => "nothing goes, writes are refused",
        "allkeys-lru" => "keys go that were not used for longest",
        "allkeys-lfu" => "keys go that are used least",
        "allkeys-random" => "any keys go",
        "volatile-lru" => "of the keys that expire, those go that were not used for longest",
        "volatile-lfu" => "of the keys that expire, those go that are used least",
        "volatile-random" => "any of the keys that expire go",
        "volatile-ttl" => "of the keys that expire, those go whose time is over soonest",
        _ => "keys go by a policy of its own",
    };
    let evicted = format!("{} evicted", words::counted(server.evicted, "key"));
    view! { <code>{policy}</code> ": " {what} <span class="quiet">" · " {evicted}</span> }.into_any()
}

fn hit_rate(server: &RedisServer) -> AnyView {
    let all = server.hits + server.misses;
    if server.hit_rate().is_none() {
        return view! { <span class="quiet">"nothing was looked up since it started"</span> }.into_any();
    }
    let of = format!("of {} since it started, Fairway's own among them", words::counted(all, "look-up"));
    view! { {words::part(server.hits, all)} <span class="quiet">" " {of}</span> }.into_any()
}

fn databases(databases: &[RedisDatabase]) -> AnyView {
    if databases.is_empty() {
        return "none holds a key".into_any();
    }
    let one = |database: &RedisDatabase| {
        let keys = words::counted(database.keys, "key");
        let expiring = format!(", {} expire", words::count(database.expiring));
        view! { <li><code>"db" {database.number}</code> " " {keys} <span class="quiet">{expiring}</span></li> }
    };
    view! { <ul>{databases.iter().map(one).collect_view()}</ul> }.into_any()
}

/// Where a key's name is typed.
pub(super) fn look_form(place: &Place, key: &str) -> impl IntoView + use<> {
    view! {
        <section class="block">
            <h2>"Look at a key"</h2>
            <form method="get" action=format!("/services/{}/redis/key", place.service) class="look">
                <input type="hidden" name="environment" value=place.environment.to_string()/>
                <label class="unseen" for="key">"Name of the key"</label>
                <input
                    id="key" name="key" autocomplete="off" autocapitalize="none" spellcheck="false"
                    placeholder="user:42" value=key.to_owned() aria-describedby="key-hint"
                />
                <button>"Look"</button>
            </form>
            <p class="hint" id="key-hint">
                "As names are shown: " <code>"\\\\"</code> " is a backslash, " <code>"\\xff"</code>
                " a byte. Nothing is changed; secrets are hidden, and who looked is on record."
            </p>
        </section>
    }
}

/// How the sample was taken.
fn taken(sample: &KeySample) -> String {
    let (looked, milliseconds) = (words::counted(sample.looked_at, "key"), sample.milliseconds);
    if sample.every_key {
        return format!("Every key of database 0 was looked at: {looked}, in {milliseconds} ms.");
    }
    format!(
        "A random sample: {looked} of {} in database 0, looked at in {milliseconds} ms. What stands for all of them is an estimate.",
        words::count(sample.total)
    )
}

fn keys(place: &Place, sample: &KeySample, elsewhere: u64, purgeable: bool) -> impl IntoView + use<> {
    let elsewhere = (elsewhere > 0).then(|| {
        let keys = words::counted(elsewhere, "key");
        format!(" Not looked at, and out of a purge's reach: {keys} in other databases.")
    });
    let estimate = !sample.every_key;
    let rows = sample.prefixes.iter().map(|one| prefix(place, sample, one, purgeable)).collect_view();
    let other = (sample.other.sampled > 0).then(|| {
        view! {
            <tr>
                <th scope="row" class="quiet">"others"</th>
                {numbers(&sample.other, sample.looked_at, estimate)}
                {never(&sample.other)}
                <td></td>
                {purgeable.then(|| view! { <td></td> })}
            </tr>
        }
    });
    view! {
            <h2>"Keys by prefix"</h2>
            <p class="quiet">{taken(sample)} {elsewhere}</p>
            {(sample.looked_at > 0).then(|| view! {
                <div class="scroll" tabindex="0" role="region" aria-label="Keys by prefix">
                    <table class="keyspace">
                        <thead>
                            <tr>
                                <th scope="col">"Names begin with"</th>
                                <th scope="col" class="number">"Keys"</th>
                                <th scope="col" class="number">"Share"</th>
                                <th scope="col" class="number">"Memory"</th>
                                <th scope="col" class="number">"Never expire"</th>
                                <th scope="col" class="wide">"Such as"</th>
                                {purgeable.then(|| view! { <th scope="col"><span class="unseen">"Action"</span></th> })}
                            </tr>
                        </thead>
                        <tbody>{rows} {other}</tbody>
                    </table>
                </div>
            })}
    }
}

fn prefix(place: &Place, sample: &KeySample, one: &PrefixShare, purgeable: bool) -> impl IntoView + use<> {
    let shown = one.prefix.to_string();
    let purge = purgeable.then(|| {
        let href = address::purge_prefix(place.service.as_str(), place.environment.as_str(), &one.prefix);
        let label = format!("Purge keys that begin with {shown}");
        view! { <td class="end"><a href=href aria-label=label>"Purge…"</a></td> }
    });
    view! {
        <tr>
            <th scope="row"><code>{shown}</code></th>
            {numbers(&one.share, sample.looked_at, !sample.every_key)}
            {never(&one.share)}
            <td class="wide">{place.key_link(&one.example)}</td>
            {purge}
        </tr>
    }
}

fn numbers(share: &KeyShare, looked_at: u64, estimate: bool) -> impl IntoView + use<> {
    let about = if estimate { "about " } else { "" };
    let memory =
        share.memory.map_or_else(|| "unknown".to_owned(), |bytes| format!("{about}{}", words::bytes(bytes)));
    view! {
        <td class="number">{about} {words::count(share.keys)}</td>
        <td class="number">{words::part(share.sampled, looked_at)}</td>
        <td class="number">{memory}</td>
    }
}

fn never(share: &KeyShare) -> impl IntoView + use<> {
    view! { <td class="number">{words::part(share.never_expire, share.sampled)}</td> }
}

fn distribution(sample: &KeySample) -> Option<impl IntoView + use<>> {
    let row = |name: String, share: &KeyShare| {
        view! { <tr><th scope="row">{name}</th>{numbers(share, sample.looked_at, !sample.every_key)}</tr> }
    };
    let table = |label: &'static str, column: &'static str, rows: Vec<_>| {
        view! {
            <section>
                <h2>{label}</h2>
                <div class="scroll" tabindex="0" role="region" aria-label=label>
                    <table>
                        <thead>
                            <tr>
                                <th scope="col">{column}</th>
                                <th scope="col" class="number">"Keys"</th>
                                <th scope="col" class="number">"Share"</th>
                                <th scope="col" class="number">"Memory"</th>
                            </tr>
                        </thead>
                        <tbody>{rows.into_iter().collect_view()}</tbody>
                    </table>
                </div>
            </section>
        }
    };
    (sample.looked_at > 0).then(|| {
        let types = sample.types.iter().map(|one| row(one.r#type.clone(), &one.share)).collect();
        let expiries =
            sample.expiries.iter().map(|one| row(expires(one.expires).to_owned(), &one.share)).collect();
        view! {
            <div class="halves">
                {table("Keys by time to live", "Goes", expiries)}
                {table("Keys by type", "Type", types)}
            </div>
        }
    })
}

fn expires(expiry: Expiry) -> &'static str {
    match expiry {
        Expiry::Minute => "within a minute",
        Expiry::Hour => "within an hour",
        Expiry::Day => "within a day",
        Expiry::Week => "within a week",
        Expiry::Later => "later",
        Expiry::Never => "never",
    }
}

fn foremost(place: &Place, sample: &KeySample) -> Option<impl IntoView + use<>> {
    let of = if sample.every_key { "" } else { " of the sample" };
    let by_use = matches!(sample.coldest.first().and_then(|key| key.usage), Some(KeyUsage::Frequency(_)));
    let coldest = if by_use { format!("Used least{of}") } else { format!("Unused for longest{of}") };
    (sample.looked_at > 0).then(|| {
        view! {
            <div class="halves">
                {named(place, format!("Largest{of}"), "Redis doesn't let Fairway ask what keys take (MEMORY USAGE).", &sample.largest)}
                {named(place, coldest, "Redis doesn't let Fairway ask how keys are used (OBJECT).", &sample.coldest)}
            </div>
        }
    })
}

fn named(place: &Place, title: String, unknown: &'static str, keys: &[SampledKey]) -> impl IntoView + use<> {
    let rows = keys
        .iter()
        .map(|key| {
            view! {
                <tr>
                    <td class="wide">{place.key_link(&key.name)}</td>
                    <td>{key.r#type.clone()}</td>
                    <td class="number">{key.memory.map(words::bytes)}</td>
                    <td class="number">{key.usage.map(usage)}</td>
                    <td class="number">{time_left(key.expires_in_milliseconds)}</td>
                </tr>
            }
        })
        .collect_view();
    let body = if keys.is_empty() {
        view! { <p class="quiet">{unknown}</p> }.into_any()
    } else {
        view! {
            <div class="scroll" tabindex="0" role="region" aria-label=title.clone()>
                <table>
                    <thead>
                        <tr>
                            <th scope="col" class="wide">"Key"</th>
                            <th scope="col">"Type"</th>
                            <th scope="col" class="number">"Memory"</th>
                            <th scope="col" class="number">"Used"</th>
                            <th scope="col" class="number">"Goes"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        }
        .into_any()
    };
    view! { <section><h2>{title}</h2>{body}</section> }
}

/// How a key is used, in words.
pub(super) fn usage(usage: KeyUsage) -> String {
    match usage {
        KeyUsage::IdleSeconds(seconds) => {
            clock::ago(i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX))
        }
        KeyUsage::Frequency(count) => format!("{count} of 255"),
    }
}

/// When a key goes, in words.
pub(super) fn time_left(milliseconds: Option<u64>) -> String {
    match milliseconds {
        Some(left) => format!("in {}", clock::lasting_still(i64::try_from(left).unwrap_or(i64::MAX))),
        None => "never".to_owned(),
    }
}
