//! The answers on the left, what they give on the right.

use crate::{
    field::{csrf, error_of, hint_of},
    model::{PreviewFileView, PreviewView, changed_lines},
};
use fairway_domain::{Field, ParametersDraft, Runtime, SERVICE_NAME_LIMIT};
use leptos::prelude::*;
use std::time::Duration;

/// What the form holds and what it would give.
#[derive(Clone, Copy)]
struct Answers {
    draft: RwSignal<ParametersDraft>,
    preview: RwSignal<PreviewView>,
    before: RwSignal<Vec<PreviewFileView>>,
    /// The fields that somebody has been to; an error stands only there.
    touched: RwSignal<Vec<Field>>,
    /// Why the preview is that of older answers.
    trouble: RwSignal<Option<String>>,
    /// The number of the newest question, so that an older answer that comes late is dropped.
    asked: StoredValue<u64>,
}

/// The form and its preview. `submitted` says that the answers were sent once, so that every error stands at its field.
#[island]
pub(crate) fn NewService(
    draft: ParametersDraft,
    preview: PreviewView,
    submitted: bool,
    token: String,
    key: String,
) -> impl IntoView {
    let all = [
        Field::Name,
        Field::Team,
        Field::Description,
        Field::Runtime,
        Field::Port,
        Field::Replicas,
        Field::Variables,
    ];
    let answers = Answers {
        before: RwSignal::new(preview.documents().collect()),
        draft: RwSignal::new(draft),
        preview: RwSignal::new(preview),
        touched: RwSignal::new(if submitted { all.to_vec() } else { Vec::new() }),
        trouble: RwSignal::new(None),
        asked: StoredValue::new(0),
    };
    view! {
        <div class="new-service">
            <form method="post" action="/new" class="answers" novalidate>
                {csrf(token)}
                <input type="hidden" name="idempotency" value=key/>
                {fields(answers)}
            </form>
            {given(answers)}
        </div>
    }
}

