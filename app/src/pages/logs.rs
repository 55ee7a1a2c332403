//! What does a service say?

use crate::{
    address, clock,
    islands::{LogCommands, LogView},
    model::{LogAsked, LogLineView, in_line},
    pages::{crumbs, environments},
    panels,
    request::{Request, Trouble, done, page, param, query, status},
    words,
};
use fairway_domain::{EnvironmentName, LogPlace, LogRequest, ServiceName};
use fairway_portal::Refusal;
use futures::{StreamExt, future::ready};
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
            Ok(reading) => {
                let meant = asked.at.parse().ok();
                plain_lines(&request, &name, &environment, reading.at_once(LINES), meant).await
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

/// The lines as text, for a reader without JavaScript, and what is wrong with the filter, if anything is.
async fn plain_lines(
    request: &Request,
    name: &ServiceName,
    environment: &EnvironmentName,
    parts: Vec<LogRequest>,
    meant: Option<LogPlace>,
) -> (Option<AnyView>, Option<String>) {
    let matching = parts.iter().any(|wanted| wanted.filter.is_some());
    let reading = async {
        let mut lines = Vec::new();
        for wanted in parts {
            let stream = done(request.portal.logs(&request.actor, name, environment, wanted).await)?;
            // What came before the stream failed is worth showing.
            let entries = stream.filter_map(|lines| ready(lines.ok())).concat().await;
            lines.extend(entries.into_iter().map(|(_, entry)| LogLineView::from(entry)));
        }
        Ok::<_, Trouble>(lines)
    };
    let view = match tokio::time::timeout(Duration::from_secs(3), reading).await {
        Ok(Ok(lines)) => as_text(&lines, matching, meant).into_any(),
        Ok(Err(Trouble::Refused(refusal @ Refusal::WrongFilter(..)))) => return (None, Some(refusal.to_string())),
        Ok(Err(Trouble::Refused(refusal))) => view! { <p class="alert">{refusal.to_string()}</p> }.into_any(),
        _ => view! { <p class="alert">"The logs can't be read right now. Nothing was changed; reload to try again."</p> }
            .into_any(),
    };
    (Some(view), None)
}

/// The lines, with the one that is meant marked if it is among them.
fn as_text(lines: &[LogLineView], matching: bool, meant: Option<LogPlace>) -> impl IntoView + use<> {
    let count = lines.iter().filter(|line| line.marker.is_none()).count();
    let count = words::counted(count as u64, "line") + if matching { " that match" } else { "" };
    let found = meant.and_then(|place| lines.iter().position(|line| line.place == Some(place)));
    let said = match (meant, found) {
        (None, _) => format!("The last {count}, as of now. Reload for newer ones.").into_any(),
        (Some(_), None) => {
            format!("The line of this address isn't among these {count}: this is its time.").into_any()
        }
        (Some(_), Some(_)) => {
            view! { <a href="#line">"The line of this address"</a> {format!(" in its surroundings: {count}.")} }
                .into_any()
        }
    };
    let texts = |lines: &[LogLineView]| lines.iter().map(|line| text(line) + "\n").collect::<String>();
    let (before, meant, after) = match found {
        Some(place) => (&lines[..place], Some(text(&lines[place])), &lines[place + 1..]),
        None => (lines, None, &lines[..0]),
    };
    let meant = meant.map(|line| view! { <mark id="line">{line}</mark> "\n" });
    view! {
        <p class="quiet">{said}</p>
        <pre class="plain-log" tabindex="0">{texts(before)}{meant}{texts(after)}</pre>
    }
}

fn text(line: &LogLineView) -> String {
    let time = clock::time_of_day_exact(line.at);
    format!("{time} {} {:5} {}{}", line.short_pod(), line.level.word(), line.text, in_line(line.fields()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fairway_domain::{Level, LogEntry, Timestamp};

    #[test]
    fn a_line_as_text_steers_no_terminal() {
        let said = [
            "\u{1b}]0;title\u{7}a\u{1b}[2J\u{8}",
            r#"{"msg":"a\u001b[2J\rb","k\u001b[31m":"v\u009b31m\u0007"}"#,
        ];
        for line in said {
            let entry = LogEntry {
                at: Timestamp::UNIX_EPOCH,
                pod: "orders-1".into(),
                container: "app".into(),
                restart: 0,
                revision: None,
                level: Level::Unknown,
                text: line.into(),
                bytes: line.len() as u64,
                place: None,
                continues: false,
                late: false,
                marker: None,
            };
            let text = text(&entry.into());
            assert!(text.contains('a') && !text.contains(char::is_control), "{text:?}");
        }
    }
}
