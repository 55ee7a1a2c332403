//! What was purged of a Redis, and what is purged there every day.

use crate::{
    components::{ago, job_state, selection as which},
    field::csrf,
    model::PurgeProgressView,
    words,
};
use fairway_domain::PurgeSchedule;
use leptos::prelude::*;

/// What is purged here every day, each with the way to end that.
pub(super) fn scheduled(schedules: Vec<PurgeSchedule>, token: &str) -> Option<impl IntoView + use<>> {
    let row = |schedule: PurgeSchedule| {
        let removal = format!("/services/{}/purge/schedules/{}/removal", schedule.service, schedule.id);
        let last = schedule.last_job.map(|job| view! { <a href=format!("/jobs/{job}")>"Last time"</a> });
        view! {
            <tr>
                <td>{schedule.at.to_string()} " UTC"</td>
                <td>{schedule.actor.name}</td>
                <td class="wide" title=schedule.reason.to_string()>{which(&schedule.selection)} " · " {schedule.reason.to_string()}</td>
                <td class="number">{words::count(schedule.most)}</td>
                <td>{last}</td>
                <td>
                    <form method="post" action=removal>
                        {csrf(token.to_owned())}
                        <button>"Remove"</button>
                    </form>
                </td>
            </tr>
        }
    };
    let heads = [
        ("At", None),
        ("Who", None),
        ("What and why", Some("wide")),
        ("At most", Some("number")),
        ("Job", None),
        ("To end it", None),
    ];
    let some = !schedules.is_empty();
    some.then(|| {
        records("Every day", "Purges of every day", heads, schedules.into_iter().map(row).collect_view())
    })
}

/// What was purged here before, each with the way to the same again.
pub(super) fn earlier(purges: Vec<PurgeProgressView>) -> Option<impl IntoView> {
    let row = |purge: PurgeProgressView| {
        view! {
            <tr>
                <td>{ago(purge.created)}</td>
                <td>{purge.actor.clone()}</td>
                <td class="wide" title=purge.reason.clone()>{which(&purge.selection)} " · " {purge.reason.clone()}</td>
                <td>{job_state(purge.state)}</td>
                <td class="number"><a href=format!("/jobs/{}", purge.job)>{words::count(purge.counts.removed)}</a></td>
                <td><a href=purge.again>"Again"</a></td>
            </tr>
        }
    };
    let heads = [
        ("When", None),
        ("Who", None),
        ("What and why", Some("wide")),
        ("Outcome", None),
        ("Removed", Some("number")),
        ("The same", None),
    ];
    let some = !purges.is_empty();
    some.then(|| {
        records("Earlier purges", "Earlier purges", heads, purges.into_iter().map(row).collect_view())
    })
}

/// A part of the page: a table whose columns have a name and, if their text isn't plain, a class.
fn records(
    title: &'static str,
    label: &'static str,
    heads: [(&'static str, Option<&'static str>); 6],
    rows: impl IntoView,
) -> impl IntoView {
    let head = |(name, class)| view! { <th scope="col" class=class>{name}</th> };
    view! {
        <section class="part">
            <h2>{title}</h2>
            <div class="scroll" tabindex="0" role="region" aria-label=label>
                <table class="timeline">
                    <thead>
                        <tr>{heads.map(head).collect_view()}</tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
    }
}
