//! The YAML behind it.

use crate::{
    components::command,
    pages::crumbs,
    request::{Trouble, done, page, param},
};
use fairway_domain::{EnvironmentName, ObjectReference, ServiceName, ShellCommand};
use leptos::prelude::*;
use leptos_meta::Title;

/// One object of a service, as the cluster has it.
#[component]
pub(crate) fn ObjectPage() -> impl IntoView {
    let name = param::<ServiceName>("name");
    let environment = param::<EnvironmentName>("environment");
    let kind = param::<String>("kind");
    let object = param::<String>("object");
    page(|request| async move {
        let (name, environment) = (name?, environment?);
        let reference = ObjectReference { kind: kind?, name: object? };
        let yaml = done(request.portal.object_yaml(&request.actor, &name, &environment, &reference).await)?;
        let known = request.portal.environments().iter().find(|known| known.name == environment);
        let namespace = known.ok_or(Trouble::NotFound)?.namespace.to_string();
        let kind = reference.kind.to_lowercase();
        let get =
            ShellCommand::new("kubectl", ["-n", &namespace, "get", &kind, &reference.name, "-o", "yaml"]);
        let title = format!("{} {}", reference.kind, reference.name);
        Ok(view! {
            <Title text=title.clone()/>
            {crumbs(name.as_str(), &format!("{environment} / {title}"))}
            <div class="head"><h1>{title}</h1></div>
            <pre class="yaml" tabindex="0">{yaml}</pre>
            {command(get.to_string())}
        }
        .into_any())
    })
}
