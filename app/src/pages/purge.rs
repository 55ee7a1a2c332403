//! What of a Redis would go?

use crate::{
    address,
    components::{command, selection as which},
    field::{csrf, error_of, hint_of},
    forms::{Alert, AskedKeys, WrongField},
    pages::purge_records::{earlier, scheduled},
    pages::{alert, crumbs},
    request::{Request, Trouble, done, failed, page, param, query, refusal_status, status},
    words,
};
use fairway_domain::{EnvironmentName, KeyMemory, KeyType, NodeCount, PurgeSelection, ServiceName};
use fairway_portal::{PurgePreview, Purgeability};
use leptos::prelude::*;
use leptos_meta::Title;

/// What is to be purged, as the address says.
#[derive(Clone)]
struct Asked {
    service: ServiceName,
    environment: EnvironmentName,
    keys: AskedKeys,
    reason: String,
}

impl Asked {
    fn from_address() -> Result<Self, Trouble> {
        let text = |name| query(name).unwrap_or_default();
        let keys = AskedKeys {
            pattern: text("pattern"),
            prefix: text("prefix"),
            everything: query("everything").is_some(),
            kind: text("type"),
            no_expiry: query("no_expiry").is_some(),
            idle: text("idle"),
        };
        Ok(Self {
            service: param("name")?,
            environment: query("environment").and_then(|text| text.parse().ok()).ok_or(Trouble::NotFound)?,
            keys,
            reason: text("reason"),
        })
    }
}

/// What, dry run, confirmation: three parts that appear as they become true.
#[component]
pub(crate) fn PurgePage() -> impl IntoView {
    let asked = Asked::from_address();
    page(move |request| async move {
        let asked = asked?;
        let detail = done(request.portal.service(&request.actor, &asked.service).await)?;
        let place = detail.environments.iter().find(|one| one.environment.name == asked.environment);
        let purge = place.ok_or(Trouble::NotFound)?.purge;
        let redis = address::redis(asked.service.as_str(), asked.environment.as_str());
        let see = (purge != Purgeability::NoRedis)
            .then(|| view! { <a class="button" href=redis>"See what is in it"</a> });
        let due = request.portal.purge_schedules(&request.actor, &asked.service, &asked.environment);
        let scheduled = scheduled(done(due.await)?, &request.csrf);
        let body = match purge {
            Purgeability::Allowed => allowed(&request, &asked, scheduled.into_any()).await?,
            Purgeability::NoRedis => view! { {no_redis(&asked.service)} {scheduled} }.into_any(),
            Purgeability::NotPurgeable => view! { {not_purgeable(&asked)} {scheduled} }.into_any(),
        };
        let title =
            format!("Purge {} Redis on {}", words::possessive(asked.service.as_str()), asked.environment);
        Ok(view! {
            <Title text=title.clone()/>
            {crumbs(asked.service.as_str(), "purge")}
            <div class="head"><h1>{title}</h1> {see}</div>
            {alert()}
            {body}
        }
        .into_any())
    })
}

async fn allowed(request: &Request, asked: &Asked, scheduled: AnyView) -> Result<AnyView, Trouble> {
    let purges = done(request.portal.purges(&request.actor, &asked.service, &asked.environment).await)?;
    let earlier = view! { {scheduled} {earlier(purges.into_iter().map(Into::into).collect())} };
    if asked.keys.is_empty() {
        return Ok(view! { {choose(asked, None)} {earlier} }.into_any());
    }
    let selection = match asked.keys.selection() {
        Ok(selection) => selection,
        Err(wrong) => {
            status(http::StatusCode::UNPROCESSABLE_ENTITY);
            return Ok(view! { {choose(asked, Some(wrong))} {earlier} }.into_any());
        }
    };
    let preview =
        request.portal.purge_preview(&request.actor, &asked.service, &asked.environment, &selection).await;
    match done(preview) {
        Ok(preview) => Ok(view! {
            {choose(asked, None)}
            {dry_run(&selection, &preview)}
            {confirm(asked, &preview, request)}
            {every_day(asked, &preview, request)}
            {earlier}
        }
        .into_any()),
        Err(Trouble::Refused(refusal)) => {
            status(refusal_status(&refusal));
            Ok(view! { {choose(asked, None)} {not_counted(refusal.to_string())} {earlier} }.into_any())
        }
        Err(Trouble::Failed(error)) => {
            let sentence = failed(&error, &request.id);
            Ok(view! { {choose(asked, None)} {not_counted(sentence)} {earlier} }.into_any())
        }
        Err(trouble) => Err(trouble),
    }
}

