//! What of a Redis would go?

use crate::{
    components::command,
    field::csrf,
    forms::{needs_name, purge_selection},
    pages::{alert, crumbs},
    request::{Request, Trouble, done, page, param, query, refusal_status, status},
    words,
};
use fairway_domain::{EnvironmentName, PurgeSelection, ServiceName};
use fairway_portal::{PurgePreview, Purgeability};
use leptos::prelude::*;
use leptos_meta::Title;

/// What is to be purged, as the address says.
#[derive(Clone)]
struct Asked {
    service: ServiceName,
    environment: EnvironmentName,
    pattern: String,
    everything: bool,
}

/// What, dry run, confirmation: three parts that appear as they become true.
#[component]
pub(crate) fn PurgePage() -> impl IntoView {
    let name = param::<ServiceName>("name");
    let environment = query("environment");
    let pattern = query("pattern").unwrap_or_default();
    let everything = query("everything").is_some();
    page(move |request| async move {
        let service = name?;
        let environment = environment.and_then(|text| text.parse().ok()).ok_or(Trouble::NotFound)?;
        let asked = Asked { service, environment, pattern, everything };
        let detail = done(request.portal.service(&request.actor, &asked.service).await)?;
        let place = detail.environments.iter().find(|one| one.environment.name == asked.environment);
        let body = match place.ok_or(Trouble::NotFound)?.purge {
            Purgeability::Allowed => allowed(&request, &asked).await?,
            Purgeability::NoRedis => no_redis(&asked.service).into_any(),
            Purgeability::NotPurgeable => not_purgeable(&asked).into_any(),
        };
        let title =
            format!("Purge {} Redis on {}", words::possessive(asked.service.as_str()), asked.environment);
        Ok(view! {
            <Title text=title.clone()/>
            {crumbs(asked.service.as_str(), "purge")}
            <div class="head"><h1>{title}</h1></div>
            {alert()}
            {body}
        }
        .into_any())
    })
}

async fn allowed(request: &Request, asked: &Asked) -> Result<AnyView, Trouble> {
    if asked.pattern.is_empty() && !asked.everything {
        return Ok(choose(asked, None).into_any());
    }
    let selection = match purge_selection(&asked.pattern, asked.everything) {
        Ok(selection) => selection,
        Err(error) => {
            status(http::StatusCode::UNPROCESSABLE_ENTITY);
            return Ok(choose(asked, Some(error.to_string())).into_any());
        }
    };
    let preview =
        request.portal.purge_preview(&request.actor, &asked.service, &asked.environment, &selection).await;
    match done(preview) {
        Ok(preview) => {
            Ok(view! { {choose(asked, None)} {dry_run(asked, &selection, preview, request)} }.into_any())
        }
        Err(Trouble::Refused(refusal)) => {
            status(refusal_status(&refusal));
            Ok(view! { {choose(asked, None)} <p class="alert" role="alert">{refusal.to_string()}</p> }
                .into_any())
        }
        Err(trouble) => Err(trouble),
    }
}

fn choose(asked: &Asked, error: Option<String>) -> impl IntoView + use<> {
    view! {
        <section class="part">
            <h2>"What"</h2>
            <form method="get" class="purge-what">
                <input type="hidden" name="environment" value=asked.environment.to_string()/>
                <div class="field">
                    <label for="pattern">"Keys matching"</label>
                    <input
                        id="pattern" name="pattern" autocomplete="off" autocapitalize="none" spellcheck="false"
                        placeholder="session:*"
                        value=asked.pattern.clone()
                        aria-describedby="pattern-hint pattern-error"
                        aria-invalid=error.is_some().then_some("true")
                    />
                    <p class="hint" id="pattern-hint">
                        <code>"*"</code> " any characters, " <code>"?"</code> " one, " <code>"[ab]"</code>
                        " one of these; a backslash before a literal one."
                    </p>
                    {crate::field::error_of("pattern", error)}
                </div>
                <label class="choice">
                    <input type="checkbox" name="everything" checked=asked.everything/>
                    <span><b>"Everything"</b> " " <span class="quiet">"whatever the pattern says"</span></span>
                </label>
                <button>"Count, remove nothing"</button>
            </form>
        </section>
    }
}

fn dry_run(
    asked: &Asked,
    selection: &PurgeSelection,
    preview: PurgePreview,
    request: &Request,
) -> impl IntoView + use<> {
    let count = preview.count;
    let keys = words::counted(count.matching, "key");
    let sample = count.sample.iter().map(|key| view! { <li><code>{key.clone()}</code></li> }).collect_view();
    let more = count.matching.saturating_sub(count.sample.len() as u64);
    let none = count.matching == 0;
    view! {
        <section class="part">
            <h2>"Dry run"</h2>
            <p class="figure">
                <b class="number">{words::count(count.matching)}</b>
                " of "
                <span class="number">{words::counted(count.total, "key")}</span>
                " would go: "
                {selection.to_string()}
                "."
            </p>
            <ul class="keys">{sample}</ul>
            {(more > 0).then(|| view! { <p class="quiet">"and " {words::count(more)} " more"</p> })}
            {command(preview.command.to_string())}
        </section>
        {if none {
            view! { <p class="quiet">"Nothing matches, so there is nothing to remove."</p> }.into_any()
        } else {
            confirm(asked, needs_name(selection, count.matching), count.matching, &keys, request).into_any()
        }}
    }
}

fn confirm(asked: &Asked, name: bool, matching: u64, keys: &str, request: &Request) -> impl IntoView + use<> {
    let service = asked.service.to_string();
    let button = format!("Remove {keys} from {} Redis on {}", words::possessive(&service), asked.environment);
    view! {
        <section class="part">
            <h2>"Confirm"</h2>
            <form method="post" action=format!("/services/{service}/purge")>
                {csrf(request.csrf.clone())}
                <input type="hidden" name="idempotency" value=request.id.clone()/>
                <input type="hidden" name="environment" value=asked.environment.to_string()/>
                <input type="hidden" name="pattern" value=asked.pattern.clone()/>
                {asked.everything.then(|| view! { <input type="hidden" name="everything" value="on"/> })}
                <input type="hidden" name="expected" value=matching.to_string()/>
                {name
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
