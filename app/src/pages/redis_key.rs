//! What does a key hold?

use super::redis::{Place, look_form, time_left, usage};
use crate::{
    address,
    components::{command, facts},
    request::{Trouble, done, given, page, param, query, refusal_status, status},
    words,
};
use fairway_domain::{KeyElement, KeyName, KeyPosition, KeyValue, ServiceName, ShownBytes};
use fairway_portal::RedisKeyView;
use leptos::prelude::*;
use leptos_meta::Title;

/// A key, with a page of its value.
#[component]
pub(crate) fn RedisKeyPage() -> impl IntoView {
    let service = param::<ServiceName>("name");
    let environment = query("environment");
    // An empty name is a name.
    let key = given("key");
    let from = query("from");
    page(|request| async move {
        let place = Place::asked(&request, service?, environment)?;
        let typed = key.ok_or(Trouble::NotFound)?;
        let from = from.map(|text| text.parse::<KeyPosition>()).transpose().map_err(|_| Trouble::NotFound)?;
        let key = match typed.parse::<KeyName>() {
            Ok(key) => key,
            Err(wrong) => {
                status(http::StatusCode::UNPROCESSABLE_ENTITY);
                return Ok(around(
                    &place,
                    &typed,
                    view! { <p class="alert" role="alert">{wrong.to_string()}</p> },
                ));
            }
        };
        let Place { service, environment } = &place;
        let read = request.portal.redis_key(&request.actor, service, environment, &key, from.as_ref()).await;
        let body = match done(read) {
            Ok(read) => value(&place, &read, from.as_ref()).into_any(),
            Err(Trouble::Refused(refusal)) => {
                status(refusal_status(&refusal));
                view! { <p class="alert" role="alert">{refusal.to_string()}</p> }.into_any()
            }
            Err(trouble) => return Err(trouble),
        };
        Ok(around(&place, &typed, body))
    })
}

fn around(place: &Place, typed: &str, body: impl IntoView + 'static) -> AnyView {
    let name = typed.parse::<KeyName>().map_or_else(|_| typed.to_owned(), |key| key.shown());
    let service = place.service.to_string();
    let redis = address::redis(&service, place.environment.as_str());
    view! {
        <Title text=format!("{name} in {} Redis on {}", words::possessive(&service), place.environment)/>
        <nav class="crumbs" aria-label="Where this is">
            <a href="/">"Services"</a>
            " / "
            <a href=address::service(&service)>{service.clone()}</a>
            " / "
            <a href=redis>"redis on " {place.environment.to_string()}</a>
            " / "
            <span aria-current="page">"key"</span>
        </nav>
        <div class="head"><h1><code>{name}</code></h1></div>
        {body}
        {look_form(place, typed)}
    }
    .into_any()
}

fn value(place: &Place, read: &RedisKeyView, from: Option<&KeyPosition>) -> impl IntoView + use<> {
    let key = &read.key;
    let shown = if key.elements.is_empty() {
        view! { <p class="quiet">{nothing(key, from)}</p> }.into_any()
    } else if key.r#type == "string" {
        key.elements.iter().map(string).collect_view().into_any()
    } else {
        elements(key).into_any()
    };
    view! {
        {about(key)}
        {key.hidden.then(|| view! {
            <p class="alert">"Its name looks like a secret's (session, token, password and the like), so its values are hidden. The command below shows them to who may run it."</p>
        })}
        <section class="block">
            <h2>"Value"</h2>
            {shown}
            {pages(place, key, from)}
            {command(read.command.to_string())}
        </section>
    }
}