fn fields(answers: Answers) -> impl IntoView {
    let mut ask = debounce(Duration::from_millis(120), move |()| answers.ask());
    let change = move |field: Option<Field>, set: Box<dyn FnOnce(&mut ParametersDraft)>| {
        answers.draft.update(set);
        if let Some(field) = field {
            answers.touched.update(|touched| touched.push(field));
        }
        ask(());
    };
    let change = StoredValue::new_local(change);
    let change = move |field: Option<Field>, set: Box<dyn FnOnce(&mut ParametersDraft)>| {
        change.update_value(|change| change(field, set));
    };
    let draft = answers.draft.get_untracked();
    let title = move || match answers.draft.read().name.trim() {
        "" => "Create the service".to_owned(),
        name => format!("Create {name}"),
    };
    view! {
        <div class="field">
            <label for="name">"Name"</label>
            <input
                id="name" name="name" required autocomplete="off" autocapitalize="none" spellcheck="false"
                maxlength=(SERVICE_NAME_LIMIT * 4).to_string()
                value=draft.name.clone()
                aria-describedby="name-hint name-error"
                aria-invalid=move || answers.invalid(Field::Name)
                on:input=move |event| {
                    let value = event_target_value(&event);
                    change(Some(Field::Name), Box::new(move |draft| draft.name = value));
                }
            />
            {hint_of("name", "Lower-case letters, digits and dashes, at most 40: it becomes the repository, the image, the release and the address.")}
            <p class="names">{move || answers.names()}</p>
            {move || error_of("name", answers.error(Field::Name))}
        </div>
        <div class="field">
            <label for="team">"Team"</label>
            <input
                id="team" name="team" required autocomplete="off" autocapitalize="none" spellcheck="false"
                value=draft.team.clone()
                aria-describedby="team-error"
                aria-invalid=move || answers.invalid(Field::Team)
                on:input=move |event| {
                    let value = event_target_value(&event);
                    change(Some(Field::Team), Box::new(move |draft| draft.team = value));
                }
            />
            {move || error_of("team", answers.error(Field::Team))}
        </div>
        <div class="field">
            <label for="description">"Description " <span class="quiet">"one line, may be empty"</span></label>
            <input
                id="description" name="description" autocomplete="off" value=draft.description.clone()
                aria-describedby="description-error"
                aria-invalid=move || answers.invalid(Field::Description)
                on:input=move |event| {
                    let value = event_target_value(&event);
                    change(Some(Field::Description), Box::new(move |draft| draft.description = value));
                }
            />
            {move || error_of("description", answers.error(Field::Description))}
        </div>
        <fieldset class="field">
            <legend>"Runtime"</legend>
            {Runtime::ALL
                .into_iter()
                .map(|runtime| {
                    view! {
                        <label class="choice">
                            <input
                                type="radio" name="runtime" value=runtime.as_str()
                                checked=draft.runtime == runtime.as_str()
                                on:change=move |_| {
                                    change(None, Box::new(move |draft| runtime.as_str().clone_into(&mut draft.runtime)));
                                }
                            />
                            <span><b>{runtime.title()}</b> <span class="quiet">{runtime.summary()}</span></span>
                        </label>
                    }
                })
                .collect_view()}
            {move || error_of("runtime", answers.error(Field::Runtime))}
        </fieldset>
        <fieldset class="field">
            <legend>"Components"</legend>
            <label class="choice">
                <input
                    type="checkbox" name="redis" checked=draft.redis
                    on:change=move |event| {
                        let value = event_target_checked(&event);
                        change(None, Box::new(move |draft| draft.redis = value));
                    }
                />
                <span><b>"Redis"</b> <span class="quiet">"a cache of its own, its password in a Secret; one more pod"</span></span>
            </label>
            <label class="choice">
                <input
                    type="checkbox" name="metrics" checked=draft.metrics
                    on:change=move |event| {
                        let value = event_target_checked(&event);
                        change(None, Box::new(move |draft| draft.metrics = value));
                    }
                />
                <span><b>"Metrics"</b> <span class="quiet">"Prometheus finds /metrics; costs nothing"</span></span>
            </label>
        </fieldset>
        <div class="pair">
            <div class="field">
                <label for="port">"Port"</label>
                <input
                    id="port" name="port" inputmode="numeric" autocomplete="off" value=draft.port.clone()
                    aria-describedby="port-error"
                    aria-invalid=move || answers.invalid(Field::Port)
                    on:input=move |event| {
                        let value = event_target_value(&event);
                        change(Some(Field::Port), Box::new(move |draft| draft.port = value));
                    }
                />
                {move || error_of("port", answers.error(Field::Port))}
            </div>
            <div class="field">
                <label for="replicas">"Pods"</label>
                <input
                    id="replicas" name="replicas" inputmode="numeric" autocomplete="off" value=draft.replicas.clone()
                    aria-describedby="replicas-error"
                    aria-invalid=move || answers.invalid(Field::Replicas)
                    on:input=move |event| {
                        let value = event_target_value(&event);
                        change(Some(Field::Replicas), Box::new(move |draft| draft.replicas = value));
                    }
                />
                {move || error_of("replicas", answers.error(Field::Replicas))}
            </div>
        </div>
        <div class="field">
            <label for="variables">"Variables " <span class="quiet">"one NAME=value a line"</span></label>
            <textarea
                id="variables" name="variables" rows="4" spellcheck="false" autocapitalize="none"
                aria-describedby="variables-error"
                aria-invalid=move || answers.invalid(Field::Variables)
                on:input=move |event| {
                    let value = event_target_value(&event);
                    change(Some(Field::Variables), Box::new(move |draft| draft.variables = value));
                }
            >
                {draft.variables.clone()}
            </textarea>
            {move || error_of("variables", answers.error(Field::Variables))}
        </div>
        <div class="send"><button class="primary">{title}</button></div>
    }
}