/// Why there is no count. A form that was sent from here and failed has said so already.
fn not_counted(sentence: String) -> Option<impl IntoView> {
    use_context::<Alert>().is_none().then(|| view! { <p class="alert" role="alert">{sentence}</p> })
}

fn choose(asked: &Asked, wrong: Option<WrongField>) -> impl IntoView + use<> {
    let error =
        move |field| wrong.as_ref().filter(|wrong| wrong.field == field).map(|wrong| wrong.message.clone());
    let keys = &asked.keys;
    view! {
        <section class="part">
            <h2>"What"</h2>
            <form method="get" class="purge-what">
                <input type="hidden" name="environment" value=asked.environment.to_string()/>
                {(!asked.reason.is_empty())
                    .then(|| view! { <input type="hidden" name="reason" value=asked.reason.clone()/> })}
                <div class="field">
                    <label for="pattern">"Keys matching"</label>
                    {text_input("pattern", "session:*", &keys.pattern, error("pattern").is_some())}
                    <p class="hint" id="pattern-hint">
                        "A glob: " <code>"*"</code> " any characters, " <code>"?"</code> " one, " <code>"[ab]"</code>
                        " one of these; a backslash before a literal one."
                    </p>
                    {error_of("pattern", error("pattern"))}
                </div>
                <div class="field">
                    <label for="prefix">"or keys beginning with"</label>
                    {text_input("prefix", "session:", &keys.prefix, error("prefix").is_some())}
                    <p class="hint" id="prefix-hint">
                        "Literally: a " <code>"*"</code> " here is a star. Written as names are shown: "
                        <code>"\\\\"</code> " a backslash, " <code>"\\xff"</code> " a byte."
                    </p>
                    {error_of("prefix", error("prefix"))}
                </div>
                <label class="choice">
                    <input type="checkbox" name="everything" checked=keys.everything/>
                    <span><b>"Everything"</b> " " <span class="quiet">"that is in this Redis"</span></span>
                </label>
                {filter(keys, error("type"), error("idle"))}
                <button>"Count, remove nothing"</button>
            </form>
        </section>
    }
}

fn text_input(field: &'static str, example: &'static str, value: &str, wrong: bool) -> impl IntoView + use<> {
    view! {
        <input
            id=field name=field autocomplete="off" autocapitalize="none" spellcheck="false"
            placeholder=example
            value=value.to_owned()
            aria-describedby=format!("{field}-hint {field}-error")
            aria-invalid=wrong.then_some("true")
        />
    }
}

/// Which of the named keys: folded until it is used.
fn filter(keys: &AskedKeys, wrong_type: Option<String>, wrong_idle: Option<String>) -> impl IntoView + use<> {
    let chosen = keys.kind.clone();
    let kinds = KeyType::ALL
        .map(|kind| {
            let kind = kind.as_str();
            view! { <option value=kind selected=chosen == kind>{kind}</option> }
        })
        .collect_view();
    view! {
        <details class="purge-filter" open=keys.has_filter()>
            <summary>"Only some of them"</summary>
            <div class="field">
                <label for="type">"Of type"</label>
                <select id="type" name="type"><option value="">"any"</option>{kinds}</select>
                {error_of("type", wrong_type)}
            </div>
            <label class="choice">
                <input type="checkbox" name="no_expiry" checked=keys.no_expiry/>
                <span>"Without an expiry " <span class="quiet">"they stay until somebody removes them"</span></span>
            </label>
            <div class="field">
                <label for="idle">"Idle for at least"</label>
                {text_input("idle", "12h", &keys.idle, wrong_idle.is_some())}
                <p class="hint" id="idle-hint">"Nobody read or wrote them for so long: 90s, 15m, 12h, 30d."</p>
                {error_of("idle", wrong_idle)}
            </div>
        </details>
    }
}