fn nothing(key: &KeyValue, from: Option<&KeyPosition>) -> String {
    match (key.length, from) {
        (None, _) => format!("Fairway doesn't read values of type {}; its module's commands do.", key.r#type),
        (Some(0), _) => "It is empty.".to_owned(),
        (Some(_), _) => "There is nothing more from here on.".to_owned(),
    }
}

fn about(key: &KeyValue) -> impl IntoView + use<> {
    let kind = match &key.encoding {
        Some(encoding) => format!("{}, kept as {encoding}", key.r#type),
        None => key.r#type.clone(),
    };
    let length = key.length.map(|length| match key.r#type.as_str() {
        "string" => words::counted(length, "byte"),
        "hash" => words::counted(length, "field"),
        "stream" if length == 1 => "1 entry".to_owned(),
        "stream" => format!("{} entries", words::count(length)),
        _ => words::counted(length, "element"),
    });
    let note = key.look_counts.then_some(" · this look counts as a use, in Redis before 7.2");
    let mut list = vec![("Type", kind.into_any())];
    list.extend(length.map(|length| ("Length", length.into_any())));
    list.extend(key.memory.map(|memory| ("Memory", format!("about {}", words::bytes(memory)).into_any())));
    list.push(("Goes", time_left(key.expires_in_milliseconds).into_any()));
    list.extend(
        key.usage.map(|one| ("Used", view! { {usage(one)} <span class="quiet">{note}</span> }.into_any())),
    );
    facts(list)
}

fn string(element: &KeyElement) -> impl IntoView + use<> {
    let value = &element.value;
    let from = element.position.clone().unwrap_or_default();
    let beginning = (from != "0").then(|| view! { <p class="quiet">"From byte " {from.clone()} " on:"</p> });
    view! {
        {beginning}
        <pre class="value" tabindex="0">{value.text.clone()}</pre>
        {notes(value)}
    }
}

fn elements(key: &KeyValue) -> impl IntoView + use<> {
    let position = match key.r#type.as_str() {
        "list" => Some("Index"),
        "zset" => Some("Rank"),
        "stream" => Some("Entry"),
        _ => None,
    };
    let scored = key.r#type == "zset";
    let named = matches!(key.r#type.as_str(), "hash" | "stream");
    let value = match key.r#type.as_str() {
        "set" | "zset" => "Member",
        "list" => "Element",
        _ => "Value",
    };
    let rows = key
        .elements
        .iter()
        .map(|one| {
            view! {
                <tr>
                    {position.map(|_| view! { <td class="number">{one.position.clone()}</td> })}
                    {scored.then(|| view! { <td class="number">{one.score.clone()}</td> })}
                    {one.field.as_ref().map(|field| view! { <th scope="row"><code>{field.text.clone()}</code> {notes(field)}</th> })}
                    <td><code>{one.value.text.clone()}</code> {notes(&one.value)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="scroll" tabindex="0" role="region" aria-label="Value">
            <table class="values">
                <thead>
                    <tr>
                        {position.map(|word| view! { <th scope="col" class="number">{word}</th> })}
                        {scored.then(|| view! { <th scope="col" class="number">"Score"</th> })}
                        {named.then(|| view! { <th scope="col">"Field"</th> })}
                        <th scope="col">{value}</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

/// What isn't seen of bytes by reading them.
fn notes(bytes: &ShownBytes) -> Option<impl IntoView + use<>> {
    let mut notes = Vec::new();
    if bytes.text.is_empty() {
        notes.push("empty".to_owned());
    }
    if bytes.hidden {
        notes.push(format!("a secret is hidden, {} in all", words::bytes(bytes.bytes)));
    }
    if bytes.cut {
        notes.push(format!("cut, {} in all", words::bytes(bytes.bytes)));
    }
    if bytes.escaped {
        notes.push("escaped".to_owned());
    }
    (!notes.is_empty()).then(|| view! { " " <span class="quiet">"(" {notes.join("; ")} ")"</span> })
}

fn pages(place: &Place, key: &KeyValue, from: Option<&KeyPosition>) -> Option<impl IntoView + use<>> {
    let first = address::redis_key(place.service.as_str(), place.environment.as_str(), &key.name)?;
    let next = key.next.as_ref().map(|next| format!("{first}&from={next}"));
    let start = from.map(|_| view! { <a class="button" href=first>"From the start"</a> " " });
    let next = next.map(|href| view! { <a class="button" rel="next" href=href>"Next page"</a> });
    (start.is_some() || next.is_some()).then(|| view! { <p class="pages">{start} {next}</p> })
}
