//! The answers on the left, what they give on the right.

use crate::{
    field::{csrf, error_of, hint_of},
    forms::CreateForm,
};
use fairway_domain::{Field, ParametersDraft, Runtime};
use fairway_portal::Preview;
use leptos::prelude::*;

/// The form, the names that its answers lead to, and everything that they would create. Errors stand at the fields that somebody has
/// been to.
pub(crate) struct DraftPanel {
    draft: ParametersDraft,
    preview: Preview,
    touched: Vec<String>,
}

impl DraftPanel {
    /// A form that was never sent: errors stand at the fields that are `touched`.
    pub(crate) fn typed(draft: ParametersDraft, preview: Preview, touched: &str) -> Self {
        Self { draft, preview, touched: touched.split(',').map(str::to_owned).collect() }
    }

    /// A form that was sent and refused: every error stands at its field.
    pub(crate) fn refused(form: CreateForm, mut preview: Preview) -> Self {
        for error in form.errors {
            if !preview.errors.contains(&error) {
                preview.errors.push(error);
            }
        }
        let fields = ["name", "team", "description", "runtime", "port", "replicas", "variables"];
        Self { draft: form.draft, preview, touched: fields.map(str::to_owned).to_vec() }
    }

    /// How many answers are wrong.
    pub(crate) fn wrong(&self) -> usize {
        self.preview.errors.len()
    }

    fn error(&self, field: Field) -> Option<String> {
        let touched = self.touched.iter().any(|name| name == name_of(field));
        let error = self.preview.errors.iter().find(|error| error.field == field)?;
        touched.then(|| error.message.clone())
    }

    /// The name, once it can be had.
    fn name(&self) -> Option<&str> {
        let wrong = self.preview.errors.iter().any(|error| error.field == Field::Name);
        Some(self.draft.name.trim()).filter(|name| !wrong && !name.is_empty())
    }

    fn names(&self) -> Option<String> {
        self.name()?;
        let names: Vec<String> =
            self.preview.names.iter().map(|(what, name)| format!("{what} {name}")).collect();
        Some(format!("→ {}", names.join(" · ")))
    }
}

fn name_of(field: Field) -> &'static str {
    match field {
        Field::Name => "name",
        Field::Team => "team",
        Field::Description => "description",
        Field::Runtime => "runtime",
        Field::Port => "port",
        Field::Replicas => "replicas",
        Field::Variables => "variables",
    }
}

/// Both halves. `key` makes a form that is sent twice do one thing.
pub(crate) fn new_service(panel: &DraftPanel, token: &str, key: &str) -> impl IntoView + use<> {
    // A name that is refused isn't repeated on the button as if it would be taken.
    let button =
        panel.name().map_or_else(|| "Create the service".to_owned(), |name| format!("Create {name}"));
    view! {
        <div class="new-service">
            <form method="post" action="/new" class="answers" novalidate>
                {csrf(token.to_owned())}
                <input type="hidden" name="idempotency" value=key.to_owned()/>
                {identity(panel)}
                {parts(panel)}
                {running(panel)}
                <div class="send"><button class="primary">{button}</button></div>
            </form>
            {given(&panel.preview)}
        </div>
    }
}

fn identity(panel: &DraftPanel) -> impl IntoView + use<> {
    let names = panel.names();
    let hint = "Lower-case letters, digits and dashes, at most 40: it becomes the repository, the image, the release and the address.";
    view! {
        <div class="field">
            <label for="name">"Name"</label>
            {input(panel, Field::Name, &panel.draft.name, true)}
            {hint_of("name", hint)}
            {names.map(|names| view! { <p class="names">{names}</p> })}
            {error_of("name", panel.error(Field::Name))}
        </div>
        <div class="field">
            <label for="team">"Team"</label>
            {input(panel, Field::Team, &panel.draft.team, true)}
            {error_of("team", panel.error(Field::Team))}
        </div>
        <div class="field">
            <label for="description">"Description " <span class="quiet">"one line, may be empty"</span></label>
            {input(panel, Field::Description, &panel.draft.description, false)}
            {error_of("description", panel.error(Field::Description))}
        </div>
    }
}

