//! What will I get?

use crate::{
    CsrfToken,
    forms::{CreateBody, CreateForm},
    islands::Draft,
    pages::alert,
    panels::{self, DraftPanel},
    request::page,
};
use fairway_domain::{Actor, ParametersDraft};
use fairway_portal::{Error, Portal};
use leptos::prelude::*;
use leptos_meta::Title;

/// The form for a new service, with all that its answers give beside it.
#[component]
pub(crate) fn NewServicePage() -> impl IntoView {
    let sent = use_context::<CreateForm>();
    page(|request| async move {
        let submitted = sent.is_some();
        let draft = sent.as_ref().map_or_else(ParametersDraft::sensible, |form| form.draft.clone());
        let preview = request.portal.preview(&request.actor, &draft).await?;
        let panel = match sent {
            Some(form) => DraftPanel::refused(form, preview),
            None => DraftPanel::typed(draft, preview, ""),
        };
        let wrong = match panel.wrong() {
            1 => "one answer needs another look.".to_owned(),
            wrong => format!("{wrong} answers need another look."),
        };
        Ok(view! {
            <Title text="New service"/>
            <div class="head"><h1>"New service"</h1></div>
            {alert()}
            {(submitted && panel.wrong() > 0)
                .then(|| {
                    view! {
                        <p class="alert" role="alert">
                            <span class="shape" aria-hidden="true">"▲"</span>
                            " Nothing was created yet: "
                            {wrong}
                        </p>
                    }
                })}
            <Draft>{panels::new_service(&panel, &request.csrf, &request.id)}</Draft>
        }
        .into_any())
    })
}

/// `POST /new/preview`: the form and what its answers give, as HTML, for the island that shows it while somebody types.
pub async fn draft(
    portal: &Portal,
    actor: &Actor,
    token: &CsrfToken,
    body: &CreateBody,
) -> Result<String, Error> {
    let draft = body.draft();
    let preview = portal.preview(actor, &draft).await?;
    let panel = DraftPanel::typed(draft, preview, &body.touched);
    Ok(Owner::new().with(|| panels::new_service(&panel, &token.0, &body.idempotency).to_html()))
}