/// What the answers give: the files of the first commit, and the manifests.
fn given(answers: Answers) -> impl IntoView {
    let documents = Memo::new(move |_| answers.preview.read().documents().collect::<Vec<_>>());
    let paths = move || documents.read().iter().map(|document| document.path.clone()).collect::<Vec<_>>();
    view! {
        <section class="given" aria-label="What the answers give">
            <h2>
                "What you get"
                <span class="quiet" role="status">{move || answers.trouble.get()}</span>
            </h2>
            <For
                each=paths
                key=Clone::clone
                children=move |path| document(path, answers, documents)
            />
        </section>
    }
}

fn document(path: String, answers: Answers, documents: Memo<Vec<PreviewFileView>>) -> impl IntoView {
    let open = path == "fairway.yaml";
    let manifest = path.contains(' ');
    let name = path.clone();
    let parts = Memo::new(move |_| {
        let documents = documents.read();
        let now = documents.iter().find(|document| document.path == path)?;
        let before = answers.before.read();
        let before = before.iter().find(|document| document.path == path);
        let changed = changed_lines(before.map_or("", |before| before.contents.as_str()), &now.contents);
        Some(Parts::new(now, changed))
    });
    let part =
        move |which: fn(&Parts) -> &String| move || parts.read().as_ref().map(|parts| which(parts).clone());
    let changed = move || parts.read().as_ref().is_some_and(|parts| !parts.changed.is_empty());
    view! {
        <details class="document" class:manifest=manifest open=open>
            <summary>
                <span class="path">{name}</span>
                {move || parts.read().as_ref().is_some_and(|parts| parts.executable).then_some(" (executable)")}
                {move || changed().then(|| view! { <span class="badge">"changed"</span> })}
            </summary>
            <pre tabindex="0">{part(|parts| &parts.start)}<mark>{part(|parts| &parts.changed)}</mark>{part(|parts| &parts.end)}</pre>
        </details>
    }
}

/// A document around the lines that the last answer changed.
#[derive(Clone, PartialEq)]
struct Parts {
    start: String,
    changed: String,
    end: String,
    executable: bool,
}

impl Parts {
    fn new(document: &PreviewFileView, changed: std::ops::Range<usize>) -> Self {
        let lines: Vec<&str> = document.contents.split_inclusive('\n').collect();
        let text = |lines: Option<&[&str]>| lines.unwrap_or_default().concat();
        Self {
            start: text(lines.get(..changed.start)),
            end: text(lines.get(changed.end..)),
            changed: text(lines.get(changed)),
            executable: document.executable,
        }
    }
}

impl Answers {
    fn error(self, field: Field) -> Option<String> {
        let there = self.touched.read().contains(&field);
        self.preview.read().error(field).filter(|_| there).map(str::to_owned)
    }

    fn invalid(self, field: Field) -> Option<&'static str> {
        self.error(field).map(|_| "true")
    }

    fn names(self) -> String {
        let preview = self.preview.read();
        let wrong = preview.error(Field::Name).is_some() || self.draft.read().name.trim().is_empty();
        if wrong || preview.names.is_empty() {
            return String::new();
        }
        let names: Vec<String> = preview.names.iter().map(|(what, name)| format!("{what} {name}")).collect();
        format!("→ {}", names.join(" · "))
    }

    /// Takes an answer, unless a newer question is out.
    #[cfg_attr(not(feature = "hydrate"), allow(dead_code))] // only a browser asks
    fn take(self, number: u64, answer: Result<PreviewView, String>) {
        if number != self.asked.get_value() {
            return;
        }
        match answer {
            Ok(preview) => {
                self.before.set(self.preview.read_untracked().documents().collect());
                self.preview.set(preview);
                self.trouble.set(None);
            }
            Err(sentence) => self.trouble.set(Some(sentence)),
        }
    }

    #[cfg(feature = "hydrate")]
    fn ask(self) {
        self.asked.update_value(|number| *number += 1);
        let number = self.asked.get_value();
        let body = self.draft.with_untracked(serde_json::to_string).unwrap_or_default();
        leptos::task::spawn_local(async move {
            let answer = crate::fetch::post_json("/api/v1/preview", &body).await;
            self.take(number, answer);
        });
    }

    #[cfg(not(feature = "hydrate"))]
    fn ask(self) {}
}
