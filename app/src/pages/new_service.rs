//! What will I get?

use crate::{forms::CreateForm, islands::NewService, pages::alert, request::page};
use fairway_domain::ParametersDraft;
use leptos::prelude::*;
use leptos_meta::Title;

/// The form for a new service, with all that its answers give beside it.
#[component]
pub(crate) fn NewServicePage() -> impl IntoView {
    let sent = use_context::<CreateForm>();
    page(|request| async move {
        let submitted = sent.is_some();
        let form =
            sent.unwrap_or_else(|| CreateForm { draft: ParametersDraft::sensible(), errors: Vec::new() });
        let mut preview = request.portal.preview(&request.actor, &form.draft).await?;
        for error in form.errors {
            if !preview.errors.contains(&error) {
                preview.errors.push(error);
            }
        }
        let wrong = preview.errors.len();
        Ok(view! {
            <Title text="New service"/>
            <div class="head"><h1>"New service"</h1></div>
            {alert()}
            {(submitted && wrong > 0)
                .then(|| {
                    view! {
                        <p class="alert" role="alert">
                            <span class="shape" aria-hidden="true">"▲"</span>
                            " Nothing was created yet: "
                            {if wrong == 1 { "one answer needs another look.".to_owned() } else { format!("{wrong} answers need another look.") }}
                        </p>
                    }
                })}
            <NewService draft=form.draft preview=preview.into() submitted=submitted token=request.csrf key=request.id/>
        }
        .into_any())
    })
}
