//! What does a service say?

use crate::{
    address, clock,
    components::command,
    islands::LogView,
    model::LogLineView,
    pages::{crumbs, environments},
    request::{Request, Trouble, done, page, param, query},
    words,
};
use fairway_domain::{EnvironmentName, LogRequest, ServiceName, ShellCommand};
use futures::StreamExt;
use leptos::prelude::*;
use leptos_meta::Title;
use std::time::Duration;

/// How many lines a reader without JavaScript gets.
const LINES: u32 = 500;

/// The logs of all pods of a service in an environment.
#[component]
pub(crate) fn LogsPage() -> impl IntoView {
    let name = param::<ServiceName>("name");
    let environment = query("environment");
    let contains = query("contains").unwrap_or_default();
    page(|request| async move {
        let name = name?;
        done(request.portal.service(&request.actor, &name).await)?;
        let portal = request.portal.clone();
        let first = portal.environments().first().map(|environment| environment.name.clone());
        let environment = match environment {
            Some(text) => text.parse::<EnvironmentName>().map_err(|_| Trouble::NotFound)?,
            None => first.ok_or(Trouble::NotFound)?,
        };
        let known =
            portal.environments().iter().find(|known| known.name == environment).ok_or(Trouble::NotFound)?;
        let namespace = known.namespace.to_string();
        let selector = format!("app.kubernetes.io/name={name}");
        let kubectl = ShellCommand::new(
            "kubectl",
            ["-n", &namespace, "logs", "-f", "--prefix", "--max-log-requests=20", "-l", &selector],
        );
        let plain = plain(&request, &name, &environment, &contains).await;
        let shown = environment.to_string();
        Ok(view! {
            <Title text=format!("Logs of {name} on {environment}")/>
            {crumbs(name.as_str(), "logs")}
            <div class="head">
                <h1>"Logs of " {name.to_string()}</h1>
                {environments(&portal, &shown, |other| address::logs(name.as_str(), other))}
            </div>
            <form id="log-filter" method="get" class="unseen-form">
                <input type="hidden" name="environment" value=shown.clone()/>
            </form>
            <div class="logs">
                <LogView service=name.to_string() environment=shown.clone() contains=contains/>
                <noscript>{plain}</noscript>
            </div>
            {command(kubectl.to_string())}
        }
        .into_any())
    })
}

/// The last lines as text, for a reader without JavaScript.
async fn plain(
    request: &Request,
    name: &ServiceName,
    environment: &EnvironmentName,
    contains: &str,
) -> AnyView {
    let wanted = LogRequest {
        tail: Some(LINES),
        contains: Some(contains.to_owned()).filter(|text| !text.is_empty()),
        ..LogRequest::default()
    };
    let reading = async {
        let stream = done(request.portal.logs(&request.actor, name, environment, wanted).await)?;
        Ok::<_, Trouble>(stream.take(LINES as usize).collect::<Vec<_>>().await)
    };
    match tokio::time::timeout(Duration::from_secs(3), reading).await {
        Ok(Ok(lines)) => {
            let lines: Vec<String> = lines.into_iter().filter_map(Result::ok).map(|(_, entry)| text(&entry.into())).collect();
            let of = if contains.is_empty() { "" } else { " that match" };
            view! {
                <p class="quiet">"The last " {words::counted(lines.len() as u64, "line")} {of} ", as of now. Reload for newer ones."</p>
                <pre class="plain-log" tabindex="0">{lines.join("\n")}</pre>
            }
            .into_any()
        }
        Ok(Err(Trouble::Refused(refusal))) => view! { <p class="alert">{refusal.to_string()}</p> }.into_any(),
        _ => view! { <p class="alert">"The logs can't be read right now. Nothing was changed; reload to try again."</p> }
            .into_any(),
    }
}

fn text(line: &LogLineView) -> String {
    let time = clock::time_of_day_exact(line.at);
    format!("{time} {} {:5} {} {}", line.short_pod(), line.level.word(), line.text, line.fields)
}
