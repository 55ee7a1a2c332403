//! What happens, as it happens: topics that islands follow, all of a browser's in one stream of server-sent events.
//!
//! A topic is a path such as `service/orders` or `logs/orders/staging?contains=error`. Snapshot topics send the whole value
//! whenever it differs. `job/…` and `logs/…` send what is new and resume after the id of the last message that was heard.

mod topic;

pub use topic::Topic;

use crate::{
    follow::Live,
    model::{DeployView, JobEventView, LightView, LogLineView, ServiceView, ServicesView},
};
use async_stream::stream;
use fairway_domain::{Actor, LogRequest};
use fairway_portal::{Answer, Error, Portal};
use futures::{StreamExt, stream::BoxStream};
use serde::Serialize;
use std::{future::Future, time::Duration};
use topic::What;

/// How many lines a log view starts with.
const TAIL: u32 = 2000;
/// The most lines that stand in one message.
const BATCH: usize = 500;
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
/// that was heard. What isn't a topic is left out. The stream goes on until it is dropped.
pub fn events(portal: &Portal, actor: &Actor, parameters: &[String]) -> BoxStream<'static, LiveEvent> {
    let topics = parameters.iter().filter_map(|parameter| Topic::parse(parameter).ok());
    let streams = topics.map(|(topic, after)| follow(portal.clone(), actor.clone(), topic, after));
    futures::stream::select_all(streams).boxed()
}

fn follow(
    portal: Portal,
    actor: Actor,
    topic: Topic,
    after: Option<String>,
) -> BoxStream<'static, LiveEvent> {
    let name = topic.text;
    match topic.what {
        What::Bar => snapshots(name, portal, |portal| async move {
            Ok(Answer::Done(portal.clusters().into_iter().map(LightView::from).collect::<Vec<_>>()))
        }),
        What::Services => snapshots(name, portal, move |portal| {
            let actor = actor.clone();
            async move {
                let services = portal.services(&actor).await?;
                Ok(Answer::Done(ServicesView::new(portal.environments(), services)))
            }
        }),
        What::Service(service) => snapshots(name, portal, move |portal| {
            let (actor, service) = (actor.clone(), service.clone());
            async move { Ok(map(portal.service(&actor, &service).await?, ServiceView::from)) }
        }),
        What::Deploy(service, number) => snapshots(name, portal, move |portal| {
            let (actor, service) = (actor.clone(), service.clone());
            async move { Ok(map(portal.deploy_detail(&actor, &service, number).await?, DeployView::from)) }
        }),
        What::Job(id) => {
            let after = after.and_then(|after| after.parse().ok()).unwrap_or_default();
            job(name, portal, actor, id, after)
        }
        What::Logs(service, environment, contains) => {
            let after = after.and_then(|after| after.parse().ok());
            let request = LogRequest { since: None, tail: Some(TAIL), contains, follow: true, after };
            logs(name, portal, actor, service, environment, request)
        }
    }
}

fn map<T, U>(answer: Answer<T>, change: impl FnOnce(T) -> U) -> Answer<U> {
    match answer {
        Answer::Done(value) => Answer::Done(change(value)),
        Answer::Refused(refusal) => Answer::Refused(refusal),
    }
}

/// The whole value, now and whenever it differs.
fn snapshots<T, F, Fut>(topic: String, portal: Portal, take: F) -> BoxStream<'static, LiveEvent>
where
    T: Serialize + Send + 'static,
    F: Fn(Portal) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Answer<T>, Error>> + Send + 'static,
{
    let mut changed = portal.changed();
    stream! {
        let mut last = String::new();
        loop {
            changed.mark_unchanged();
            let answer = take(portal.clone()).await;
            let failed = answer.is_err();
            let event = event(&topic, String::new(), &message(answer));
            if event.json != last {
                last.clone_from(&event.json);
                yield event;
            }
            if !wait(&mut changed, failed).await {
                break;
            }
        }
    }
    .boxed()
}

/// What happened to a job since the event `after`.
fn job(
    topic: String,
    portal: Portal,
    actor: Actor,
    id: fairway_domain::JobId,
    mut after: i64,
) -> BoxStream<'static, LiveEvent> {
    let mut changed = portal.changed();
    stream! {
        loop {
            changed.mark_unchanged();
            let answer = portal.job_events(&actor, id, after).await;
            let failed = answer.is_err();
            let events = answer.map(|answer| {
                map(answer, |events| events.into_iter().map(JobEventView::from).collect::<Vec<_>>())
            });
            match &events {
                Ok(Answer::Done(new)) => if let Some(newest) = new.last() {
                    after = newest.sequence;
                    yield event(&topic, after.to_string(), &message(events));
                },
                _ => yield event(&topic, after.to_string(), &message(events)),
            }
            if !wait(&mut changed, failed).await {
                break;
            }
        }
    }
    .boxed()
}

/// The lines, those that come together in one message.
fn logs(
    topic: String,
    portal: Portal,
    actor: Actor,
    service: fairway_domain::ServiceName,
    environment: fairway_domain::EnvironmentName,
    mut request: LogRequest,
) -> BoxStream<'static, LiveEvent> {
    stream! {
        let place = |request: &LogRequest| request.after.as_ref().map(ToString::to_string).unwrap_or_default();
        loop {
            match portal.logs(&actor, &service, &environment, request.clone()).await {
                Ok(Answer::Done(lines)) => {
                    let mut batches = lines.ready_chunks(BATCH);
                    while let Some(batch) = batches.next().await {
                        let mut failed = false;
                        let mut views = Vec::with_capacity(batch.len());
                        for line in batch {
                            match line {
                                Ok((position, entry)) => {
                                    request.after = Some(position);
                                    views.push(LogLineView::from(entry));
                                }
                                Err(error) => {
                                    tracing::warn!(%error, "a log stream failed");
                                    failed = true;
                                }
                            }
                        }
                        if !views.is_empty() {
                            yield event(&topic, place(&request), &Live::Now(views));
                        }
                        if failed {
                            break;
                        }
                    }
                }
                Ok(Answer::Refused(refusal)) => {
                    yield event(&topic, place(&request), &Live::<()>::Trouble(refusal.to_string()));
                }
                Err(error) => {
                    yield event(&topic, place(&request), &Live::<()>::Trouble(error.for_person().to_owned()));
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
    .boxed()
}

/// Until something may have changed; after a failure, a while at most. False once nothing will change any more.
async fn wait(changed: &mut tokio::sync::watch::Receiver<u64>, failed: bool) -> bool {
    if failed {
        return tokio::select! {
            changed = changed.changed() => changed.is_ok(),
            () = tokio::time::sleep(PAUSE) => true,
        };
    }
    changed.changed().await.is_ok()
}

fn message<T>(answer: Result<Answer<T>, Error>) -> Live<T> {
    match answer {
        Ok(Answer::Done(value)) => Live::Now(value),
        Ok(Answer::Refused(refusal)) => Live::Trouble(refusal.to_string()),
        Err(error) => {
            tracing::warn!(%error, "a live topic failed");
            Live::Trouble(error.for_person().to_owned())
        }
    }
}

fn event<T: Serialize>(topic: &str, id: String, message: &Live<T>) -> LiveEvent {
    LiveEvent { topic: topic.to_owned(), id, json: serde_json::to_string(message).unwrap_or_default() }
}
