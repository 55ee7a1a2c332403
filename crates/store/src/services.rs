//! Services.

use crate::jobs::{self, NewJob};
use crate::rows::{Fields, now};
use crate::{Error, Store};
use fairway_domain::{Action, Actor, EnvironmentName, Job, JobKind, Parameters, Service, ServiceName};
use sqlx::any::AnyRow;

/// What came of asking for a new service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created {
    /// The service is on record; this job makes it.
    New(Job),
    /// There is a service of that name. Nothing was changed.
    Taken,
}

impl Store {
    /// Puts a service on record, with the job that makes it (whose request is the parameters) and the activity, or says that its name
    /// is taken. `environment` is where it goes first.
    pub async fn create_service(
        &self,
        parameters: &Parameters,
        environment: &EnvironmentName,
        actor: &Actor,
    ) -> Result<Created, Error> {
        let request = serde_json::to_value(parameters)?;
        let mut write = self.write().await?;
        let inserted = sqlx::query(
            "INSERT INTO services (name, parameters, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(parameters.name.as_str())
        .bind(request.to_string())
        .bind(now())
        .execute(write.connection())
        .await?;
        if inserted.rows_affected() == 0 {
            return Ok(Created::Taken);
        }
        let new = NewJob {
            kind: JobKind::Create,
            service: &parameters.name,
            environment: Some(environment),
            request: &request,
            actor,
            action: Action::Create,
            detail: &parameters.description,
        };
        let job = jobs::insert(write.connection(), &new).await?;
        write.commit().await?;
        Ok(Created::New(job))
    }

    /// Every service, by name.
    pub async fn services(&self) -> Result<Vec<Service>, Error> {
        let rows = sqlx::query("SELECT name, parameters, created_at FROM services")
            .fetch_all(&mut *self.read().await?)
            .await?;
        let mut services: Vec<Service> = rows.iter().map(service).collect::<Result<_, _>>()?;
        // Sorted here, because the databases' own order of text depends on how each was set up.
        services.sort_by(|one, other| one.parameters.name.cmp(&other.parameters.name));
        Ok(services)
    }

    /// The service of that name, if there is one.
    pub async fn service(&self, name: &ServiceName) -> Result<Option<Service>, Error> {
        let row = sqlx::query("SELECT name, parameters, created_at FROM services WHERE name = $1")
            .bind(name.as_str())
            .fetch_optional(&mut *self.read().await?)
            .await?;
        row.as_ref().map(service).transpose()
    }
}

fn service(row: &AnyRow) -> Result<Service, Error> {
    let fields = Fields::of(row, "services", "name");
    Ok(Service { parameters: fields.json("parameters")?, created_at: fields.time("created_at")? })
}
