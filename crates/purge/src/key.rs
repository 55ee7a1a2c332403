//! One key, and a page of what it holds.

use crate::connection::Redis;
use crate::node::{Node, field};
use crate::{Error, sample::Remembers, slots};
use fairway_domain::{KeyName, KeyPosition, SampledKey, whole_characters};
use redis::{Cmd, FromRedisValue, Pipeline, Value};
use std::ops::Range;

/// So many elements are on a page, fewer where they are large.
const ELEMENTS: u64 = 100;

/// A page's elements take about this many bytes at most, judged by what the key takes in all.
const PAGE: u64 = 1 << 20;

/// So many bytes of a string are on a page.
const BYTES: u64 = 16 * 1024;

/// So many bytes before and behind a string's page are read with it: who looks for a secret in it sees one that begins or ends there.
const AROUND: u64 = 4 * 1024;

/// A key as Redis has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRead {
    /// What is known without looking into it.
    pub facts: SampledKey,
    /// How Redis keeps it, in its own word.
    pub encoding: Option<String>,
    /// Whether Redis takes the look for a use of the key.
    pub look_counts: bool,
    /// How long a string is, in bytes; of how many elements the others are.
    pub length: Option<u64>,
    /// The page.
    pub page: KeyPage,
    /// Where the next page begins, if there is one.
    pub next: Option<KeyPosition>,
}

/// A part of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyPage {
    /// Of a string.
    Bytes {
        /// The offset of the first byte on the page.
        from: u64,
        /// The page, with some bytes around it.
        around: Vec<u8>,
        /// Where in these it is.
        page: Range<usize>,
    },
    /// Of everything that has elements.
    Elements(Vec<ElementRead>),
    /// A type that isn't Redis's own.
    Unknown,
}

/// One element, or one field of a stream's entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElementRead {
    /// A list's index, the rank in a sorted set, the id of a stream's entry.
    pub position: Option<String>,
    /// The score in a sorted set, as Redis writes it.
    pub score: Option<String>,
    /// The name of a hash's or an entry's field.
    pub field: Option<Vec<u8>>,
    /// What stands there.
    pub value: Vec<u8>,
    /// How many bytes of it weren't loaded, because they are too many: then none were.
    pub left_out: u64,
}

impl Redis {
    /// A key with the page of its value that begins at `from`, or the first one; nothing, if there is no such key. Changes nothing: from
    /// Redis 7.2 on, not even when the key was last used.
    pub async fn key(
        &mut self,
        name: &KeyName,
        from: Option<&KeyPosition>,
    ) -> Result<Option<KeyRead>, Error> {
        self.holder(name.as_bytes()).await?.key(name, from).await
    }

    /// The server that has the key, if any has: of a cluster's, the one that names no other.
    async fn holder(&mut self, key: &[u8]) -> Result<Node, Error> {
        for node in &self.nodes {
            let mut node = node.clone();
            let mut question = Pipeline::new();
            question.cmd("TYPE").arg(key);
            let answer = node.ask_all(question).await?.pop().unwrap_or(Value::Nil);
            match answer.extract_error() {
                Err(error) if slots::has_moved(&error) => {}
                Err(error) => return Err(Error::from(&error)),
                Ok(_) => return Ok(node),
            }
        }
        Err(Error::Unsettled(format!("slot {} is on its way from one server to another", slots::of(key))))
    }
}

impl Node {
    async fn key(&mut self, name: &KeyName, from: Option<&KeyPosition>) -> Result<Option<KeyRead>, Error> {
        let info: String = self.ask(redis::cmd("INFO").arg("memory")).await?;
        let remembers = Remembers::under(field(&info, "maxmemory_policy").unwrap_or_default());
        let Some(facts) = self.facts(vec![name.as_bytes().to_vec()], remembers).await?.pop() else {
            return Ok(None);
        };
        let mut look = Pipeline::new();
        look.cmd("CLIENT").arg("NO-TOUCH").arg("ON");
        look.cmd("OBJECT").arg("ENCODING").arg(name.as_bytes());
        let answers = self.ask_all(look).await?;
        let look_counts = matches!(answers.first(), Some(Value::ServerError(_)));
        let encoding = answers.into_iter().nth(1).and_then(|answer| String::from_redis_value(answer).ok());
        let length = match length_of(&facts) {
            Some(command) => Some(self.ask::<u64>(&command).await?),
            None => None,
        };
        let (page, next) = self.page(&facts, length.unwrap_or_default(), from).await?;
        Ok(Some(KeyRead { facts, encoding, look_counts, length, page, next }))
    }

