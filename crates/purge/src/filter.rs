//! Which keys of a page are meant, where that isn't said by name and type.

use crate::pace::{Pacer, rest};
use crate::timed::Timed;
use crate::{Error, node::Node};
use fairway_domain::PurgeSelection;
use redis::{Pipeline, Value};

impl Node {
    /// Those of `keys` that are all that the selection asks for. Looking changes neither a key's expiry nor when it was last used. Rests
    /// after each question, as the pacer says.
    pub(crate) async fn selected(
        &mut self,
        keys: Vec<Vec<u8>>,
        selection: &PurgeSelection,
        mut pacer: Option<&mut Pacer>,
    ) -> Result<Vec<Vec<u8>>, Error> {
        if !selection.filter.looks_at_keys() {
            return Ok(keys);
        }
        let keys = if selection.filter.without_expiry {
            self.those(keys, &["TTL"], |seconds| seconds == -1, pacer.as_deref_mut()).await?
        } else {
            keys
        };
        match selection.filter.idle_seconds {
            Some(time) => {
                let long = |seconds| u64::try_from(seconds).is_ok_and(|seconds| seconds >= time.seconds());
                self.those(keys, &["OBJECT", "IDLETIME"], long, pacer).await
            }
            None => Ok(keys),
        }
    }

    /// Those of `keys` whose answer to the question is a number that fits; a key that has gone has none.
    async fn those(
        &mut self,
        keys: Vec<Vec<u8>>,
        question: &[&str],
        fits: impl Fn(i64) -> bool,
        pacer: Option<&mut Pacer>,
    ) -> Result<Vec<Vec<u8>>, Error> {
        if keys.is_empty() {
            return Ok(keys);
        }
        let ask = |questions: &mut Pipeline| {
            for key in &keys {
                let mut command = redis::Cmd::new();
                command.arg(question).arg(key);
                questions.add_command(command);
            }
        };
        let Timed { answers, took, busy } = self.timed(ask).await?;
        rest(pacer, took, busy).await;
        let mut kept = Vec::with_capacity(keys.len());
        for (key, answer) in keys.into_iter().zip(answers) {
            match answer {
                Value::Int(number) if fits(number) => kept.push(key),
                Value::ServerError(error) => return Err(Error::from(&error.into())),
                _ => {}
            }
        }
        Ok(kept)
    }
}
