//! How far a purge is, and what came of it.

use crate::{clock, components::selection, field::csrf, model::PurgeProgressView, words};
use fairway_domain::JobState;
use leptos::prelude::*;

/// Progress with *Stop* while it runs; afterwards what came of it, and the way to the same again.
pub(crate) fn purge_progress(purge: &PurgeProgressView, token: &str) -> impl IntoView + use<> {
    let running = purge.state == JobState::Running;
    view! {
        <section class="purge-progress" aria-label="How far it is">
            {running.then(|| bar(purge))}
            <p class="figure">{purge.outcome.clone()} {pace(purge)}</p>
            <p class="quiet">{selection(&purge.selection)} " · why: " {purge.reason.clone()}</p>
            {purge
                .stopped_by
                .clone()
                .map(|by| view! { <p>{by} " asked to stop it" {running.then_some("; it stops after the batch it is at")} "."</p> })}
            {if running { stop(purge, token).into_any() } else { again(purge).into_any() }}
        </section>
    }
}

fn bar(purge: &PurgeProgressView) -> impl IntoView + use<> {
    let (done, all) = (purge.counts.found, purge.expected.max(purge.counts.found).max(1));
    view! { <progress value=done.to_string() max=all.to_string() aria-label="Keys done"></progress> }
}

/// *of 12,000 expected · 5,000 a second · about 2 min 5 s left*.
fn pace(purge: &PurgeProgressView) -> Option<impl IntoView + use<>> {
    let running = purge.state == JobState::Running;
    let early = running || purge.state == JobState::Stopped || purge.state == JobState::Failed;
    let mut words = Vec::new();
    if early {
        words.push(format!("of {} expected", words::count(purge.expected)));
    }
    if running && purge.rate > 0 {
        words.push(format!("{} a second", words::count(purge.rate)));
    }
    if let Some(seconds) = purge.seconds_left().filter(|_| running) {
        let left = clock::lasting_still(i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX));
        words.push(format!("about {left} left"));
    }
    (!words.is_empty()).then(|| view! { <span class="quiet">" " {words.join(" · ")}</span> })
}

fn stop(purge: &PurgeProgressView, token: &str) -> Option<impl IntoView + use<>> {
    purge.stopped_by.is_none().then(|| {
        view! {
            <form method="post" action=format!("/jobs/{}/stop", purge.job) class="retry">
                {csrf(token.to_owned())}
                <button>"Stop the purge"</button>
                <span class="quiet">"What is removed stays removed; the rest is kept."</span>
            </form>
        }
    })
}

fn again(purge: &PurgeProgressView) -> impl IntoView + use<> {
    view! { <p><a class="button" href=purge.again.clone()>"Count the same keys again"</a></p> }
}
