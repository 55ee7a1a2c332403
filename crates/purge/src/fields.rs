//! The fields of a hash, of which one may be larger than all others together.

use crate::key::{ElementRead, Elements, pairs, position};
use crate::{Error, node::Node, timed};
use redis::Pipeline;

/// A hash with no more fields than this tells all their names at once.
const FEW: u64 = 1000;

/// A longer value isn't loaded: of what is, people are shown less.
const LONGEST: u64 = 64 * 1024;

impl Node {
    /// A page of fields. How long their values are is asked before these are loaded; only a Redis before 7.4 can't do so for a hash of
    /// many fields, and gives them as they are.
    pub(crate) async fn fields(
        &mut self,
        key: &[u8],
        length: u64,
        begin: u64,
        count: u64,
    ) -> Result<Elements, Error> {
        if length <= FEW {
            let mut names: Vec<Vec<u8>> = self.ask(redis::cmd("HKEYS").arg(key)).await?;
            let all = names.len() as u64;
            let end = begin.saturating_add(count).min(all);
            let place = |number: u64| usize::try_from(number.min(all)).unwrap_or_default();
            let names = names.drain(place(begin)..place(end).max(place(begin))).collect();
            let next = (end < all).then(|| end.to_string()).and_then(position);
            return Ok((self.values(key, names).await?, next));
        }
        match self.scanned("HSCAN", key, begin, count, &["NOVALUES"]).await {
            Ok((names, next)) => Ok((self.values(key, names).await?, next)),
            Err(Error::Refused(_)) => {
                let (found, next) = self.scanned("HSCAN", key, begin, count, &[]).await?;
                Ok((pairs(found).map(|(field, value)| element(field, value, 0)).collect(), next))
            }
            Err(error) => Err(error),
        }
    }

    /// Fields with their values, as far as these aren't too long; fields that have gone meanwhile are left out.
    async fn values(&mut self, key: &[u8], names: Vec<Vec<u8>>) -> Result<Vec<ElementRead>, Error> {
        let mut lengths = Pipeline::with_capacity(names.len());
        for name in &names {
            lengths.cmd("HSTRLEN").arg(key).arg(name);
        }
        let lengths: Vec<u64> =
            self.ask_all(lengths).await?.into_iter().map(timed::read).collect::<Result<_, _>>()?;
        let mut values = Pipeline::new();
        for (name, length) in names.iter().zip(&lengths) {
            if *length <= LONGEST {
                values.cmd("HGET").arg(key).arg(name);
            }
        }
        let mut values = self.ask_all(values).await?.into_iter();
        let mut elements = Vec::with_capacity(names.len());
        for (name, length) in names.into_iter().zip(lengths) {
            if length > LONGEST {
                elements.push(element(name, Vec::new(), length));
            } else if let Some(value) = timed::read(values.next().unwrap_or(redis::Value::Nil))? {
                elements.push(element(name, value, 0));
            }
        }
        Ok(elements)
    }
}

fn element(field: Vec<u8>, value: Vec<u8>, left_out: u64) -> ElementRead {
    ElementRead { position: None, score: None, field: Some(field), value, left_out }
}
