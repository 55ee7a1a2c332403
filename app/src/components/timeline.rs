//! What was asked for, newest first.

use crate::{
    address,
    components::{state, time},
    model::TimelineView,
};
use fairway_domain::{Action, Outcome};
use leptos::prelude::*;

/// The word for an action.
fn action_word(action: Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Push => "push",
        Action::Build => "build",
        Action::Deploy => "deploy",
        Action::RollBack => "roll back",
        Action::Restart => "restart",
        Action::Purge => "purge",
        Action::Retry => "retry",
        Action::Stop => "stop",
        Action::Look => "look",
        Action::Schedule => "schedule",
        Action::Unschedule => "end of schedule",
    }
}

/// The table. `all` names the service too, and makes the words filters.
pub(crate) fn timeline(entries: &[TimelineView], all: bool) -> impl IntoView + use<> {
    view! {
        <div class="scroll" tabindex="0" role="region" aria-label="Activity">
            <table class="timeline">
                <thead>
                    <tr>
                        <th scope="col">"When"</th>
                        <th scope="col">"Who"</th>
                        <th scope="col">"What"</th>
                        {all.then(|| view! { <th scope="col">"Service"</th> })}
                        <th scope="col">"Where"</th>
                        <th scope="col" class="wide">"Particulars"</th>
                        <th scope="col">"Outcome"</th>
                        <th scope="col" class="number">"Took"</th>
                    </tr>
                </thead>
                <tbody>{entries.iter().map(|entry| row(entry, all)).collect_view()}</tbody>
            </table>
        </div>
    }
}

fn row(entry: &TimelineView, all: bool) -> impl IntoView + use<> {
    let particulars = match &entry.outcome {
        Outcome::Failed(why) | Outcome::Refused(why) if entry.detail.is_empty() => why.clone(),
        Outcome::Failed(why) | Outcome::Refused(why) => format!("{}: {why}", entry.detail),
        Outcome::Stopped(by) => format!("{} (stopped by {by})", entry.detail),
        Outcome::Running | Outcome::Succeeded => entry.detail.clone(),
    };
    let took_time = entry.finished.is_some() || entry.outcome == Outcome::Running;
    let began = took_time.then_some(entry.at);
    let word = action_word(entry.action);
    let actor = entry.actor.clone();
    let service = entry.service.clone();
    view! {
        <tr>
            <td>{time::ago(entry.at)}</td>
            <td>{filter(all, "actor", &actor)}</td>
            <td>
                {match entry.link.clone() {
                    Some(link) => view! { <a href=link>{word}</a> }.into_any(),
                    None => view! { {word} }.into_any(),
                }}
            </td>
            {all.then(|| view! { <td>{filter(all, "service", &service)}</td> })}
            <td>{entry.environment.clone().map(|environment| filter(all, "environment", &environment))}</td>
            <td class="wide" title=particulars.clone()>{particulars.clone()}</td>
            <td>{state::outcome(&entry.outcome)}</td>
            <td class="number">{time::duration(began, entry.finished).into_any()}</td>
        </tr>
    }
}

fn filter(all: bool, key: &'static str, word: &str) -> AnyView {
    if !all {
        return word.to_owned().into_any();
    }
    let link = format!("/activity?{key}={}", address::encoded(word));
    view! { <a class="quiet-link" href=link>{word.to_owned()}</a> }.into_any()
}
