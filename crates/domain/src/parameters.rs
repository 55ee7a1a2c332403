//! The answers that the template asks for.

use crate::{Invalid, ServiceName, TeamName, VariableName};
use serde::{Deserialize, Deserializer, Serialize};
use std::{collections::BTreeMap, fmt, str::FromStr};

/// What a service is created from: the template's answers, all valid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Parameters {
    /// The service's name.
    pub name: ServiceName,
    /// The team that owns it.
    pub team: TeamName,
    /// One line that says what it is for; may be empty.
    pub description: String,
    /// The language and framework.
    pub runtime: Runtime,
    /// The port that the container listens on.
    pub port: Port,
    /// How many pods.
    pub replicas: Replicas,
    /// Environment variables, in the order they were given.
    pub variables: Vec<Variable>,
    /// The supporting parts.
    pub components: Components,
}

/// One environment variable. The value is text and stays the same text all the way into the pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Variable {
    /// Its name.
    pub name: VariableName,
    /// Its value.
    pub value: String,
}

/// The languages that the template can start a service in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Runtime {
    /// Python with FastAPI.
    #[default]
    Python,
    /// Go with the standard library's HTTP server.
    Go,
}

impl Runtime {
    /// All of them, in the order they are offered.
    pub const ALL: [Self; 2] = [Self::Python, Self::Go];

    /// The word that stands in `fairway.yaml` and in forms.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Go => "go",
        }
    }

    /// The name for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Python => "Python",
            Self::Go => "Go",
        }
    }

    /// One line: what it is.
    pub const fn summary(self) -> &'static str {
        match self {
            Self::Python => "FastAPI on uvicorn; quick to change",
            Self::Go => "net/http, one static binary; small and quick to start",
        }
    }
}

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Runtime {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|runtime| runtime.as_str() == text)
            .ok_or_else(|| Invalid::new("Choose a runtime: python or go."))
    }
}

/// The port that a service's container listens on: 1024 to 65535, since it doesn't run as root, and not 6379, which is its
/// Redis's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = u16))]
pub struct Port(u16);

impl Port {
    /// What the form offers.
    pub const DEFAULT: Self = Self(8080);

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl TryFrom<u16> for Port {
    type Error = Invalid;
    fn try_from(port: u16) -> Result<Self, Invalid> {
        match port {
            6379 => Err(Invalid::new("6379 is reserved for Redis. Choose another port, such as 8080.")),
            0..1024 => Err(Invalid::new(
                "Ports below 1024 are reserved for root, and a service doesn't run as root. Choose 1024 to 65535.",
            )),
            _ => Ok(Self(port)),
        }
    }
}

impl From<Port> for u16 {
    fn from(port: Port) -> Self {
        port.0
    }
}

impl FromStr for Port {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let port: u16 =
            text.trim().parse().map_err(|_| Invalid::new("A port is a whole number from 1024 to 65535."))?;
        Self::try_from(port)
    }
}

/// How many pods of a service run: 1 to 20.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = u16))]
pub struct Replicas(u16);

impl Replicas {
    /// What the form offers: two, so that a deploy and a lost node are survived.
    pub const DEFAULT: Self = Self(2);

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl TryFrom<u16> for Replicas {
    type Error = Invalid;
    fn try_from(count: u16) -> Result<Self, Invalid> {
        if (1..=20).contains(&count) {
            Ok(Self(count))
        } else {
            Err(Invalid::new("The number of pods is 1 to 20."))
        }
    }
}

impl From<Replicas> for u16 {
    fn from(replicas: Replicas) -> Self {
        replicas.0
    }
}

impl FromStr for Replicas {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let count: u16 = text.trim().parse().map_err(|_| Invalid::new("The number of pods is 1 to 20."))?;
        Self::try_from(count)
    }
}

/// The supporting parts that a service declares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Components {
    /// A Redis of its own, with a password in a Secret.
    pub redis: bool,
    /// Annotations that let Prometheus find `/metrics`.
    pub metrics: bool,
}

