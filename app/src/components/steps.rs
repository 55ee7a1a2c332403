//! A job's steps, each with its state, its time, its log and its command.

use crate::{
    components::{command, state, time},
    model::{JobView, StepView},
    words,
};
use fairway_domain::{JobKind, StepName, StepState};
use leptos::prelude::*;

/// The steps in order. The failed one is open, and a short log of a step that is the only one.
pub(crate) fn steps(job: &JobView) -> impl IntoView + use<> {
    let kind = job.kind;
    let alone = job.steps.len() == 1;
    view! {
        <ol class="steps">{job.steps.iter().map(|one| view! { <li>{step(one, kind, alone)}</li> }).collect_view()}</ol>
    }
}

/// What a step does, in words.
fn title(name: StepName, kind: JobKind) -> &'static str {
    match (name, kind) {
        (StepName::Render, _) => "Render the files",
        (StepName::Repository, _) => "Create the repository",
        (StepName::Build, _) => "Build the image",
        (StepName::Release, JobKind::Create) => "Release to the first environment",
        (StepName::Release, _) => "Release",
        (StepName::Ready, _) => "Wait until it is ready",
        (StepName::Purge, _) => "Remove the keys",
    }
}

fn step(step: &StepView, kind: JobKind, alone: bool) -> impl IntoView + use<> {
    let failed = step.state == StepState::Failed;
    let lines = step.log.len();
    let open = failed || (alone && lines < 4);
    view! {
        <div class="step" class:current=step.state == StepState::Running class:failed=failed>
            <div class="head">
                {state::step_state(step.state)}
                <span class="title">{title(step.name, kind)}</span>
                <span class="took">{time::duration(step.started, step.finished)}</span>
            </div>
            {step.error.clone().map(|error| view! { <p class="step-error" role="alert">{error}</p> })}
            {(lines > 0)
                .then(|| {
                    view! {
                        <details class="log" open=open data-open=open.to_string()>
                            <summary>
                                {words::counted(lines as u64, "line")}
                                <span class="last">{step.log.last().cloned()}</span>
                            </summary>
                            <pre tabindex="0">{step.log.join("\n")}</pre>
                        </details>
                    }
                })}
            {step.command.clone().map(command)}
        </div>
    }
}
