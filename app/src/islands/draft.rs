//! The form of a new service: what its answers give follows as they are typed.

use leptos::{html, prelude::*};
use std::time::Duration;

/// The form and its preview, which the server draws; and draws again, a moment after something was typed.
#[island]
pub(crate) fn Draft(children: Children) -> impl IntoView {
    let drawn = NodeRef::<html::Div>::new();
    let trouble = RwSignal::new(None);
    let asking =
        Asking { drawn, trouble, touched: StoredValue::new(String::new()), number: StoredValue::new(0) };
    let mut ask = debounce(Duration::from_millis(120), move |()| asking.ask());
    view! {
        {super::live::alert(trouble)}
        <div
            node_ref=drawn
            on:input=move |event| {
                asking.touch(&event);
                ask(());
            }
        >
            {children()}
        </div>
    }
}

#[derive(Clone, Copy)]
#[cfg_attr(not(feature = "hydrate"), allow(dead_code))] // only a browser asks
struct Asking {
    drawn: NodeRef<html::Div>,
    trouble: RwSignal<Option<String>>,
    /// The names of the fields that somebody has been to; an error stands only there.
    touched: StoredValue<String>,
    /// That of the newest question, so that an older answer that comes late is dropped.
    number: StoredValue<u32>,
}

#[cfg(not(feature = "hydrate"))]
impl Asking {
    fn touch(self, _event: &leptos::ev::Event) {}
    fn ask(self) {}
}

#[cfg(feature = "hydrate")]
mod browser {
    use super::Asking;
    use crate::{
        changes::{Run, runs},
        islands::patch::{self, patch_children},
    };
    use leptos::prelude::*;
    use wasm_bindgen::{JsCast, JsValue};
    use wasm_bindgen_futures::JsFuture;
    use web_sys::{Element, FormData, HtmlFormElement, RequestInit, Response, UrlSearchParams};

    impl Asking {
        /// Remembers which field was typed into.
        pub(super) fn touch(self, event: &web_sys::Event) {
            let field = event.target().and_then(|target| target.dyn_into::<Element>().ok());
            if let Some(name) = field.and_then(|field| field.get_attribute("name")) {
                self.touched.update_value(|touched| {
                    touched.push_str(&name);
                    touched.push(',');
                });
            }
        }

        /// Asks the server for the form and its preview as they are now.
        pub(super) fn ask(self) {
            self.number.update_value(|number| *number += 1);
            let number = self.number.get_value();
            leptos::task::spawn_local(async move {
                let answer = self.answer().await;
                if number != self.number.get_value() {
                    return;
                }
                self.trouble.set(match answer {
                    Ok(drawing) => {
                        self.show(&drawing);
                        None
                    }
                    Err(_) => Some("Fairway doesn't answer: this is what earlier answers give.".to_owned()),
                });
            });
        }

        fn form(self) -> Option<HtmlFormElement> {
            self.drawn.get_untracked()?.query_selector("form").ok()??.dyn_into().ok()
        }

        async fn answer(self) -> Result<String, JsValue> {
            let form = self.form().ok_or(JsValue::NULL)?;
            let fields: JsValue = FormData::new_with_form(&form)?.into();
            let fields = UrlSearchParams::new_with_str_sequence_sequence(&fields)?;
            fields.append("touched", &self.touched.get_value());
            let request = RequestInit::new();
            request.set_method("POST");
            request.set_body(&fields);
            let response = JsFuture::from(window().fetch_with_str_and_init("/new/preview", &request)).await?;
            let response: Response = response.dyn_into()?;
            if !response.ok() {
                return Err(JsValue::NULL);
            }
            JsFuture::from(response.text()?).await?.as_string().ok_or(JsValue::NULL)
        }

        /// Shows it, unless the form is on its way already.
        fn show(self, drawing: &str) {
            let sent = self.form().is_none_or(|form| form.has_attribute("data-sent"));
            let Some(drawn) = self.drawn.get_untracked().filter(|_| !sent) else { return };
            let Some(wanted) = patch::parsed(drawing) else { return };
            let place = patch::place_in(&drawn);
            mark(&place, &wanted);
            patch_children(&place, &wanted);
        }
    }

    /// Marks the lines of each document that differ from those on the page.
    fn mark(place: &Element, wanted: &Element) {
        let Ok(documents) = wanted.query_selector_all(".document") else { return };
        for document in
            (0..documents.length()).filter_map(|at| documents.item(at)?.dyn_into::<Element>().ok())
        {
            let key = document.get_attribute("data-key").unwrap_or_default();
            let before = text(place, &key).unwrap_or_default();
            let Some(lines) = lines_of(&document) else { continue };
            let now = lines.text_content().unwrap_or_default();
            let runs = runs(&before, &now);
            if runs.iter().any(|(is_new, _)| *is_new) {
                write(&lines, &runs);
            }
        }
    }

    fn text(place: &Element, key: &str) -> Option<String> {
        let documents = place.query_selector_all(".document").ok()?;
        let document = (0..documents.length())
            .filter_map(|at| documents.item(at)?.dyn_into::<Element>().ok())
            .find(|document| document.get_attribute("data-key").as_deref() == Some(key))?;
        lines_of(&document)?.text_content()
    }

    fn write(lines: &Element, runs: &[Run<'_>]) {
        let document = document();
        lines.set_text_content(None);
        for (is_new, text) in runs {
            let text = document.create_text_node(text);
            let mark = is_new.then(|| document.create_element("mark").ok()).flatten();
            if let Some(mark) = mark {
                mark.append_child(&text).ok();
                lines.append_child(&mark).ok();
            } else {
                lines.append_child(&text).ok();
            }
        }
    }

    fn lines_of(document: &Element) -> Option<Element> {
        document.query_selector("pre").ok()?
    }
}
