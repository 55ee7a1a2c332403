//! Which keys of a page are meant, where that isn't said by name and type.

use crate::{Error, node::Node};
use fairway_domain::PurgeSelection;
use redis::{Pipeline, Value};

impl Node {
    /// Those of `keys` that are all that the selection asks for. Looking changes neither a key's expiry nor when it was last used.
    pub(crate) async fn selected(
        &mut self,
        keys: Vec<Vec<u8>>,
        selection: &PurgeSelection,
    ) -> Result<Vec<Vec<u8>>, Error> {
        if !selection.filter.looks_at_keys() {
            return Ok(keys);
        }
        let keys = if selection.filter.without_expiry {
            self.those(keys, &["TTL"], |seconds| seconds == -1).await?
        } else {
            keys
        };
        match selection.filter.idle_seconds {
            Some(time) => {
                let long = |seconds| u64::try_from(seconds).is_ok_and(|seconds| seconds >= time.seconds());
                self.those(keys, &["OBJECT", "IDLETIME"], long).await
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
    ) -> Result<Vec<Vec<u8>>, Error> {
        let mut pipeline = Pipeline::with_capacity(keys.len());
        for key in &keys {
            let mut command = redis::Cmd::new();
            command.arg(question).arg(key);
            pipeline.add_command(command);
        }
        let answers = self.ask_all(pipeline).await?;
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
