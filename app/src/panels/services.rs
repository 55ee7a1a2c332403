//! The list of services.

use crate::{
    address,
    components::{ago, health, since},
    filter::matches,
    model::{CellView, CreationView, ServiceRow, ServicesView},
};
use fairway_domain::{Health, JobState};
use leptos::prelude::*;

/// What runs where, and is anything wrong? Rows that the filter leaves out are there, but hidden, so that a browser can show them at
/// once when the filter changes.
pub(crate) fn services(services: &ServicesView, filter: &str) -> impl IntoView + use<> {
    let filter = filter.to_lowercase();
    let environments = services
        .environments
        .iter()
        .map(|environment| view! { <th scope="col">{environment.clone()}</th> })
        .collect_view();
    view! {
        <table class="services">
            <thead>
                <tr>
                    <th scope="col">"Service"</th>
                    <th scope="col">"Team"</th>
                    {environments}
                    <th scope="col">"Last deploy"</th>
                </tr>
            </thead>
            <tbody>{services.rows.iter().map(|one| row(one, &filter)).collect_view()}</tbody>
        </table>
    }
}

fn row(row: &ServiceRow, filter: &str) -> impl IntoView + use<> {
    let name = row.name.clone();
    let words = row.words();
    view! {
        <tr data-key=name.clone() hidden=!matches(&words, filter) data-words=words>
            <th scope="row" title=row.description.clone()>
                <a href=address::service(&name)>{name.clone()}</a>
                {row.creation.clone().map(creation)}
            </th>
            <td class="quiet">{row.team.clone()}</td>
            {row.cells.iter().map(|one| cell(&name, one)).collect_view()}
            <td class="quiet">
                {row.last_deploy
                    .clone()
                    .map(|deploy| {
                        view! {
                            <a class="quiet-link" href=address::deploy(&name, deploy.number)>
                                {deploy.actor} " → " {deploy.environment}
                            </a>
                            ", "
                            {ago(deploy.at)}
                        }
                    })}
            </td>
        </tr>
    }
}

fn creation(creation: CreationView) -> impl IntoView {
    let (tone, word) = match creation.state {
        JobState::Running => ("moving", "◐ being created"),
        JobState::Failed => ("bad", "▲ creation failed"),
        JobState::Succeeded => ("good", "● created"),
        JobState::Stopped => ("off", "○ creation stopped"),
    };
    view! { " " <a class=format!("badge {tone}") href=format!("/jobs/{}", creation.job)>{word}</a> }
}

fn cell(service: &str, cell: &CellView) -> impl IntoView + use<> {
    let now = cell.health_now();
    let words = match now {
        // What was known last, said as such: never as zero or empty.
        Health::Unknown if cell.desired > 0 => Some(format!("unknown, was {}/{}", cell.ready, cell.desired)),
        Health::Absent | Health::Unknown => None,
        _ => Some(format!("{}/{}", cell.ready, cell.desired)),
    };
    let explained = matches!(now, Health::Failing | Health::Moving);
    view! {
        <td data-label=cell.environment.clone()>
            <a class="cell" href=format!("{}#{}", address::service(service), cell.environment)>
                {health(now, words)}
                {cell.commit.clone().map(|commit| view! { <code>{commit}</code> })}
                {explained.then(|| view! { <span class="sentence">{cell.sentence.clone()}</span> })}
                {cell.since.filter(|_| now == Health::Failing).map(|at| view! { <span class="quiet">{since(at)}</span> })}
                {cell.since.filter(|_| now == Health::Healthy).map(|at| view! { <span class="quiet">{ago(at)}</span> })}
            </a>
        </td>
    }
}