    async fn page(
        &mut self,
        facts: &SampledKey,
        length: u64,
        from: Option<&KeyPosition>,
    ) -> Result<(KeyPage, Option<KeyPosition>), Error> {
        let begin = from.and_then(|from| from.as_str().parse::<u64>().ok()).unwrap_or_default();
        let count = elements_on_a_page(facts.memory, length);
        let key = facts.name.as_bytes();
        let (elements, next) = match facts.r#type.as_str() {
            "string" => return self.bytes(key, length, begin).await,
            "list" => self.list(key, length, begin, count).await?,
            "set" => self.members(key, begin, count).await?,
            "hash" => self.fields(key, length, begin, count).await?,
            "zset" => self.ranked(key, length, begin, count).await?,
            "stream" => self.entries(key, from, count).await?,
            _ => return Ok((KeyPage::Unknown, None)),
        };
        Ok((KeyPage::Elements(elements), next))
    }

    async fn bytes(
        &mut self,
        key: &[u8],
        length: u64,
        begin: u64,
    ) -> Result<(KeyPage, Option<KeyPosition>), Error> {
        let from = begin.min(length);
        let first = from.saturating_sub(AROUND);
        let last = from.saturating_add(BYTES + AROUND);
        let mut command = redis::cmd("GETRANGE");
        command.arg(key).arg(first).arg(last);
        let around: Vec<u8> = self.ask(&command).await?;
        let start = usize::try_from(from - first).unwrap_or_default().min(around.len());
        let most = usize::try_from(BYTES).unwrap_or_default();
        let size = whole_characters(&around[start..], most);
        let end = from + size as u64;
        let more = size > 0 && end < length;
        let next = more.then(|| end.to_string()).and_then(position);
        Ok((KeyPage::Bytes { from, page: start..start + size, around }, next))
    }

    async fn list(&mut self, key: &[u8], length: u64, begin: u64, count: u64) -> Result<Elements, Error> {
        let mut command = redis::cmd("LRANGE");
        command.arg(key).arg(begin).arg(begin.saturating_add(count - 1));
        let values: Vec<Vec<u8>> = self.ask(&command).await?;
        let end = begin.saturating_add(values.len() as u64);
        let placed = |(value, index): (Vec<u8>, u64)| ElementRead {
            position: Some(index.to_string()),
            score: None,
            field: None,
            value,
            left_out: 0,
        };
        let more = !values.is_empty() && end < length;
        let elements = values.into_iter().zip(begin..).map(placed).collect();
        Ok((elements, more.then(|| end.to_string()).and_then(position)))
    }

    async fn members(&mut self, key: &[u8], cursor: u64, count: u64) -> Result<Elements, Error> {
        let (found, next) = self.scanned("SSCAN", key, cursor, count, &[]).await?;
        let element = |value| ElementRead { position: None, score: None, field: None, value, left_out: 0 };
        Ok((found.into_iter().map(element).collect(), next))
    }

    /// A page of a set or of a hash, in Redis's own order; one that is kept in one piece comes as one page.
    pub(crate) async fn scanned(
        &mut self,
        scan: &str,
        key: &[u8],
        cursor: u64,
        count: u64,
        more: &[&str],
    ) -> Result<(Vec<Vec<u8>>, Option<KeyPosition>), Error> {
        let (mut cursor, mut found) = (cursor, Vec::new());
        // A page may be empty although there is more.
        loop {
            let mut command = redis::cmd(scan);
            command.arg(key).arg(cursor).arg("COUNT").arg(count).arg(more);
            let (next, some): (u64, Vec<Vec<u8>>) = self.ask(&command).await?;
            cursor = next;
            found.extend(some);
            if cursor == 0 || !found.is_empty() {
                break;
            }
        }
        Ok((found, (cursor != 0).then(|| cursor.to_string()).and_then(position)))
    }

    async fn ranked(&mut self, key: &[u8], length: u64, begin: u64, count: u64) -> Result<Elements, Error> {
        let mut command = redis::cmd("ZRANGE");
        command.arg(key).arg(begin).arg(begin.saturating_add(count - 1)).arg("WITHSCORES");
        let found: Vec<Vec<u8>> = self.ask(&command).await?;
        let ranked = |((value, score), rank): ((Vec<u8>, Vec<u8>), u64)| ElementRead {
            position: Some(rank.to_string()),
            score: Some(String::from_utf8_lossy(&score).into_owned()),
            field: None,
            value,
            left_out: 0,
        };
        let elements: Vec<ElementRead> = pairs(found).zip(begin..).map(ranked).collect();
        let end = begin.saturating_add(elements.len() as u64);
        let more = !elements.is_empty() && end < length;
        Ok((elements, more.then(|| end.to_string()).and_then(position)))
    }

    async fn entries(
        &mut self,
        key: &[u8],
        from: Option<&KeyPosition>,
        count: u64,
    ) -> Result<Elements, Error> {
        let begin = from.map_or_else(|| "-".to_owned(), ToString::to_string);
        let mut command = redis::cmd("XRANGE");
        // One more than is shown: where the next page begins.
        command.arg(key).arg(begin).arg("+").arg("COUNT").arg(count + 1);
        let mut found: Vec<(String, Vec<Vec<u8>>)> = self.ask(&command).await?;
        let wanted = usize::try_from(count).unwrap_or(usize::MAX);
        let next = found.get(wanted).map(|(id, _)| id.clone()).and_then(position);
        found.truncate(wanted);
        let fields = |(id, fields): (String, Vec<Vec<u8>>)| {
            pairs(fields).map(move |(field, value)| ElementRead {
                position: Some(id.clone()),
                score: None,
                field: Some(field),
                value,
                left_out: 0,
            })
        };
        Ok((found.into_iter().flat_map(fields).collect(), next))
    }
}

