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
    (!schedules.is_empty()).then(|| {
        view! {
            <section class="part">
                <h2>"Every day"</h2>
                <div class="scroll" tabindex="0" role="region" aria-label="Purges of every day">
                    <table class="timeline">
                        <thead>
                            <tr>
                                <th scope="col">"At"</th>
                                <th scope="col">"Who"</th>
                                <th scope="col" class="wide">"What and why"</th>
                                <th scope="col" class="number">"At most"</th>
                                <th scope="col">"Job"</th>
                                <th scope="col">"To end it"</th>
                            </tr>
                        </thead>
                        <tbody>{schedules.into_iter().map(row).collect_view()}</tbody>
                    </table>
                </div>
            </section>
        }
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
    (!purges.is_empty()).then(|| {
        view! {
            <section class="part">
                <h2>"Earlier purges"</h2>
                <div class="scroll" tabindex="0" role="region" aria-label="Earlier purges">
                    <table class="timeline">
                        <thead>
                            <tr>
                                <th scope="col">"When"</th>
                                <th scope="col">"Who"</th>
                                <th scope="col" class="wide">"What and why"</th>
                                <th scope="col">"Outcome"</th>
                                <th scope="col" class="number">"Removed"</th>
                                <th scope="col">"The same"</th>
                            </tr>
                        </thead>
                        <tbody>{purges.into_iter().map(row).collect_view()}</tbody>
                    </table>
                </div>
            </section>
        }
    })
}