/// The answers as somebody typed them: any text, in the shape of the form. `POST /api/v1/services` takes the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ParametersDraft {
    /// The service's name.
    pub name: String,
    /// The owner team.
    pub team: String,
    /// One line, at most 200 characters.
    pub description: String,
    /// `python` or `go`.
    pub runtime: String,
    /// A whole number; JSON may give it as a number or as text.
    #[serde(deserialize_with = "text_or_number")]
    pub port: String,
    /// A whole number; JSON may give it as a number or as text.
    #[serde(deserialize_with = "text_or_number")]
    pub replicas: String,
    /// One `NAME=value` a line; JSON may also give an object of names and texts.
    #[serde(deserialize_with = "lines_or_map")]
    pub variables: String,
    /// Whether a Redis is wanted.
    pub redis: bool,
    /// Whether metrics are scraped.
    pub metrics: bool,
}

fn text_or_number<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Text(String),
        Number(serde_json::Number),
    }
    Ok(match Either::deserialize(from)? {
        Either::Text(text) => text,
        Either::Number(number) => number.to_string(),
    })
}

fn lines_or_map<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Lines(String),
        Map(BTreeMap<String, String>),
    }
    Ok(match Either::deserialize(from)? {
        Either::Lines(lines) => lines,
        Either::Map(map) => {
            let lines: Vec<String> = map.iter().map(|(name, value)| format!("{name}={value}")).collect();
            lines.join("\n")
        }
    })
}

/// A field of the form, so that an error stands where it belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[allow(missing_docs)] // each is named for the parameter that it holds
pub enum Field {
    Name,
    Team,
    Description,
    Runtime,
    Port,
    Replicas,
    Variables,
}

/// What is wrong with one field, and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldError {
    /// Where.
    pub field: Field,
    /// The sentence that stands at the field.
    pub message: String,
}

impl ParametersDraft {
    /// What the form shows before anything was typed.
    pub fn sensible() -> Self {
        Self {
            runtime: Runtime::default().to_string(),
            port: Port::DEFAULT.get().to_string(),
            replicas: Replicas::DEFAULT.get().to_string(),
            metrics: true,
            ..Self::default()
        }
    }

    /// The parameters, or every field that is wrong at once.
    pub fn parse(&self) -> Result<Parameters, Vec<FieldError>> {
        let mut errors = Vec::new();
        let name = at(Field::Name, self.name.trim().parse(), &mut errors);
        let team = at(Field::Team, self.team.trim().parse(), &mut errors);
        let description = at(Field::Description, parse_description(&self.description), &mut errors);
        let runtime = at(Field::Runtime, self.runtime.parse(), &mut errors);
        let port = at(Field::Port, self.port.parse(), &mut errors);
        let replicas = at(Field::Replicas, self.replicas.parse(), &mut errors);
        let variables = at(Field::Variables, parse_variables(&self.variables), &mut errors);
        let components = Components { redis: self.redis, metrics: self.metrics };
        match (name, team, description, runtime, port, replicas, variables) {
            (
                Some(name),
                Some(team),
                Some(description),
                Some(runtime),
                Some(port),
                Some(replicas),
                Some(variables),
            ) => Ok(Parameters { name, team, description, runtime, port, replicas, variables, components }),
            _ => Err(errors),
        }
    }
}

fn at<T>(field: Field, parsed: Result<T, Invalid>, errors: &mut Vec<FieldError>) -> Option<T> {
    parsed.map_err(|error| errors.push(FieldError { field, message: error.to_string() })).ok()
}

fn parse_description(text: &str) -> Result<String, Invalid> {
    let text = text.trim();
    if text.chars().count() > 200 || text.chars().any(char::is_control) {
        return Err(Invalid::new("A description is one line of at most 200 characters."));
    }
    Ok(text.to_owned())
}

