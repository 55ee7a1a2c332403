//! Asking the REST API from the browser.

use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Headers, RequestInit, Response};

/// Posts JSON and reads JSON; the error is a sentence for the person.
pub(crate) async fn post_json<T: DeserializeOwned>(path: &str, body: &str) -> Result<T, String> {
    let text =
        post(path, body).await.map_err(|_| "Fairway doesn't answer; this is the last preview.".to_owned())?;
    serde_json::from_str(&text).map_err(|_| "Fairway can't preview this at the moment.".to_owned())
}

async fn post(path: &str, body: &str) -> Result<String, JsValue> {
    let headers = Headers::new()?;
    headers.set("content-type", "application/json")?;
    let request = RequestInit::new();
    request.set_method("POST");
    request.set_headers(&headers);
    request.set_body(&body.into());
    let response = JsFuture::from(leptos::prelude::window().fetch_with_str_and_init(path, &request)).await?;
    let response: Response = response.dyn_into()?;
    let text = JsFuture::from(response.text()?).await?;
    Ok(text.as_string().unwrap_or_default())
}