fn input(panel: &DraftPanel, field: Field, value: &str, required: bool) -> impl IntoView + use<> {
    let name = name_of(field);
    let number = matches!(field, Field::Port | Field::Replicas);
    view! {
        <input
            id=name
            name=name
            value=value.to_owned()
            required=required
            autocomplete="off"
            autocapitalize="none"
            spellcheck=(field != Field::Description).then_some("false")
            inputmode=number.then_some("numeric")
            aria-describedby=format!("{name}-hint {name}-error")
            aria-invalid=panel.error(field).map(|_| "true")
        />
    }
}

fn parts(panel: &DraftPanel) -> impl IntoView + use<> {
    let runtimes = Runtime::ALL
        .into_iter()
        .map(|runtime| {
            let chosen = panel.draft.runtime == runtime.as_str();
            view! {
                <label class="choice">
                    <input type="radio" name="runtime" value=runtime.as_str() checked=chosen/>
                    <span><b>{runtime.title()}</b> " " <span class="quiet">{runtime.summary()}</span></span>
                </label>
            }
        })
        .collect_view();
    view! {
        <fieldset class="field">
            <legend>"Runtime"</legend>
            {runtimes}
            {error_of("runtime", panel.error(Field::Runtime))}
        </fieldset>
        <fieldset class="field">
            <legend>"Components"</legend>
            <label class="choice">
                <input type="checkbox" name="redis" checked=panel.draft.redis/>
                <span>
                    <b>"Redis"</b> " " <span class="quiet">"a cache of its own, its password in a Secret; one more pod"</span>
                </span>
            </label>
            <label class="choice">
                <input type="checkbox" name="metrics" checked=panel.draft.metrics/>
                <span><b>"Metrics"</b> " " <span class="quiet">"Prometheus finds /metrics; costs nothing"</span></span>
            </label>
        </fieldset>
    }
}

fn running(panel: &DraftPanel) -> impl IntoView + use<> {
    view! {
        <div class="pair">
            <div class="field">
                <label for="port">"Port"</label>
                {input(panel, Field::Port, &panel.draft.port, false)}
                {error_of("port", panel.error(Field::Port))}
            </div>
            <div class="field">
                <label for="replicas">"Pods"</label>
                {input(panel, Field::Replicas, &panel.draft.replicas, false)}
                {error_of("replicas", panel.error(Field::Replicas))}
            </div>
        </div>
        <div class="field">
            <label for="variables">"Variables " <span class="quiet">"one NAME=value a line"</span></label>
            <textarea
                id="variables"
                name="variables"
                rows="4"
                spellcheck="false"
                autocapitalize="none"
                aria-describedby="variables-error"
                aria-invalid=panel.error(Field::Variables).map(|_| "true")
            >
                {panel.draft.variables.clone()}
            </textarea>
            {error_of("variables", panel.error(Field::Variables))}
        </div>
    }
}

/// The files of the first commit, and the manifests.
fn given(preview: &Preview) -> impl IntoView + use<> {
    let files = preview
        .files
        .iter()
        .map(|file| document(file.path.clone(), file.executable, false, file.contents.clone()))
        .collect_view();
    let manifests = preview
        .manifests
        .iter()
        .map(|manifest| {
            document(format!("{} {}", manifest.kind, manifest.name), false, true, manifest.yaml.clone())
        })
        .collect_view();
    view! {
        <section class="given" aria-label="What the answers give">
            <h2>"In the repository"</h2>
            {files}
            <h2>"In the cluster" <span class="quiet">{format!("{} objects, from the chart", preview.manifests.len())}</span></h2>
            {manifests}
        </section>
    }
}

fn document(path: String, executable: bool, manifest: bool, contents: String) -> impl IntoView + use<> {
    let open = path == "fairway.yaml";
    view! {
        <details class="document" class:manifest=manifest data-key=path.clone() open=open>
            <summary>
                {path.clone()}
                {executable.then(|| view! { <span class="quiet">" executable"</span> })}
            </summary>
            <pre tabindex="0">{contents}</pre>
        </details>
    }
}