fn parse_variables(text: &str) -> Result<Vec<Variable>, Invalid> {
    let mut variables: Vec<Variable> = Vec::new();
    for (number, line) in text.lines().enumerate().map(|(i, line)| (i + 1, line.trim())) {
        if line.is_empty() {
            continue;
        }
        let (name, value) =
            line.split_once('=').ok_or_else(|| Invalid::new(format!("Line {number}: write NAME=value.")))?;
        let name: VariableName =
            name.trim().parse().map_err(|e| Invalid::new(format!("Line {number}: {e}")))?;
        if value.chars().count() > 4096 || value.chars().any(char::is_control) {
            return Err(Invalid::new(format!(
                "Line {number}: a value is text without control characters, at most 4,096."
            )));
        }
        if variables.iter().any(|earlier| earlier.name == name) {
            return Err(Invalid::new(format!("Line {number}: {name} is given twice.")));
        }
        variables.push(Variable { name, value: value.to_owned() });
    }
    if variables.len() > 100 {
        return Err(Invalid::new("At most 100 variables."));
    }
    Ok(variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> ParametersDraft {
        ParametersDraft { name: "orders".into(), team: "checkout".into(), ..ParametersDraft::sensible() }
    }

    #[test]
    fn sensible_answers_with_a_name_and_a_team_are_enough() {
        let parameters = draft().parse().unwrap();
        assert_eq!(parameters.port, Port::DEFAULT);
        assert_eq!(parameters.replicas.get(), 2);
        assert!(parameters.components.metrics && !parameters.components.redis);
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        let wrong = ParametersDraft {
            name: "Orders".into(),
            team: String::new(),
            runtime: "cobol".into(),
            port: "80".into(),
            replicas: "0".into(),
            variables: "nonsense".into(),
            description: "x".repeat(201),
            ..ParametersDraft::default()
        };
        let fields: Vec<Field> = wrong.parse().unwrap_err().iter().map(|e| e.field).collect();

        assert_eq!(
            fields,
            [
                Field::Name,
                Field::Team,
                Field::Description,
                Field::Runtime,
                Field::Port,
                Field::Replicas,
                Field::Variables
            ]
        );
    }

    #[test]
    fn a_reserved_port_says_why() {
        for (port, part) in [
            ("6379", "Redis"),
            ("80", "root"),
            ("0", "root"),
            ("70000", "whole number"),
            ("http", "whole number"),
        ] {
            let error = ParametersDraft { port: port.into(), ..draft() }.parse().unwrap_err();
            assert!(error[0].message.contains(part), "{port}: {error:?}");
        }
    }

    #[test]
    fn values_that_look_like_numbers_stay_text() {
        let variables = "SHA=6180689\nEXP=1e3\nOCT=007\nVER=1.0\nEMPTY=\nEQ=a=b";
        let parsed = ParametersDraft { variables: variables.into(), ..draft() }.parse().unwrap();
        let values: Vec<&str> = parsed.variables.iter().map(|v| v.value.as_str()).collect();
        assert_eq!(values, ["6180689", "1e3", "007", "1.0", "", "a=b"]);
    }

    #[test]
    fn json_may_give_numbers_and_an_object_of_variables() {
        let json = r#"{"name":"orders","team":"checkout","runtime":"go","port":8081,"replicas":"3","variables":{"A":"007"}}"#;
        let parsed = serde_json::from_str::<ParametersDraft>(json).unwrap().parse().unwrap();
        assert_eq!((parsed.port.get(), parsed.replicas.get()), (8081, 3));
        assert_eq!(parsed.variables[0].value, "007");
    }

    #[test]
    fn a_variable_given_twice_or_without_a_value_names_its_line() {
        for (text, part) in
            [("A=1\nA=2", "Line 2: A is given twice"), ("A=1\n\nB", "Line 3: write NAME=value")]
        {
            let error = ParametersDraft { variables: text.into(), ..draft() }.parse().unwrap_err();
            assert!(error[0].message.contains(part), "{error:?}");
        }
    }
}
