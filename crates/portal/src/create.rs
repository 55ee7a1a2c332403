//! A new service: what it would be, and the job that makes it.

use crate::{Answer, Error, Manifest, Portal, Preview, PreviewFile, Refusal};
use fairway_delivery::Release;
use fairway_domain::{
    Actor, CommitSha, Environment, Field, FieldError, ImageDigest, ImageReference, Job, Parameters,
    ParametersDraft,
};
use fairway_scaffold::RenderedFile;
use fairway_store::Created;
use std::path::Path;

/// The values file in a service's repository.
pub(crate) const VALUES_FILE: &str = "fairway.yaml";

impl Portal {
    /// What these answers would create, and what is wrong with them. Rendered by the same code that creates it.
    pub async fn preview(&self, _actor: &Actor, draft: &ParametersDraft) -> Result<Preview, Error> {
        let errors = self.errors_of(draft).await?;
        let Some(parameters) = best_effort(draft, &errors) else {
            return Ok(Preview { errors, ..Preview::default() });
        };
        let files = fairway_scaffold::render(&parameters, &self.inner.settings.base_images)?;
        let manifests = self.preview_manifests(&parameters, &files).await?;
        let names = final_names(self, &parameters);
        let files = files.into_iter().map(preview_file).collect();
        Ok(Preview { errors, files, manifests, names })
    }

    /// Begins to create a service, or says what is wrong with the answers.
    pub async fn create(&self, actor: &Actor, draft: &ParametersDraft) -> Result<Answer<Job>, Error> {
        let Ok(parameters) = draft.parse() else {
            return Ok(Answer::Refused(Refusal::Invalid(self.errors_of(draft).await?)));
        };
        Ok(
            match self.inner.store.create_service(&parameters, &self.first_environment().name, actor).await? {
                Created::New(job) => Answer::Done(job),
                Created::Taken => Answer::Refused(Refusal::Invalid(vec![taken(&parameters)])),
            },
        )
    }

    /// Where new services go.
    pub(crate) fn first_environment(&self) -> &Environment {
        &self.inner.settings.environments[0]
    }

    async fn errors_of(&self, draft: &ParametersDraft) -> Result<Vec<FieldError>, Error> {
        let mut errors = draft.parse().err().unwrap_or_default();
        if let Ok(name) = draft.name.trim().parse()
            && let Some(existing) = self.inner.store.service(&name).await?
        {
            errors.insert(0, taken(&existing.parameters));
        }
        Ok(errors)
    }

    async fn preview_manifests(
        &self,
        parameters: &Parameters,
        files: &[RenderedFile],
    ) -> Result<Vec<Manifest>, Error> {
        let Some(values) = files.iter().find(|file| file.path == VALUES_FILE) else {
            return Ok(Vec::new());
        };
        let environment = self.first_environment();
        let folder = self.scratch_folder("preview").await?;
        let values_file = folder.path().join(VALUES_FILE);
        write(&values_file, &values.contents).await?;
        let Some((image, commit)) = self.preview_image(parameters) else { return Ok(Vec::new()) };
        let release = Release {
            service: &parameters.name,
            environment: &environment.name,
            namespace: &environment.namespace,
            chart_version: "",
            values_file: &values_file,
            image: &image,
            commit: &commit,
            description: "",
            redis_image: &self.inner.settings.redis_image,
        };
        let objects = self.inner.helm.template(&release).await?;
        Ok(objects.iter().map(manifest).collect())
    }

    /// Stands for what the build will give: an image and a commit of zeros.
    fn preview_image(&self, parameters: &Parameters) -> Option<(ImageReference, CommitSha)> {
        let digest: ImageDigest = format!("sha256:{}", "0".repeat(64)).parse().ok()?;
        let commit = "0".repeat(40).parse().ok()?;
        let repository = self.inner.registry.image(&parameters.name);
        Some((ImageReference { repository, digest }, commit))
    }

    /// A folder of its own under the data folder, removed when dropped.
    pub(crate) async fn scratch_folder(&self, what: &str) -> Result<tempfile::TempDir, Error> {
        let root = self.inner.settings.data.join("scratch");
        tokio::fs::create_dir_all(&root)
            .await
            .map_err(|source| Error::File { path: root.clone(), source })?;
        tempfile::Builder::new()
            .prefix(what)
            .tempdir_in(&root)
            .map_err(|source| Error::File { path: root, source })
    }
}

pub(crate) async fn write(path: &Path, contents: &str) -> Result<(), Error> {
    tokio::fs::write(path, contents).await.map_err(|source| Error::File { path: path.to_owned(), source })
}

/// The parameters with every wrong answer replaced by what the form offers, so that the preview never goes blank while typing.
fn best_effort(draft: &ParametersDraft, errors: &[FieldError]) -> Option<Parameters> {
    let sensible = ParametersDraft::sensible();
    let mut draft = draft.clone();
    for error in errors {
        match error.field {
            Field::Name if draft.name.trim().parse::<fairway_domain::ServiceName>().is_err() => {
                draft.name = "my-service".into();
            }
            Field::Name => {}
            Field::Team => draft.team = "my-team".into(),
            Field::Description => draft.description.clear(),
            Field::Runtime => draft.runtime.clone_from(&sensible.runtime),
            Field::Port => draft.port.clone_from(&sensible.port),
            Field::Replicas => draft.replicas.clone_from(&sensible.replicas),
            Field::Variables => draft.variables.clear(),
        }
    }
    draft.parse().ok()
}

fn taken(parameters: &Parameters) -> FieldError {
    FieldError {
        field: Field::Name,
        message: format!("{} exists already. Choose another name.", parameters.name),
    }
}

fn preview_file(file: RenderedFile) -> PreviewFile {
    PreviewFile { path: file.path, executable: file.executable, contents: file.contents }
}

pub(crate) fn manifest(object: &serde_json::Value) -> Manifest {
    let text =
        |pointer: &str| object.pointer(pointer).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
    Manifest { kind: text("/kind"), name: text("/metadata/name"), yaml: fairway_delivery::yaml(object) }
}

/// What will exist under which name: nothing is cut, so two services never meet.
fn final_names(portal: &Portal, parameters: &Parameters) -> Vec<(String, String)> {
    let name = &parameters.name;
    let namespace = &portal.first_environment().namespace;
    let mut names = vec![
        ("repository".to_owned(), portal.clone_url(name)),
        ("image".to_owned(), portal.inner.registry.image(name)),
        ("release".to_owned(), name.to_string()),
        ("address".to_owned(), format!("{name}.{namespace}.svc:{}", parameters.port.get())),
    ];
    if parameters.components.redis {
        names.push(("redis".to_owned(), format!("{name}-redis.{namespace}.svc:6379")));
    }
    names
}
