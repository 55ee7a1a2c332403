//! Who did what?

use crate::{
    components::timeline,
    model::TimelineView,
    request::{page, query},
};
use fairway_portal::ActivityFilter;
use leptos::prelude::*;
use leptos_meta::Title;

/// The record, newest first; every word is a filter.
#[component]
pub(crate) fn ActivityPage() -> impl IntoView {
    let words = [query("service"), query("environment"), query("actor")];
    page(move |request| async move {
        let [service, environment, actor] = words.clone();
        // A word that names nothing finds nothing.
        let unknown =
            service.as_ref().is_some_and(|text| text.parse::<fairway_domain::ServiceName>().is_err())
                || environment
                    .as_ref()
                    .is_some_and(|text| text.parse::<fairway_domain::EnvironmentName>().is_err());
        let filter = ActivityFilter {
            service: service.and_then(|text| text.parse().ok()),
            environment: environment.and_then(|text| text.parse().ok()),
            actor,
            limit: Some(200),
        };
        let entries =
            if unknown { Vec::new() } else { request.portal.activity(&request.actor, &filter).await? };
        let entries: Vec<TimelineView> = entries.into_iter().map(Into::into).collect();
        Ok(view! {
            <Title text="Activity"/>
            <div class="head"><h1>"Activity"</h1></div>
            {filters(&words)}
            {if entries.is_empty() {
                view! { <p class="quiet">"Nothing was asked for yet. Who creates, deploys, restarts or purges what, and what came of it, will stand here."</p> }
                    .into_any()
            } else {
                timeline(&entries, true).into_any()
            }}
        }
        .into_any())
    })
}

fn filters(words: &[Option<String>; 3]) -> Option<impl IntoView + use<>> {
    let words: Vec<(&str, String)> = ["service", "environment", "actor"]
        .into_iter()
        .zip(words)
        .filter_map(|(key, word)| Some((key, word.clone()?)))
        .collect();
    (!words.is_empty()).then(|| {
        view! {
            <p class="filters">
                {words
                    .into_iter()
                    .map(|(key, word)| view! { <span class="badge">{key} ": " {word}</span> " " })
                    .collect_view()}
                <a href="/activity">"Show all"</a>
            </p>
        }
    })
}
