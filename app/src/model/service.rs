//! The list of services, and one of them.

use super::{CommitView, FreshnessView, ObjectView, StatusView};
use fairway_domain::{Action, BuildState, Health, JobState, Outcome};

/// Every service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServicesView {
    pub environments: Vec<String>,
    /// What needs someone comes first, then by name.
    pub rows: Vec<ServiceRow>,
}

/// A service in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServiceRow {
    pub name: String,
    pub team: String,
    pub description: String,
    pub cells: Vec<CellView>,
    pub last_deploy: Option<LastDeployView>,
    pub creation: Option<CreationView>,
}

impl ServiceRow {
    /// Smaller needs someone sooner.
    pub(crate) fn urgency(&self) -> u8 {
        let failed = self.creation.as_ref().is_some_and(|creation| creation.state == JobState::Failed);
        let worst = self.cells.iter().map(|cell| urgency(cell.health_now())).min().unwrap_or(3);
        if failed { 0 } else { worst }
    }

    /// What the filter looks through.
    pub(crate) fn words(&self) -> String {
        format!("{} {} {}", self.name, self.team, self.description).to_lowercase()
    }
}

fn urgency(health: Health) -> u8 {
    match health {
        Health::Failing => 0,
        Health::Unknown => 1,
        Health::Moving => 2,
        Health::Healthy | Health::Stopped | Health::Absent => 3,
    }
}

/// A service in one environment, in a table's cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CellView {
    pub environment: String,
    pub freshness: FreshnessView,
    pub health: Health,
    pub ready: u32,
    pub desired: u32,
    pub commit: Option<String>,
    pub sentence: String,
    pub since: Option<i64>,
}

impl CellView {
    pub(crate) fn health_now(&self) -> Health {
        if self.freshness == FreshnessView::Live { self.health } else { Health::Unknown }
    }
}

impl From<StatusView> for CellView {
    fn from(status: StatusView) -> Self {
        let cause = status.findings.first().map(|finding| (finding.title.clone(), finding.since));
        let (sentence, since) = cause.unwrap_or((status.sentence, status.since));
        Self {
            environment: status.environment,
            freshness: status.freshness,
            health: status.health,
            ready: status.ready,
            desired: status.desired,
            commit: status.commit,
            sentence,
            since,
        }
    }
}

/// The newest deploy of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LastDeployView {
    pub number: i64,
    pub actor: String,
    pub environment: String,
    pub at: i64,
}

/// The job that creates a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CreationView {
    pub job: String,
    pub state: JobState,
}

/// A service, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServiceView {
    pub name: String,
    pub creation: Option<CreationView>,
    pub columns: Vec<ColumnView>,
    pub builds: Vec<BuildView>,
    pub timeline: Vec<TimelineView>,
}

/// A service in one environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ColumnView {
    pub status: StatusView,
    pub commit: Option<CommitView>,
    /// The deploy that runs there: its number and its commit.
    pub running: Option<(i64, String)>,
    /// Where *Roll back* leads: the deploy's number and its commit.
    pub back_to: Option<(i64, String)>,
    /// Builds that are newer than what runs.
    pub behind: usize,
    pub purge: PurgeView,
    pub objects: Vec<ObjectView>,
}

/// Whether a purge is possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PurgeView {
    Allowed,
    NoRedis,
    NotPurgeable,
}

/// An image of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BuildView {
    pub id: String,
    pub commit: CommitView,
    pub state: BuildState,
    pub job: String,
    pub created: i64,
    pub finished: Option<i64>,
    /// The environments that run it.
    pub live_in: Vec<String>,
}

/// Something that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TimelineView {
    pub at: i64,
    pub actor: String,
    pub action: Action,
    pub service: String,
    pub environment: Option<String>,
    pub detail: String,
    pub outcome: Outcome,
    /// The page of the thing itself.
    pub link: Option<String>,
    pub finished: Option<i64>,
}

mod from_portal {
    use super::{
        BuildState, BuildView, CellView, ColumnView, CreationView, LastDeployView, ObjectView, PurgeView,
        ServiceRow, ServiceView, ServicesView, StatusView, TimelineView,
    };
    use crate::model::milliseconds;
    use fairway_domain::{Activity, Build, CommitSha, Deploy, DeployState, Environment, Job};
    use fairway_portal::{EnvironmentDetail, Purgeability, ServiceDetail, ServiceSummary};

    impl ServicesView {
        /// The list, what needs someone first.
        pub(crate) fn new(environments: &[Environment], services: Vec<ServiceSummary>) -> Self {
            let mut rows: Vec<ServiceRow> = services.into_iter().map(ServiceRow::from).collect();
            rows.sort_by(|a, b| a.urgency().cmp(&b.urgency()).then_with(|| a.name.cmp(&b.name)));
            let environments = environments.iter().map(|environment| environment.name.to_string()).collect();
            Self { environments, rows }
        }
    }

    impl From<ServiceSummary> for ServiceRow {
        fn from(summary: ServiceSummary) -> Self {
            let parameters = summary.service.parameters;
            Self {
                name: parameters.name.into(),
                team: parameters.team.into(),
                description: parameters.description,
                cells: summary
                    .environments
                    .into_iter()
                    .map(|status| CellView::from(StatusView::from(status)))
                    .collect(),
                last_deploy: summary.last_deploy.map(|deploy| LastDeployView {
                    number: deploy.number.0,
                    actor: deploy.actor.name,
                    environment: deploy.environment.into(),
                    at: milliseconds(deploy.created_at),
                }),
                creation: summary.creation.map(Into::into),
            }
        }
    }

