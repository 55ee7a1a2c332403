//! What happens, as it happens: topics that islands follow, all of a browser's in one stream of server-sent events.
//!
//! A topic is a path such as `service/orders` or `logs/orders/staging?filter=error`. Most are parts of pages: what they show is
//! drawn again, as HTML, whenever it has changed. `logs/…` sends the lines that are new, and resumes after the id of the last message
//! that was heard; so does `log-search/…`, with the lines that a search finds.

mod logs;
mod topic;

pub use topic::Topic;

use crate::{
    CsrfToken,
    follow::Message,
    model::{DeployView, LightView, ServiceView, ServicesView},
    panels::{self, JobPanel},
};
use async_stream::stream;
use fairway_domain::Actor;
use fairway_portal::{Answer, Error, Portal, Refusal};
use futures::{StreamExt, stream::BoxStream};
use leptos::prelude::{AnyView, IntoAny, Owner, RenderHtml};
use serde::Serialize;
use std::{future::Future, time::Duration};
use topic::What;

/// How long a topic that failed waits before it is tried again.
const PAUSE: Duration = Duration::from_secs(2);

/// One server-sent event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveEvent {
    /// The event's name: the topic as it was asked for.
    pub topic: String,
    /// The event's id; empty where there is nothing to resume. Send it also when it is empty, so that it doesn't stay that of
    /// another topic's event.
    pub id: String,
    /// The data: one line of JSON.
    pub json: String,
}

/// Everything that happens to the topics that `parameters` name; each is a topic, or a topic, `@` and the id of the last message
/// that was heard. What isn't a topic is left out. `token` stands in the forms that are drawn. The stream goes on until it is
/// dropped.
pub fn events(
    portal: &Portal,
    actor: &Actor,
    token: &CsrfToken,
    parameters: &[String],
) -> BoxStream<'static, LiveEvent> {
    let topics = parameters.iter().filter_map(|parameter| Topic::parse(parameter).ok());
    let streams = topics.map(|(topic, after)| {
        let following = Following { portal: portal.clone(), actor: actor.clone(), topic: topic.text };
        following.events(topic.what, after, token.0.clone())
    });
    futures::stream::select_all(streams).boxed()
}

/// A topic that is being followed, and for whom.
#[derive(Clone)]
struct Following {
    portal: Portal,
    actor: Actor,
    topic: String,
}

impl Following {
    fn events(self, what: What, after: Option<String>, token: String) -> BoxStream<'static, LiveEvent> {
        match what {
            What::Bar => self.drawings(
                |asked| async move {
                    Ok(Answer::Done(asked.portal.clusters().into_iter().map(LightView::from).collect::<Vec<_>>()))
                },
                |lights| panels::lights(lights).into_any(),
            ),
            What::Services => self.drawings(
                |asked| async move {
                    let services = asked.portal.services(&asked.actor).await?;
                    Ok(Answer::Done(ServicesView::new(asked.portal.environments(), services)))
                },
                |services| panels::services(services, "").into_any(),
            ),
            What::Service(name) => self.drawings(
                move |asked| {
                    let name = name.clone();
                    async move { Ok(map(asked.portal.service(&asked.actor, &name).await?, ServiceView::from)) }
                },
                move |service| panels::service(service, &token).into_any(),
            ),
            What::Deploy(name, number) => self.drawings(
                move |asked| {
                    let name = name.clone();
                    async move {
                        let detail = asked.portal.deploy_detail(&asked.actor, &name, number).await?;
                        Ok(map(detail, DeployView::from))
                    }
                },
                move |deploy| panels::deploy(deploy, &token).into_any(),
            ),
            What::Job(id) => self.drawings(
                move |asked| async move { JobPanel::load(&asked.portal, &asked.actor, id).await },
                move |job| panels::job(job, &token).into_any(),
            ),
            What::LogCommands(service, environment, request) => self.drawings(
                move |asked| {
                    let (service, environment, request) = (service.clone(), environment.clone(), request.clone());
                    async move { asked.portal.log_commands(&asked.actor, &service, &environment, &request).await }
                },
                |commands| panels::log_commands(commands).into_any(),
            ),
            What::LogSearch(service, environment, filter, until) => {
                // What it found is with who asked already.
                let until = after.map_or(Ok(until), |after| after.parse()).unwrap_or(until);
                self.search(service, environment, filter, until)
            }
            What::LogStatus(service, environment) => self.log_status(service, environment),
            What::Logs(service, environment, mut reading) => {
                if let Some(after) = after {
                    reading.resume(&after);
                }
                self.lines(service, environment, *reading)
            }
        }
    }

    /// What `take` finds, drawn, now and whenever it differs.
    fn drawings<T, Fut>(
        self,
        take: impl Fn(Self) -> Fut + Send + Sync + 'static,
        draw: impl Fn(&T) -> AnyView + Send + Sync + 'static,
    ) -> BoxStream<'static, LiveEvent>
    where
        T: PartialEq + Send + Sync + 'static,
        Fut: Future<Output = Result<Answer<T>, Error>> + Send + 'static,
    {
        let mut changed = self.portal.changed();
        stream! {
            let mut last = None;
            loop {
                changed.mark_unchanged();
                let answer = message(take(self.clone()).await);
                let troubled = matches!(answer, Message::Trouble(_));
                if last.as_ref() != Some(&answer) {
                    let drawing = match &answer {
                        Message::Now(value) => Message::Now(html(|| draw(value))),
                        Message::Trouble(sentence) => Message::Trouble(sentence.clone()),
                        Message::Wrong(sentence) => Message::Wrong(sentence.clone()),
                    };
                    last = Some(answer);
                    yield self.event(String::new(), &drawing);
                }
                if !wait(&mut changed, troubled).await {
                    break;
                }
            }
        }
        .boxed()
    }

    fn event<T: Serialize>(&self, id: String, message: &Message<T>) -> LiveEvent {
        LiveEvent { topic: self.topic.clone(), id, json: serde_json::to_string(message).unwrap_or_default() }
    }
}

fn map<T, U>(answer: Answer<T>, change: impl FnOnce(T) -> U) -> Answer<U> {
    match answer {
        Answer::Done(value) => Answer::Done(change(value)),
        Answer::Refused(refusal) => Answer::Refused(refusal),
    }
}

/// The HTML of a part of a page, as the page itself has it.
fn html(draw: impl FnOnce() -> AnyView) -> String {
    Owner::new().with(|| draw().to_html())
}

/// Until something may have changed; where there is trouble, a while at most. False once nothing will change any more.
async fn wait(changed: &mut tokio::sync::watch::Receiver<u64>, troubled: bool) -> bool {
    if troubled {
        return tokio::select! {
            changed = changed.changed() => changed.is_ok(),
            () = tokio::time::sleep(PAUSE) => true,
        };
    }
    changed.changed().await.is_ok()
}

fn message<T>(answer: Result<Answer<T>, Error>) -> Message<T> {
    match answer {
        Ok(Answer::Done(value)) => Message::Now(value),
        Ok(Answer::Refused(refusal @ Refusal::WrongFilter(..))) => Message::Wrong(refusal.to_string()),
        Ok(Answer::Refused(refusal)) => Message::Trouble(refusal.to_string()),
        Err(error) => {
            tracing::warn!(%error, "a live topic failed");
            Message::Trouble(error.for_person().into_owned())
        }
    }
}