fn dry_run(selection: &PurgeSelection, preview: &PurgePreview) -> impl IntoView + use<> {
    let count = &preview.count;
    let sample = count.sample.iter().map(|key| view! { <li><code>{key.clone()}</code></li> }).collect_view();
    let more = count.matching.saturating_sub(count.sample.len() as u64);
    view! {
        <section class="part">
            <h2>"Dry run"</h2>
            <p class="figure">
                <b class="number">{words::count(count.matching)}</b>
                " of "
                <span class="number">{words::counted(count.total, "key")}</span>
                " would go: "
                {which(selection)}
            </p>
            {count.memory.map(|memory| view! { <p>{memory_words(memory, count.matching)}</p> })}
            {(count.elsewhere > 0).then(|| view! { <p>{elsewhere(count.elsewhere)}</p> })}
            {(count.nodes.len() > 1).then(|| nodes(&count.nodes))}
            <ul class="keys">{sample}</ul>
            {(more > 0).then(|| view! { <p class="quiet">"and " {words::count(more)} " more"</p> })}
            {command(preview.count_command.to_string())}
        </section>
    }
}

/// Of keys that no purge reaches.
fn elsewhere(keys: u64) -> String {
    let them = match keys {
        1 => "Another key is in other databases of this Redis; it stays.".to_owned(),
        some => {
            format!("Another {} keys are in other databases of this Redis; they stay.", words::count(some))
        }
    };
    them + " Fairway purges database 0 alone."
}

fn memory_words(memory: KeyMemory, matching: u64) -> String {
    let bytes = words::bytes(memory.bytes);
    if memory.measured >= matching {
        return format!("They take {bytes}, as Redis measures it.");
    }
    format!(
        "They take about {bytes}, reckoned from {} of them that Redis measured.",
        words::count(memory.measured)
    )
}