pub(crate) type Elements = (Vec<ElementRead>, Option<KeyPosition>);

pub(crate) fn position(text: String) -> Option<KeyPosition> {
    text.try_into().ok()
}

pub(crate) fn pairs(flat: Vec<Vec<u8>>) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    let mut flat = flat.into_iter();
    std::iter::from_fn(move || Some((flat.next()?, flat.next()?)))
}

fn length_of(facts: &SampledKey) -> Option<Cmd> {
    let question = match facts.r#type.as_str() {
        "string" => "STRLEN",
        "list" => "LLEN",
        "set" => "SCARD",
        "zset" => "ZCARD",
        "hash" => "HLEN",
        "stream" => "XLEN",
        _ => return None,
    };
    let mut command = redis::cmd(question);
    command.arg(facts.name.as_bytes());
    Some(command)
}

/// So many that they take no more than a page may, if they are about equally large.
fn elements_on_a_page(memory: Option<u64>, length: u64) -> u64 {
    let each = memory.unwrap_or_default().checked_div(length).unwrap_or_default();
    PAGE.checked_div(each).map_or(ELEMENTS, |fitting| fitting.clamp(1, ELEMENTS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_elements_make_a_page_short() {
        assert_eq!(elements_on_a_page(Some(6400), 100), ELEMENTS);
        assert_eq!(elements_on_a_page(Some(100 << 20), 1000), 10);
        assert_eq!(elements_on_a_page(Some(350 << 20), 1), 1);
        assert_eq!((elements_on_a_page(None, 5), elements_on_a_page(Some(5), 0)), (ELEMENTS, ELEMENTS));
    }
}
