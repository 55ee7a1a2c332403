//! Names that people type and that Kubernetes, Git, the registry and Helm all have to accept.

use serde::{Deserialize, Serialize};

/// Why a typed value was refused: a sentence that says what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub(crate) String);

impl Invalid {
    /// A refusal with its sentence.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

/// Declares the id of something on record: a UUID, version 7, as text. The sentence is for one that isn't.
macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $sentence:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub struct $name(pub uuid::Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::names::Invalid;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self).map_err(|_| $crate::names::Invalid::new($sentence))
            }
        }
    };
}
pub(crate) use uuid_id;

/// Declares a text type that exists only in its valid form.
macro_rules! parsed_text {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String))]
        pub struct $name(String);

        impl $name {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::names::Invalid;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                $check(&text)?;
                Ok(Self(text))
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::names::Invalid;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}
pub(crate) use parsed_text;

/// The longest service name. A DNS label holds 63 characters and Kubernetes, Helm and the chart append to the name
/// (`-redis-` and a pod's two hashes take 23): within 40 no name is ever cut, so two long names stay distinct.
pub const SERVICE_NAME_LIMIT: usize = 40;

/// Endings that the chart itself appends to a service's name: `orders-redis` would meet the Redis of `orders`.
const RESERVED_ENDINGS: [&str; 1] = ["-redis"];

/// Names that mean something else where a service's name stands: the cluster's own Service, and Helm's.
const RESERVED_NAMES: [&str; 2] = ["kubernetes", "new"];

parsed_text! {
    /// A service's name. It becomes DNS labels, a repository, an image and a Helm release, so it takes the strictest of
    /// their rules: lower-case letters, digits and dashes, a letter first, no dash last, at most [`SERVICE_NAME_LIMIT`].
    ServiceName, check_service_name
}
parsed_text! {
    /// The team that owns a service: a label value of lower-case letters, digits and dashes, at most 40 characters.
    TeamName, check_team_name
}
parsed_text! {
    /// A named place to deploy to, such as `staging`.
    EnvironmentName, check_environment_name
}
parsed_text! {
    /// A Kubernetes namespace.
    Namespace, check_namespace
}
parsed_text! {
    /// An environment variable's name: letters, digits and underscores, no digit first.
    VariableName, check_variable_name
}

fn check_service_name(text: &str) -> Result<(), Invalid> {
    check_label(text, "A service's name", SERVICE_NAME_LIMIT)?;
    if let Some(ending) = RESERVED_ENDINGS.iter().find(|ending| text.ends_with(**ending)) {
        return Err(Invalid(format!(
            "A service's name can't end in “{ending}”: the component of another service is called so. Try another ending."
        )));
    }
    if RESERVED_NAMES.contains(&text) {
        return Err(Invalid(format!("“{text}” is reserved. Choose another name.")));
    }
    Ok(())
}

fn check_team_name(text: &str) -> Result<(), Invalid> {
    check_label(text, "A team's name", 40)
}

fn check_environment_name(text: &str) -> Result<(), Invalid> {
    check_label(text, "An environment's name", 40)
}

fn check_namespace(text: &str) -> Result<(), Invalid> {
    check_label(text, "A namespace", 63)
}

/// RFC 1035's label, which is what a Kubernetes Service's name has to be.
fn check_label(text: &str, what: &str, limit: usize) -> Result<(), Invalid> {
    let rule = format!(
        "{what} is 1 to {limit} lower-case letters, digits and dashes, with a letter first and no dash last"
    );
    if text.is_empty() {
        return Err(Invalid(format!("{rule}.")));
    }
    if text.chars().count() > limit {
        return Err(Invalid(format!("{rule}; this one has {} characters.", text.chars().count())));
    }
    if let Some(wrong) = text.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-')) {
        let hint = if wrong.is_ascii_uppercase() { " Use lower case." } else { "" };
        return Err(Invalid(format!("{rule}; “{}” isn't allowed.{hint}", wrong.escape_debug())));
    }
    if !text.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Err(Invalid(format!("{rule}; start with a letter.")));
    }
    if text.ends_with('-') {
        return Err(Invalid(format!("{rule}; remove the dash at the end.")));
    }
    Ok(())
}

/// Variables that the platform itself sets in a service's container.
const RESERVED_VARIABLES: [&str; 5] =
    ["PORT", "REDIS_PASSWORD", "REDIS_URL", "SERVICE_NAME", "SERVICE_VERSION"];

fn check_variable_name(text: &str) -> Result<(), Invalid> {
    let rule = "A variable's name is letters, digits and underscores, with no digit first";
    let mut characters = text.chars();
    let first_is_right = characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if !first_is_right || !characters.all(|c| c.is_ascii_alphanumeric() || c == '_') || text.len() > 128 {
        return Err(Invalid(format!("{rule}, at most 128; “{}” isn't.", text.escape_debug())));
    }
    if RESERVED_VARIABLES.contains(&text) {
        return Err(Invalid(format!("{text} is set by the platform. Choose another name.")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed<T: std::str::FromStr<Err = Invalid>>(text: &str) -> T {
        text.parse().unwrap()
    }

    #[test]
    fn a_service_name_that_every_system_accepts_is_taken() {
        for name in ["a", "orders", "orders-2", "x1", &"a".repeat(SERVICE_NAME_LIMIT)] {
            assert_eq!(parsed::<ServiceName>(name).as_str(), name);
        }
    }

    #[test]
    fn a_service_name_that_one_system_would_refuse_or_cut_is_refused_with_the_rule() {
        let cases = [
            ("", "1 to 40"),
            ("Orders", "Use lower case"),
            ("1orders", "start with a letter"),
            ("-orders", "start with a letter"),
            ("orders-", "dash at the end"),
            ("or ders", "“ ” isn't allowed"),
            ("orders.api", "“.” isn't allowed"),
            ("../etc", "“.” isn't allowed"),
            ("örders", "“ö” isn't allowed"),
            ("orders-redis", "-redis"),
            ("kubernetes", "reserved"),
        ];
        for (name, part) in cases {
            let error = name.parse::<ServiceName>().unwrap_err().to_string();
            assert!(error.contains(part), "{name:?}: {error}");
        }
        let long = "a".repeat(53).parse::<ServiceName>().unwrap_err().to_string();
        assert!(long.contains("this one has 53 characters"), "{long}");
    }

    #[test]
    fn a_variable_name_is_a_shell_name_that_the_platform_does_not_set_itself() {
        assert_eq!(parsed::<VariableName>("LOG_LEVEL").as_str(), "LOG_LEVEL");
        for name in ["", "1A", "A-B", "A B", "A=B", "PORT", "REDIS_URL"] {
            assert!(name.parse::<VariableName>().is_err(), "{name:?}");
        }
    }
}
