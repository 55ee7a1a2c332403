//! How long Redis is busy with what it is asked, by its own clock.

use crate::{Error, node::Node};
use redis::{Pipeline, Value};
use std::time::{Duration, Instant};

/// What came of questions between two looks at Redis's clock.
pub(crate) struct Timed {
    pub(crate) answers: Vec<Value>,
    /// From the question to the last answer.
    pub(crate) took: Duration,
    /// For how long of that Redis was at it. Whoever may not ask for the time takes it for busy all the while.
    pub(crate) busy: Duration,
}

impl Node {
    /// Asks all that `fill` puts into one pipeline.
    pub(crate) async fn timed(&mut self, fill: impl FnOnce(&mut Pipeline)) -> Result<Timed, Error> {
        let mut pipeline = Pipeline::new();
        pipeline.cmd("TIME");
        fill(&mut pipeline);
        pipeline.cmd("TIME");
        let asked = Instant::now();
        let mut answers = self.ask_all(pipeline).await?;
        let took = asked.elapsed();
        let ended = answers.pop();
        let begun = if answers.is_empty() { None } else { Some(answers.remove(0)) };
        Ok(Timed { answers, took, busy: between(begun, ended).unwrap_or(took) })
    }
}

/// From one TIME of Redis's to the next.
fn between(begun: Option<Value>, ended: Option<Value>) -> Option<Duration> {
    let time = |answer| {
        let (seconds, microseconds) = read::<(u64, u64)>(answer).ok()?;
        Some(Duration::from_secs(seconds) + Duration::from_micros(microseconds))
    };
    Some(time(ended?)?.saturating_sub(time(begun?)?))
}

/// An answer, or what was said instead.
pub(crate) fn read<T: redis::FromRedisValue>(answer: Value) -> Result<T, Error> {
    let value = answer.extract_error().map_err(|error| Error::from(&error))?;
    redis::from_redis_value(value).map_err(|error| Error::from(&error.into()))
}
