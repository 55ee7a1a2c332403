//! The form of a purge: which keys, in a page's address and in what the form sends.

use super::Alert;
use crate::address::encoded;
use fairway_domain::{
    EnvironmentName, Invalid, KeyFilter, KeyNames, PurgeReason, PurgeSelection, ServiceName, TimeOfDay,
};
use fairway_portal::PurgeOrder;
use serde::Deserialize;

/// `POST /services/NAME/purge`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PurgeBody {
    /// See [`crate::CsrfToken`].
    pub csrf: String,
    /// The same form sent again carries the same value.
    pub idempotency: String,
    environment: String,
    pattern: String,
    prefix: String,
    everything: Option<String>,
    r#type: String,
    no_expiry: Option<String>,
    idle: String,
    reason: String,
    expected: String,
    confirm: String,
    at: String,
}

impl PurgeBody {
    /// The page of the form, with the dry run in it.
    pub fn page(&self, service: &ServiceName) -> String {
        address(service.as_str(), &self.environment, &self.keys(), &self.reason)
    }

    /// What is agreed to, or what is missing. Whether a reason or the service's name is needed, the portal says.
    pub fn order(&self, service: &ServiceName) -> Result<PurgeOrder, Alert> {
        let invalid = |error: Invalid| Alert::new(error.to_string());
        let environment: EnvironmentName = self.environment.parse().map_err(invalid)?;
        let selection = self.keys().selection().map_err(|wrong| Alert::new(wrong.message))?;
        let expected: u64 =
            self.expected.parse().map_err(|_| Alert::new("Count the keys first; nothing was removed."))?;
        let reason = match self.reason.trim() {
            "" => None,
            reason => Some(reason.parse::<PurgeReason>().map_err(invalid)?),
        };
        let confirm = self.confirm.clone();
        Ok(PurgeOrder { service: service.clone(), environment, selection, expected, reason, confirm })
    }

    /// When it is done every day, if that is asked for.
    pub fn daily_at(&self) -> Result<TimeOfDay, Alert> {
        self.at.parse().map_err(|error: Invalid| Alert::new(error.to_string()))
    }

    fn keys(&self) -> AskedKeys {
        AskedKeys {
            pattern: self.pattern.clone(),
            prefix: self.prefix.clone(),
            everything: self.everything.is_some(),
            kind: self.r#type.clone(),
            no_expiry: self.no_expiry.is_some(),
            idle: self.idle.clone(),
        }
    }
}

/// The page that counts these keys; `reason` stands in its form already.
pub(crate) fn address(service: &str, environment: &str, keys: &AskedKeys, reason: &str) -> String {
    let mut fields = vec![("environment", environment.to_owned())];
    fields.extend(keys.fields());
    fields.push(("reason", reason.to_owned()));
    let pairs = fields.iter().filter(|(_, value)| !value.is_empty());
    let query: Vec<String> = pairs.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    format!("/services/{service}/purge?{}", query.join("&"))
}

/// Which keys, as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AskedKeys {
    pub pattern: String,
    pub prefix: String,
    pub everything: bool,
    pub kind: String,
    pub no_expiry: bool,
    pub idle: String,
}

/// What is wrong with which field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WrongField {
    pub field: &'static str,
    pub message: String,
}

impl AskedKeys {
    /// Whether nothing was chosen yet.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether only some of the named keys are meant.
    pub(crate) fn has_filter(&self) -> bool {
        !self.kind.is_empty() || self.no_expiry || !self.idle.is_empty()
    }

    /// The fields that are set, as a form or an address has them.
    pub(crate) fn fields(&self) -> Vec<(&'static str, String)> {
        let on = |set: bool| if set { "on".to_owned() } else { String::new() };
        let fields = [
            ("pattern", self.pattern.clone()),
            ("prefix", self.prefix.clone()),
            ("everything", on(self.everything)),
            ("type", self.kind.clone()),
            ("no_expiry", on(self.no_expiry)),
            ("idle", self.idle.clone()),
        ];
        fields.into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }

    /// What that selects.
    pub(crate) fn selection(&self) -> Result<PurgeSelection, WrongField> {
        let filter = KeyFilter {
            kind: read("type", &self.kind)?,
            without_expiry: self.no_expiry,
            idle_seconds: read("idle", &self.idle)?,
        };
        let (pattern, prefix) = (read("pattern", &self.pattern)?, read("prefix", &self.prefix)?);
        PurgeSelection::choose(pattern, prefix, self.everything, filter)
            .map_err(|error| WrongField { field: "pattern", message: error.to_string() })
    }
}

fn read<T: std::str::FromStr<Err = Invalid>>(
    field: &'static str,
    text: &str,
) -> Result<Option<T>, WrongField> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error: Invalid| WrongField { field, message: error.to_string() })
}

impl From<&PurgeSelection> for AskedKeys {
    fn from(selection: &PurgeSelection) -> Self {
        let (mut pattern, mut prefix) = (String::new(), String::new());
        match &selection.names {
            KeyNames::Matching(glob) => pattern = glob.to_string(),
            KeyNames::Prefix(literal) => prefix = literal.to_string(),
            KeyNames::Everything => {}
        }
        let filter = &selection.filter;
        Self {
            pattern,
            prefix,
            everything: selection.names == KeyNames::Everything,
            kind: filter.kind.map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
            no_expiry: filter.without_expiry,
            idle: filter.idle_seconds.map(|time| time.to_string()).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(fields: &str) -> PurgeBody {
        let value = |name: &str| {
            let pairs = fields.split('&').filter_map(|pair| pair.split_once('='));
            pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
        };
        let text = |name: &str| value(name).unwrap_or_default();
        PurgeBody {
            environment: "staging".into(),
            pattern: text("pattern"),
            prefix: text("prefix"),
            everything: value("everything"),
            r#type: text("type"),
            no_expiry: value("no_expiry"),
            idle: text("idle"),
            reason: text("reason"),
            expected: text("expected"),
            ..PurgeBody::default()
        }
    }

    fn order(fields: &str) -> Result<PurgeOrder, Alert> {
        body(fields).order(&"orders".parse().unwrap())
    }

    #[test]
    fn a_purge_without_a_count_or_keys_is_refused() {
        assert!(order("pattern=session:*&expected=3").is_ok());
        assert!(order("pattern=session:*").is_err());
        assert!(order("expected=3").is_err());
        assert!(order("pattern=a*&prefix=a&expected=3").is_err());
        assert!(order("pattern=a*&idle=long&expected=3").is_err());
        assert!(order("pattern=a*&expected=3&reason=x").is_err());
    }

    #[test]
    fn a_filter_alone_selects_of_all_names() {
        let selection = order("type=hash&no_expiry=on&idle=12h&expected=3").unwrap().selection;
        assert_eq!(selection.to_string(), "keys of type hash without an expiry idle for 12h or longer");
    }

    #[test]
    fn the_page_of_a_refused_form_asks_for_the_same_again() {
        let service: ServiceName = "orders".parse().unwrap();
        assert_eq!(
            body("pattern=a%b*&reason=stale ones").page(&service),
            "/services/orders/purge?environment=staging&pattern=a%25b%2A&reason=stale%20ones"
        );
    }

    #[test]
    fn an_earlier_purge_can_be_asked_for_again_word_for_word() {
        for fields in ["pattern=a*&type=set", "prefix=a\\xff*", "everything=on", "no_expiry=on&idle=30d"] {
            let selection = body(fields).keys().selection().unwrap();
            assert_eq!(AskedKeys::from(&selection).selection().unwrap(), selection, "{fields}");
        }
    }
}
