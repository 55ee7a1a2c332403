//! What does a service say?

use crate::{
    address, clock,
    islands::{LogCommands, LogView},
    model::{LogAsked, LogLineView, LogReading, in_line},
    pages::{crumbs, environments},
    panels,
    request::{Request, Trouble, done, page, param, query, status},
    words,
};
use fairway_domain::{EnvironmentName, LogRequest, ServiceName};
use fairway_portal::Refusal;
use futures::StreamExt;
use http::StatusCode;
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
    let asked = LogAsked::of(query);
    page(|request| async move {
        let name = name?;
        done(request.portal.service(&request.actor, &name).await)?;
        let portal = request.portal.clone();
        let first = portal.environments().first().map(|environment| environment.name.clone());
        let environment = match environment {
            Some(text) => text.parse::<EnvironmentName>().map_err(|_| Trouble::NotFound)?,
            None => first.ok_or(Trouble::NotFound)?,
        };
        let (plain, wrong) = match asked.reading() {
            Ok(LogReading { request: wanted, .. }) => {
                let wanted = LogRequest { tail: Some(LINES), follow: false, ..wanted };
                last_lines(&request, &name, &environment, wanted).await
            }
            Err(wrong) => (None, Some(wrong.to_string())),
        };
        if wrong.is_some() {
            status(StatusCode::UNPROCESSABLE_ENTITY);
        }
        // What is wrong asks for nothing.
        let said = if wrong.is_some() { LogAsked::default() } else { asked.clone() };
        let said = said.reading().map(|reading| reading.request).unwrap_or_default();
        let commands = done(portal.log_commands(&request.actor, &name, &environment, &said).await)?;
        let shown = environment.to_string();
        let log = panels::log(&address::log_api(name.as_str(), &shown), &asked, wrong);
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
                <LogView service=name.to_string() environment=shown.clone()>
                    {log}
                </LogView>
                <noscript>{plain}</noscript>
            </div>

            <details class="command">
                <summary>"Show the commands"</summary>
                <LogCommands service=name.to_string() environment=shown.clone()>
                    {panels::log_commands(&commands)}
                </LogCommands>
            </details>
        }
        .into_any())
    })
}

/// The last lines as text, for a reader without JavaScript, and what is wrong with the filter, if anything is.
async fn last_lines(
    request: &Request,
    name: &ServiceName,
    environment: &EnvironmentName,
    wanted: LogRequest,
) -> (Option<AnyView>, Option<String>) {
    let of = if wanted.filter.is_none() { "" } else { " that match" };
    let reading = async {
        let stream = done(request.portal.logs(&request.actor, name, environment, wanted).await)?;
        // What came before the stream failed is worth showing.
        Ok::<_, Trouble>(stream.filter_map(async |lines| lines.ok()).concat().await)
    };
    let view = match tokio::time::timeout(Duration::from_secs(3), reading).await {
        Ok(Ok(lines)) => {
            let lines: Vec<String> = lines.into_iter().map(|(_, entry)| text(&entry.into())).collect();
            view! {
                <p class="quiet">{format!("The last {}{of}, as of now. Reload for newer ones.", words::counted(lines.len() as u64, "line"))}</p>
                <pre class="plain-log" tabindex="0">{lines.join("\n")}</pre>
            }
            .into_any()
        }
        Ok(Err(Trouble::Refused(refusal @ Refusal::WrongFilter(..)))) => return (None, Some(refusal.to_string())),
        Ok(Err(Trouble::Refused(refusal))) => view! { <p class="alert">{refusal.to_string()}</p> }.into_any(),
        _ => view! { <p class="alert">"The logs can't be read right now. Nothing was changed; reload to try again."</p> }
            .into_any(),
    };
    (Some(view), None)
}

fn text(line: &LogLineView) -> String {
    let time = clock::time_of_day_exact(line.at);
    format!("{time} {} {:5} {}{}", line.short_pod(), line.level.word(), line.text, in_line(line.fields()))
}
