//! How something is: a shape and a word, the colour only repeats them.

use crate::{clock, components::time, model::FreshnessView};
use fairway_domain::{BuildState, DeployState, Health, JobState, Outcome, StepState};
use leptos::prelude::*;

fn mark(tone: &'static str, shape: &'static str, word: String) -> impl IntoView + use<> {
    view! {
        <span class=format!("state {tone}")>
            <span class="shape" aria-hidden="true">{shape}</span>
            <span class="word">{word}</span>
        </span>
    }
}

/// The tone of a health, as the style sheet calls it.
fn tone(health: Health) -> &'static str {
    match health {
        Health::Healthy => "good",
        Health::Moving => "moving",
        Health::Failing => "bad",
        Health::Stopped | Health::Absent => "off",
        Health::Unknown => "unknown",
    }
}

/// A health, with its word or with better ones.
pub(crate) fn health(health: Health, words: Option<String>) -> impl IntoView + use<> {
    mark(tone(health), health.shape(), words.unwrap_or_else(|| health.word().to_owned()))
}

/// Whether a cluster answers.
pub(crate) fn freshness(freshness: FreshnessView) -> impl IntoView + use<> {
    match freshness {
        FreshnessView::Live => mark("good", "●", "answers".to_owned()).into_any(),
        FreshnessView::UnknownSince(at) => view! {
            <span class="state unknown" title=clock::exact(at)>
                <span class="shape" aria-hidden="true">"?"</span>
                <span class="word">"unknown since " {clock::time_of_day(at)} " UTC, " {time::ago(at)}</span>
            </span>
        }
        .into_any(),
        FreshnessView::NeverSeen => mark("unknown", "?", "not reached yet".to_owned()).into_any(),
    }
}

/// How far a build is.
pub(crate) fn build_state(state: BuildState) -> impl IntoView + use<> {
    match state {
        BuildState::Running => mark("moving", "◐", "building".to_owned()),
        BuildState::Succeeded => mark("good", "●", "built".to_owned()),
        BuildState::Failed => mark("bad", "▲", "build failed".to_owned()),
    }
}

/// How far a deploy is.
pub(crate) fn deploy_state(state: DeployState) -> impl IntoView + use<> {
    match state {
        DeployState::Running => mark("moving", "◐", "deploying".to_owned()),
        DeployState::Succeeded => mark("good", "●", "succeeded".to_owned()),
        DeployState::Failed => mark("bad", "▲", "failed".to_owned()),
    }
}

/// How far a job is.
pub(crate) fn job_state(state: JobState) -> impl IntoView + use<> {
    match state {
        JobState::Running => mark("moving", "◐", "running".to_owned()),
        JobState::Succeeded => mark("good", "●", "done".to_owned()),
        JobState::Failed => mark("bad", "▲", "failed".to_owned()),
        JobState::Stopped => mark("off", "○", "stopped".to_owned()),
    }
}

/// How far a step is.
pub(crate) fn step_state(state: StepState) -> impl IntoView + use<> {
    match state {
        StepState::Pending => mark("off", "○", "to come".to_owned()),
        StepState::Running => mark("moving", "◐", "running".to_owned()),
        StepState::Succeeded => mark("good", "●", "done".to_owned()),
        StepState::Failed => mark("bad", "▲", "failed".to_owned()),
        StepState::Stopped => mark("off", "○", "stopped".to_owned()),
    }
}

/// What came of something that was asked for.
pub(crate) fn outcome(outcome: &Outcome) -> impl IntoView + use<> {
    match outcome {
        Outcome::Running => mark("moving", "◐", "running".to_owned()),
        Outcome::Succeeded => mark("good", "●", "done".to_owned()),
        Outcome::Failed(_) => mark("bad", "▲", "failed".to_owned()),
        Outcome::Refused(_) => mark("off", "○", "refused".to_owned()),
        Outcome::Stopped(_) => mark("off", "○", "stopped".to_owned()),
    }
}