    impl From<Job> for CreationView {
        fn from(job: Job) -> Self {
            Self { job: job.id.to_string(), state: job.state }
        }
    }

    impl From<ServiceDetail> for ServiceView {
        fn from(detail: ServiceDetail) -> Self {
            let live: Vec<(String, Deploy)> = detail
                .environments
                .iter()
                .filter_map(|e| Some((e.environment.name.to_string(), e.live.clone()?)))
                .collect();
            let columns = detail
                .environments
                .into_iter()
                .map(|environment| column(environment, &detail.deploys, &detail.builds))
                .collect();
            let timeline =
                detail.activity.into_iter().map(|activity| timeline(activity, &detail.deploys)).collect();
            Self {
                name: detail.service.parameters.name.into(),
                creation: detail.creation.map(Into::into),
                columns,
                builds: detail.builds.into_iter().map(|build| build_view(build, &live)).collect(),
                timeline,
            }
        }
    }

    fn column(environment: EnvironmentDetail, deploys: &[Deploy], builds: &[Build]) -> ColumnView {
        let live = environment.live;
        let newest = environment.status.commit.clone();
        let behind = newest.map_or(0, |commit| {
            let built = builds.iter().filter(|build| build.state == BuildState::Succeeded);
            built.take_while(|build| build.commit.sha != commit).count()
        });
        let back_to =
            live.as_ref().and_then(|live| back_to(live, environment.status.commit.as_ref(), deploys));
        ColumnView {
            status: environment.status.into(),
            commit: environment.commit.map(Into::into),
            running: environment
                .running
                .map(|deploy| (deploy.number.0, deploy.commit.sha.short().to_owned())),
            back_to: back_to.map(|deploy| (deploy.number.0, deploy.commit.sha.short().to_owned())),
            behind,
            purge: match environment.purge {
                Purgeability::Allowed => PurgeView::Allowed,
                Purgeability::NoRedis => PurgeView::NoRedis,
                Purgeability::NotPurgeable => PurgeView::NotPurgeable,
            },
            objects: environment
                .objects
                .into_iter()
                .map(|object| ObjectView { kind: object.kind, name: object.name })
                .collect(),
        }
    }

    /// Where *Roll back* leads: to what is live while something else is on its way or stuck, else to what was live before.
    fn back_to<'a>(
        live: &'a Deploy,
        newest: Option<&CommitSha>,
        deploys: &'a [Deploy],
    ) -> Option<&'a Deploy> {
        if newest.is_some_and(|newest| *newest != live.commit.sha) {
            return Some(live);
        }
        deploys.iter().find(|deploy| {
            deploy.environment == live.environment
                && deploy.state == DeployState::Succeeded
                && deploy.number < live.number
                && deploy.build != live.build
        })
    }

    fn build_view(build: Build, live: &[(String, Deploy)]) -> BuildView {
        let runs_it = |(_, deploy): &&(String, Deploy)| deploy.build == build.id;
        let live_in = live.iter().filter(runs_it).map(|(environment, _)| environment.clone()).collect();
        BuildView { live_in, ..BuildView::from(build) }
    }

    impl From<Build> for BuildView {
        fn from(build: Build) -> Self {
            Self {
                id: build.id.to_string(),
                commit: build.commit.into(),
                state: build.state,
                job: build.job.to_string(),
                created: milliseconds(build.created_at),
                finished: build.finished_at.map(milliseconds),
                live_in: Vec::new(),
            }
        }
    }

    fn timeline(activity: Activity, deploys: &[Deploy]) -> TimelineView {
        let number = activity
            .job
            .and_then(|job| deploys.iter().find(|deploy| deploy.job == job))
            .map(|deploy| deploy.number);
        let view = TimelineView::from(activity);
        match number {
            Some(number) => {
                TimelineView { link: Some(format!("/services/{}/deploys/{number}", view.service)), ..view }
            }
            None => view,
        }
    }

    impl From<Activity> for TimelineView {
        fn from(activity: Activity) -> Self {
            Self {
                at: milliseconds(activity.at),
                actor: activity.actor.name,
                action: activity.action,
                service: activity.service.into(),
                environment: activity.environment.map(Into::into),
                detail: activity.detail,
                outcome: activity.outcome,
                link: activity.job.map(|job| format!("/jobs/{job}")),
                finished: activity.finished_at.map(milliseconds),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(health: Health, freshness: FreshnessView) -> ServiceRow {
        let cell = CellView {
            environment: "staging".into(),
            freshness,
            health,
            ready: 1,
            desired: 2,
            commit: None,
            sentence: String::new(),
            since: None,
        };
        ServiceRow {
            name: "orders".into(),
            team: "checkout".into(),
            description: "Takes orders".into(),
            cells: vec![cell],
            last_deploy: None,
            creation: None,
        }
    }

    #[test]
    fn what_fails_comes_before_what_moves_before_what_is_well() {
        let urgency = |health| row(health, FreshnessView::Live).urgency();
        assert!(urgency(Health::Failing) < urgency(Health::Moving));
        assert!(urgency(Health::Moving) < urgency(Health::Healthy));
    }

    #[test]
    fn a_service_whose_cluster_is_away_is_never_counted_as_well() {
        assert_eq!(
            row(Health::Healthy, FreshnessView::UnknownSince(1)).cells[0].health_now(),
            Health::Unknown
        );
    }
}
