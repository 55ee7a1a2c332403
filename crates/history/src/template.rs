//! Texts of the configuration that name a service.

use fairway_domain::{Namespace, ServiceName};
use std::fmt;
use std::str::FromStr;

/// A text in which `$namespace` and `$service` stand for those of the lines that are asked for. Their names hold nothing that
/// a query or a path would have to quote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(String);

impl Template {
    pub(crate) fn fill(&self, namespace: &Namespace, service: &ServiceName) -> String {
        self.0.replace("$namespace", namespace.as_str()).replace("$service", service.as_str())
    }

    /// Whether `$service` stands in it.
    pub fn names_service(&self) -> bool {
        self.0.contains("$service")
    }
}

impl FromStr for Template {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text.replace("$namespace", "").replace("$service", "");
        // By itself it means something else: where a pattern ends, or the whole of a line's JSON.
        let mut marks = rest.split('$').skip(1);
        if marks.any(|after| after.starts_with(|c: char| c.is_ascii_alphabetic() || c == '{')) {
            return Err("knows $namespace and $service, and no other name after a $.".into());
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_put_in_their_places() {
        let template: Template = r#"{namespace="$namespace", app="$service"}"#.parse().unwrap();
        let filled = template.fill(&"shop".parse().unwrap(), &"orders".parse().unwrap());
        assert_eq!(filled, r#"{namespace="shop", app="orders"}"#);
        assert!(template.names_service());
    }

    #[test]
    fn another_name_is_refused_and_a_dollar_by_itself_is_not() {
        for text in ["/aws/$cluster", "${service}"] {
            assert!(text.parse::<Template>().unwrap_err().contains("$namespace"), "{text}");
        }
        for text in [r#"{ $.app = "$service" }"#, r#"{pod=~"$service-.+$"}"#] {
            assert_eq!(text.parse::<Template>().unwrap().to_string(), text);
        }
    }
}