fn nodes(nodes: &[NodeCount]) -> impl IntoView + use<> {
    let rows = nodes
        .iter()
        .map(|node| {
            view! {
                <tr>
                    <td>{node.node.clone()}</td>
                    <td class="number">{words::count(node.matching)}</td>
                    <td class="number">{words::count(node.total)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <table>
            <thead><tr><th scope="col">"Server"</th><th scope="col" class="number">"Would go"</th><th scope="col" class="number">"Keys"</th></tr></thead>
            <tbody>{rows}</tbody>
        </table>
    }
}

fn confirm(asked: &Asked, preview: &PurgePreview, request: &Request) -> AnyView {
    let matching = preview.count.matching;
    if matching == 0 {
        return view! { <p class="quiet">"Nothing matches, so there is nothing to remove."</p> }.into_any();
    }
    let service = asked.service.to_string();
    let keys = words::counted(matching, "key");
    let button = format!("Remove {keys} from {} Redis on {}", words::possessive(&service), asked.environment);
    view! {
        <section class="part">
            <h2>"Confirm"</h2>
            {command(preview.command.to_string())}
            <form method="post" action=format!("/services/{service}/purge")>
                {hidden(asked, request, "now")}
                <input type="hidden" name="expected" value=matching.to_string()/>
                <div class="field">
                    <label for="reason">"Why"</label>
                    <input id="reason" name="reason" required minlength="3" maxlength="200" autocomplete="off" value=asked.reason.clone() aria-describedby="reason-hint"/>
                    {hint_of("reason", "One line for whoever reads the activity later.")}
                </div>
                {preview
                    .needs_name
                    .then(|| {
                        view! {
                            <div class="field">
                                <label for="confirm">"Type the service's name, " <b>{service.clone()}</b> ", to agree"</label>
                                <input id="confirm" name="confirm" required autocomplete="off" autocapitalize="none" spellcheck="false"/>
                            </div>
                        }
                    })}
                <p>"Removed keys can't be brought back. If more match by then, nothing is removed and you are asked again."</p>
                <button class="danger">
                    {button}
                </button>
            </form>
        </section>
    }
    .into_any()
}

/// What both forms send besides what is typed into them. Each is done once, however often it is sent.
fn hidden(asked: &Asked, request: &Request, form: &'static str) -> impl IntoView + use<> {
    let fields = asked.keys.fields();
    let keys = fields.into_iter().map(|(name, value)| view! { <input type="hidden" name=name value=value/> });
    view! {
        {csrf(request.csrf.clone())}
        <input type="hidden" name="idempotency" value=format!("{} {form}", request.id)/>
        <input type="hidden" name="environment" value=asked.environment.to_string()/>
        {keys.collect_view()}
    }
}

/// The same keys every day: folded, since few want it. It also asks for the name, because it may be more keys than today.
fn every_day(asked: &Asked, preview: &PurgePreview, request: &Request) -> impl IntoView + use<> {
    let service = asked.service.to_string();
    view! {
        <details class="part">
            <summary>"Every day instead"</summary>
            <form method="post" action=format!("/services/{service}/purge/schedules")>
                {hidden(asked, request, "daily")}
                <div class="field">
                    <label for="at">"At this time, in UTC"</label>
                    <input id="at" name="at" type="time" required value="03:00"/>
                </div>
                <div class="field">
                    <label for="most">"At most so many keys"</label>
                    <input id="most" name="expected" type="number" min="1" required value=preview.count.matching.max(1).to_string() aria-describedby="most-hint"/>
                    {hint_of("most", "Where more match, none is removed that day, and the activity says so.")}
                </div>
                <div class="field">
                    <label for="daily-reason">"The reason, for every day"</label>
                    <input id="daily-reason" name="reason" required minlength="3" maxlength="200" autocomplete="off" value=asked.reason.clone()/>
                </div>
                <div class="field">
                    <label for="daily-confirm">"The service's name, " <b>{service.clone()}</b> ", to agree"</label>
                    <input id="daily-confirm" name="confirm" required autocomplete="off" autocapitalize="none" spellcheck="false"/>
                </div>
                <button class="danger">"Remove them every day"</button>
            </form>
        </details>
    }
}

fn no_redis(service: &ServiceName) -> impl IntoView + use<> {
    view! {
        <section class="part">
            <p>{service.to_string()} " has no Redis, so there is nothing to purge."</p>
            <p>"To get one, say so in its fairway.yaml, push, and deploy the build:"</p>
            <pre tabindex="0">"components:\n  redis: true"</pre>
        </section>
    }
}

fn not_purgeable(asked: &Asked) -> impl IntoView + use<> {
    let environment = asked.environment.to_string();
    view! {
        <section class="part">
            <p>
                <b>"There is no button here on purpose."</b>
                " Redis on " {environment.clone()} " isn't marked purgeable, so that nobody can empty it by mistake, whatever a browser or a script sends."
            </p>
            <p>
                "Whoever runs Fairway can change that for the whole environment in its configuration. For a few keys, somebody with access to "
                {environment} " can use redis-cli; or let the service expire what it no longer needs."
            </p>
            <p><a class="button" href=crate::address::service(asked.service.as_str())>"Back to " {asked.service.to_string()}</a></p>
        </section>
    }
}
