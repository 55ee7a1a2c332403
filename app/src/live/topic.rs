//! What can be followed.

use crate::model::{LogAsked, LogReading};
use fairway_domain::{
    DeployNumber, EnvironmentName, Invalid, JobId, LogFilter, LogMoment, LogRequest, ServiceName,
};

/// Something that can be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// As it was asked for. A part after `#` tells the same topic in two tabs apart and means nothing else.
    pub text: String,
    pub(super) what: What,
}

/// The topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    Bar,
    Services,
    Service(ServiceName),
    Job(JobId),
    Deploy(ServiceName, DeployNumber),
    LogStatus(ServiceName, EnvironmentName),
    LogCommands(ServiceName, EnvironmentName, Box<LogRequest>),
    /// With the lines that are wanted.
    Logs(ServiceName, EnvironmentName, Box<LogReading>),
    /// For lines that match, written before.
    LogSearch(ServiceName, EnvironmentName, Option<LogFilter>, LogMoment),
}

impl Topic {
    /// A topic, and the id of the last message that was heard if one follows after `@`.
    pub fn parse(parameter: &str) -> Result<(Self, Option<String>), Invalid> {
        let (text, after) = match parameter.split_once('@') {
            Some((text, after)) => (text, Some(after.to_owned()).filter(|after| !after.is_empty())),
            None => (parameter, None),
        };
        // The longest filter fits in, however it is encoded.
        if text.len() > 32 * 1024 || text.chars().any(char::is_control) {
            return Err(Invalid::new("A topic is one line of at most 32 KiB."));
        }
        let what = text.split('#').next().unwrap_or_default();
        let (path, query) = what.split_once('?').unwrap_or((what, ""));
        let parts: Vec<&str> = path.split('/').collect();
        let what = match parts.as_slice() {
            ["bar"] => What::Bar,
            ["services"] => What::Services,
            ["service", name] => What::Service(name.parse()?),
            ["job", id] => What::Job(id.parse()?),
            ["deploy", name, number] => What::Deploy(name.parse()?, number.parse()?),
            ["log-commands", name, environment] => {
                let asked = LogAsked::of_query(query).reading()?;
                What::LogCommands(name.parse()?, environment.parse()?, Box::new(asked.request))
            }
            ["log-status", name, environment] => What::LogStatus(name.parse()?, environment.parse()?),
            ["logs", name, environment] => What::Logs(
                name.parse()?,
                environment.parse()?,
                Box::new(LogAsked::of_query(query).reading()?),
            ),
            ["log-search", name, environment] => {
                let LogRequest { filter, until, .. } = LogAsked::of_query(query).reading()?.request;
                let until = until.ok_or_else(|| Invalid::new("A search begins somewhere."))?;
                What::LogSearch(name.parse()?, environment.parse()?, filter, until)
            }
            _ => return Err(Invalid::new("There is no such topic.")),
        };
        Ok((Self { text: text.to_owned(), what }, after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_read_with_its_place_and_its_filter() {
        let (topic, after) = Topic::parse("logs/orders/staging?filter=a%40b%20%23#7f@p-1,2").unwrap();
        assert_eq!(topic.text, "logs/orders/staging?filter=a%40b%20%23#7f");
        let What::Logs(service, environment, reading) = topic.what else { panic!("{:?}", topic.what) };
        assert_eq!((service.as_str(), environment.as_str()), ("orders", "staging"));
        assert_eq!(reading.request.filter, Some("a@b #".parse().unwrap()));
        assert_eq!(after.as_deref(), Some("p-1,2"));
    }

    #[test]
    fn an_empty_place_or_filter_is_none() {
        let (topic, after) = Topic::parse("logs/orders/staging?filter=@").unwrap();
        let What::Logs(.., reading) = topic.what else { panic!("{:?}", topic.what) };
        assert_eq!(reading.request.filter, None);
        assert_eq!(after, None);
    }

    #[test]
    fn what_is_no_topic_is_refused() {
        for text in [
            "",
            "bars",
            "service/",
            "service/../x",
            "job/1",
            "deploy/orders/0",
            "logs/orders",
            "log-status/orders",
            "log-commands/orders",
            "bar\nevent: x",
            "logs/orders/staging?filter=a%0Ab",
            "logs/orders/staging?since=yesterday",
            "log-search/orders/staging?filter=a",
        ] {
            assert!(Topic::parse(text).is_err(), "{text:?}");
        }
    }
}
