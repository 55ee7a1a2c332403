//! How an island follows what happens: it starts from what the server rendered and then hears one topic of the live stream.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// What comes over a topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Message<T> {
    /// What is new.
    Now(T),
    /// Why nothing new can be had, as a sentence.
    Trouble(String),
    /// What is wrong with what was asked for, as a sentence. Nothing will come.
    Wrong(String),
}

/// What an island hears.
#[cfg_attr(not(feature = "hydrate"), allow(dead_code))] // only a browser hears
pub(crate) enum Heard<T> {
    /// A message, and its id: that after which a topic that can be resumed goes on.
    Message(Message<T>, String),
    /// The connection to Fairway broke; it is being made again.
    Lost,
    /// The connection stands again.
    Back,
}

/// A topic that is being followed: its number in `boot.js`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Following(#[cfg_attr(not(feature = "hydrate"), allow(dead_code))] f64);

#[cfg(feature = "hydrate")]
pub(crate) use browser::{call, follow_after, stop};

/// Hears a topic from now on, until it is stopped.
pub(crate) fn follow<T>(topic: &str, heard: impl FnMut(Heard<T>) + 'static) -> Following
where
    T: DeserializeOwned + 'static,
{
    follow_after(topic, "", heard)
}

/// The server renders what is; following is the browser's part.
#[cfg(not(feature = "hydrate"))]
pub(crate) fn follow_after<T>(_topic: &str, _after: &str, _heard: impl FnMut(Heard<T>) + 'static) -> Following
where
    T: DeserializeOwned + 'static,
{
    Following(0.0)
}

/// Nothing is followed on the server.
#[cfg(not(feature = "hydrate"))]
pub(crate) fn stop(_following: Following) {}

#[cfg(feature = "hydrate")]
mod browser {
    use super::{Following, Heard, Message};
    use js_sys::{Array, Function, Reflect};
    use serde::de::DeserializeOwned;
    use wasm_bindgen::{JsCast, JsValue, closure::Closure};

    /// Hears a topic until it is stopped, where it can be resumed from what follows the message with the id `after`. `boot.js` holds
    /// the connection.
    pub(crate) fn follow_after<T>(
        topic: &str,
        after: &str,
        mut heard: impl FnMut(Heard<T>) + 'static,
    ) -> Following
    where
        T: DeserializeOwned + 'static,
    {
        let callback = Closure::<dyn FnMut(String, String, String)>::new(
            move |kind: String, data: String, id: String| match kind.as_str() {
                "message" => {
                    if let Some(message) = message(&data) {
                        heard(Heard::Message(message, id));
                    }
                }
                "lost" => heard(Heard::Lost),
                _ => heard(Heard::Back),
            },
        );
        let arguments = Array::of3(&topic.into(), callback.as_ref(), &after.into());
        callback.forget();
        Following(call("follow", &arguments).ok().and_then(|number| number.as_f64()).unwrap_or_default())
    }

    /// In one place for each kind of message: the code for it is large.
    #[inline(never)]
    fn message<T: DeserializeOwned>(data: &str) -> Option<Message<T>> {
        serde_json::from_str(data).ok()
    }

    /// Hears no more of it.
    pub(crate) fn stop(following: Following) {
        call("stop", &Array::of1(&following.0.into())).ok();
    }

    /// Calls one of the functions that `boot.js` gives.
    pub(crate) fn call(name: &str, arguments: &Array) -> Result<JsValue, JsValue> {
        let fairway = Reflect::get(&js_sys::global(), &"fairway".into())?;
        let function: Function = Reflect::get(&fairway, &name.into())?.dyn_into()?;
        function.apply(&fairway, arguments)
    }
}
