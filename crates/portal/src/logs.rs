//! What a service's containers wrote.

use crate::refusal::done;
use crate::{Answer, Error, Portal, Refusal, reading};
use fairway_domain::{
    Actor, Environment, EnvironmentName, Freshness, LogEntry, LogFilter, LogHistory, LogPlace, LogPosition,
    LogRequest, LogStatus, ServiceName,
};
use fairway_kubernetes::Older;
use fairway_lines::{Equivalent, Filter, FilterError, Run, Whose, kubectl, stern};
use futures::future::{Either, ready};
use futures::stream::{BoxStream, select};
use futures::{StreamExt, TryStreamExt};
use std::sync::Arc;
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;

/// Lines in order, those that come at once together, each with the position to resume after it.
pub type LogStream = BoxStream<'static, Result<Vec<(LogPosition, LogEntry)>, Error>>;

/// The bytes of one line, in pieces.
pub type LogLineStream = BoxStream<'static, Result<Vec<u8>, Error>>;

/// How completely a log is being read, again whenever that changes.
pub type LogStatusStream = BoxStream<'static, LogStatus>;

/// The commands that show a log in a terminal, as far as they can say what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogCommands {
    /// `kubectl logs`.
    pub kubectl: Equivalent,
    /// `stern`.
    pub stern: Equivalent,
    /// `kubectl logs` of what ran before the last restart of each container.
    pub previous: Equivalent,
}

impl Portal {
    /// How completely the log of a service in an environment is being read: by whom doesn't matter, all share one reading.
    pub async fn log_status(
        &self,
        _actor: &Actor,
        service: &ServiceName,
        environment: &EnvironmentName,
    ) -> Result<Answer<LogStatusStream>, Error> {
        let (_, environment) = done!(self.known(service, environment).await?);
        let inner = &self.inner;
        let statuses = inner.cluster.log_status(&inner.state, &environment.namespace, service).boxed();
        Ok(Answer::Done(match inner.histories.get(&environment.name) {
            Some(history) => with_history(statuses, history.status()),
            None => statuses,
        }))
    }

    /// The commands that show what is asked for in a terminal.
    pub async fn log_commands(
        &self,
        _actor: &Actor,
        service: &ServiceName,
        environment: &EnvironmentName,
        request: &LogRequest,
    ) -> Result<Answer<LogCommands>, Error> {
        let (_, environment) = done!(self.known(service, environment).await?);
        let whose = Whose { namespace: &environment.namespace, service };
        Ok(match request.filter.as_ref().map(read).transpose() {
            Ok(filter) => {
                let filter = filter.unwrap_or_default();
                Answer::Done(LogCommands {
                    kubectl: kubectl(whose, &filter, request, Run::Present),
                    stern: stern(whose, &filter, request),
                    previous: kubectl(whose, &filter, request, Run::Previous),
                })
            }
            Err(refusal) => Answer::Refused(refusal),
        })
    }

    /// One line, as it was written and with all of its bytes; where something has to be hidden, without that. Of a longer one that only
    /// Fairway's disk still has, the beginning, and then how much is missing.
    pub async fn log_line(
        &self,
        _actor: &Actor,
        service: &ServiceName,
        environment: &EnvironmentName,
        place: LogPlace,
    ) -> Result<Answer<LogLineStream>, Error> {
        let (_, environment) = done!(self.known(service, environment).await?);
        let inner = &self.inner;
        let (namespace, older) = (&environment.namespace, self.older(environment, service));
        let line = inner.cluster.log_line(&inner.state, namespace, service, place, older).await?;
        let Some(line) = line else { return Ok(Answer::Refused(Refusal::NoSuchLine)) };
        Ok(Answer::Done(reading::line(line, &inner.settings.redact)))
    }

    /// The lines of all pods of a service in an environment, each with its level unless they are to be bare.
    pub async fn logs(
        &self,
        _actor: &Actor,
        service: &ServiceName,
        environment: &EnvironmentName,
        mut request: LogRequest,
    ) -> Result<Answer<LogStream>, Error> {
        let (_, environment) = done!(self.known(service, environment).await?);
        if let Some(lines) = request.tail.filter(|lines| *lines > LogRequest::MOST_LAST) {
            return Ok(Answer::Refused(Refusal::TooManyLast(lines)));
        }
        request.filter = request.filter.filter(|filter| !filter.as_str().trim().is_empty());
        let filter = match request.filter.as_ref().map(read).transpose() {
            Ok(filter) => filter,
            Err(refusal) => return Ok(Answer::Refused(refusal)),
        };
        let freshness = self.inner.state.namespace(&environment.namespace).freshness;
        if !matches!(freshness, Freshness::Live) && !request.follow {
            return Ok(Answer::Refused(Refusal::ClusterAway(environment.name.clone(), freshness)));
        }
        let (state, namespace) = (&self.inner.state, &environment.namespace);
        let keep = reading::keep(filter, self.inner.settings.redact.clone(), request.bare);
        let older = self.older(environment, service);
        let lines = self.inner.cluster.logs(state, namespace, service, request, keep, older);
        Ok(Answer::Done(lines.map_err(Error::from).boxed()))
    }

    /// Who has the lines of a service that the cluster no longer has, if anybody does.
    fn older(&self, environment: &Environment, service: &ServiceName) -> Option<Older> {
        let history = self.inner.histories.get(&environment.name)?.clone();
        let (namespace, service, reach) = (environment.namespace.clone(), service.clone(), history.reach());
        let ask = move |stretch| {
            let lines = history.lines(&namespace, &service, stretch);
            lines.map(|line| line.map_err(|error| error.to_string())).boxed()
        };
        Some(Older { ask: Arc::new(ask), reach })
    }
}

/// Each status with what is known of the history, also when only that has changed.
fn with_history(statuses: LogStatusStream, history: watch::Receiver<LogHistory>) -> LogStatusStream {
    let history = WatchStream::new(history);
    let both = select(statuses.map(Either::Left), history.map(Either::Right));
    let both = both.scan((None, None), |(status, history), said| {
        match said {
            Either::Left(said) => *status = Some(said),
            Either::Right(said) => *history = Some(said),
        }
        let whole = status.clone().zip(history.clone());
        ready(Some(whole.map(|(status, history)| LogStatus { history: Some(history), ..status })))
    });
    both.filter_map(ready).boxed()
}

fn read(filter: &LogFilter) -> Result<Filter, Refusal> {
    let wrong = |error: FilterError| Refusal::WrongFilter(filter.clone(), error);
    Filter::parse(filter.as_str()).map_err(wrong)
}
