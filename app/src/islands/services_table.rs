//! The list of services.

use crate::{
    address,
    components::{ago, health, since},
    follow::{latest, trouble},
    model::{CellView, CreationView, ServiceRow, ServicesView},
};
use fairway_domain::{Health, JobState};
use leptos::prelude::*;

/// What runs where, and is anything wrong? The filter works as a plain form too.
#[island]
pub(crate) fn ServicesTable(initial: ServicesView, filter: String) -> impl IntoView {
    let services = latest("services", initial);
    let filter = RwSignal::new(filter);
    let shown = move || services.value.read().rows.iter().filter(|row| row.matches(&filter.read())).count();
    view! {
        <form class="filter" method="get" action="/" role="search">
            <label for="filter">"Filter"</label>
            <input
                id="filter"
                name="filter"
                type="search"
                autocomplete="off"
                placeholder="name, team, words"
                value=filter.get_untracked()
                on:input=move |event| filter.set(event_target_value(&event))
            />
            <output class="quiet">
                {move || {
                    let all = services.value.read().rows.len();
                    if shown() == all { format!("{all}") } else { format!("{} of {all}", shown()) }
                }}
            </output>
        </form>
        {trouble(services.trouble)}
        <div class="scroll live" tabindex="0" role="region" aria-label="Services">
            <table class="services">
                <thead>
                    <tr>
                        <th scope="col">"Service"</th>
                        <th scope="col">"Team"</th>
                        {move || {
                            let services = services.value.read();
                            services
                                .environments
                                .iter()
                                .map(|environment| view! { <th scope="col">{environment.clone()}</th> })
                                .collect_view()
                        }}
                        <th scope="col">"Last deploy"</th>
                    </tr>
                </thead>
                <tbody>
                    {move || {
                        let services = services.value.read();
                        let filter = filter.read();
                        services.rows.iter().filter(|row| row.matches(&filter)).map(row).collect_view()
                    }}
                </tbody>
            </table>
        </div>
        {move || (shown() == 0).then(|| view! { <p class="quiet">"No service matches. " <a href="/">"Show all"</a></p> })}
    }
}

fn row(row: &ServiceRow) -> impl IntoView + use<> {
    let name = row.name.clone();
    view! {
        <tr>
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
    };
    view! { " " <a class=format!("badge {tone}") href=format!("/jobs/{}", creation.job)>{word}</a> }
}

fn cell(service: &str, cell: &CellView) -> impl IntoView + use<> {
    let now = cell.health_now();
    let words = match now {
        Health::Absent => None,
        Health::Unknown => Some("unknown".to_owned()),
        _ => Some(format!("{}/{}", cell.ready, cell.desired)),
    };
    let explained = matches!(now, Health::Failing | Health::Moving);
    view! {
        <td>
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
