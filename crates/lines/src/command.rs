//! The commands that show the same lines in a terminal.

use crate::Filter;
use crate::filter::{Comparison, Name, Term, Text, What};
use fairway_domain::{Namespace, ServiceName, ShellCommand};

/// How many lines of each container are shown first, where all are.
const TAIL: &str = "--tail=500";

/// A command that follows a service's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Equivalent {
    /// The line to paste.
    pub command: ShellCommand,
    /// The terms of the filter that it can't say, as they were written: it shows more than they would leave.
    pub unsaid: Vec<String>,
}

/// `kubectl logs`, with what it has no options for said by `grep`.
pub fn kubectl(namespace: &Namespace, service: &ServiceName, filter: &Filter) -> Equivalent {
    let mut said = Said::default();
    let (mut container, mut greps) = (None, Vec::new());
    for group in &filter.groups {
        match group.as_slice() {
            [Term { excluded: false, what: What::Container(name), .. }]
                if name.comparison == Comparison::Equals && container.is_none() =>
            {
                container = whole_name(name);
            }
            [Term { excluded: true, what: What::Text(text), .. }] => greps.push(("-vP", expression(&[text]))),
            terms => match texts(terms) {
                Some(texts) => greps.push(("-P", expression(&texts))),
                None => said.cannot(terms),
            },
        }
    }
    let selector = selector(service);
    let which = container.map_or_else(|| "--all-containers".to_owned(), |name| format!("--container={name}"));
    // By itself it shows the last ten lines; what is asked for may stand anywhere.
    let tail = if greps.is_empty() { TAIL } else { "--tail=-1" };
    let words = [
        "-n",
        namespace.as_str(),
        "logs",
        "-f",
        tail,
        "--prefix",
        "--max-log-requests=20",
        "-l",
        &selector,
        &which,
    ];
    let logs = ShellCommand::new("kubectl", words);
    let command = greps.iter().fold(logs, |command, (option, pattern)| {
        command.pipe(&ShellCommand::new("grep", ["--line-buffered", option, pattern]))
    });
    Equivalent { command, unsaid: said.unsaid }
}

/// `stern`.
pub fn stern(namespace: &Namespace, service: &ServiceName, filter: &Filter) -> Equivalent {
    let mut said = Said::default();
    let (mut options, mut pod, mut included) = (Vec::new(), None, Vec::new());
    for group in &filter.groups {
        match group.as_slice() {
            [Term { excluded, what: What::Container(name), .. }] => {
                let without = *excluded != (name.comparison == Comparison::Differs);
                let option = if without { "--exclude-container" } else { "--container" };
                options.extend([option.to_owned(), in_names(name)]);
            }
            [Term { excluded, what: What::Pod(name), .. }]
                if *excluded != (name.comparison == Comparison::Differs) =>
            {
                options.extend(["--exclude-pod".to_owned(), in_names(name)]);
            }
            [Term { what: What::Pod(name), .. }] if pod.is_none() => pod = Some(in_names(name)),
            [Term { excluded: true, what: What::Text(text), .. }] => {
                options.extend(["--exclude".to_owned(), expression(&[text])]);
            }
            terms => match texts(terms) {
                Some(texts) => included.push((terms, expression(&texts))),
                None => said.cannot(terms),
            },
        }
    }
    // Several of its `--include` are alternatives; two texts that both have to be there stand in one order or the other.
    match included.as_slice() {
        [] => {}
        [(_, one)] => options.extend(["--include".to_owned(), one.clone()]),
        [(_, one), (_, other), more @ ..] => {
            let both = format!("(?:{one}).*(?:{other})|(?:{other}).*(?:{one})");
            options.extend(["--include".to_owned(), both]);
            for (terms, _) in more {
                said.cannot(terms);
            }
        }
    }
    if options.is_empty() {
        options.push(TAIL.to_owned());
    }
    let selector = selector(service);
    let words = pod.into_iter().chain(["-n", namespace.as_str(), "-l", &selector].map(str::to_owned));
    let command = ShellCommand::new("stern", words.chain(options).collect::<Vec<_>>());
    Equivalent { command, unsaid: said.unsaid }
}

#[derive(Default)]
struct Said {
    unsaid: Vec<String>,
}

impl Said {
    fn cannot(&mut self, terms: &[Term]) {
        self.unsaid.push(terms.iter().map(|term| &*term.written).collect::<Vec<_>>().join(" or "));
    }
}

fn selector(service: &ServiceName) -> String {
    format!("app.kubernetes.io/name={service}")
}

/// The texts of which one has to be there, where nothing else is asked.
fn texts(terms: &[Term]) -> Option<Vec<&Text>> {
    terms.iter().map(text_of).collect()
}

fn text_of(term: &Term) -> Option<&Text> {
    match &term.what {
        What::Text(text) if !term.excluded => Some(text),
        _ => None,
    }
}

/// One of the texts, as a regular expression that Go and Perl read too.
fn expression(texts: &[&Text]) -> String {
    let alone = |text: &Text| {
        let flag = if text.any_case { "(?i)" } else { "" };
        format!("{flag}{}", text.pattern)
    };
    match texts {
        [text] => alone(text),
        texts => texts.iter().map(|text| format!("(?:{})", alone(text))).collect::<Vec<_>>().join("|"),
    }
}

/// What is looked for in names, which have only small letters.
fn in_names(name: &Name) -> String {
    name.pattern.as_str().to_lowercase()
}

/// The name that a whole one is compared with.
fn whole_name(name: &Name) -> Option<String> {
    let pattern = name.pattern.as_str().strip_prefix('^')?.strip_suffix('$')?;
    Some(pattern.replace('\\', "").to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(filter: &str) -> [(String, Vec<String>); 2] {
        let filter = Filter::parse(filter).unwrap();
        let (namespace, service) = ("staging".parse().unwrap(), "orders".parse().unwrap());
        [kubectl(&namespace, &service, &filter), stern(&namespace, &service, &filter)]
            .map(|equivalent| (equivalent.command.to_string(), equivalent.unsaid))
    }

    const KUBECTL: &str = "--prefix --max-log-requests=20 -l app.kubernetes.io/name=orders";
    const ALL: &str = "kubectl -n staging logs -f --tail=500";
    const SOME: &str = "kubectl -n staging logs -f --tail=-1";
    const STERN: &str = "stern -n staging -l app.kubernetes.io/name=orders";

    #[test]
    fn without_a_filter_all_lines_are_followed() {
        let [(kubectl, _), (stern, _)] = both("");
        assert_eq!(kubectl, format!("{ALL} {KUBECTL} --all-containers"));
        assert_eq!(stern, format!("{STERN} --tail=500"));
    }

    #[test]
    fn texts_patterns_and_exclusions_are_said() {
        let [(kubectl, no), (stern, none)] = both(r"timeout -healthz -/5\d\d/");
        assert_eq!(
            kubectl,
            format!(
                r"{SOME} {KUBECTL} --all-containers | grep --line-buffered -P '(?i)timeout' | grep --line-buffered -vP '(?i)healthz' | grep --line-buffered -vP '5\d\d'"
            )
        );
        assert_eq!(
            stern,
            format!(r"{STERN} --exclude '(?i)healthz' --exclude '5\d\d' --include '(?i)timeout'")
        );
        assert!(no.is_empty() && none.is_empty());
    }

    #[test]
    fn alternatives_and_two_texts_at_once_are_said() {
        let [(kubectl, _), (stern, _)] = both("a or /b/");
        assert!(kubectl.ends_with("grep --line-buffered -P '(?:(?i)a)|(?:b)'"), "{kubectl}");
        assert_eq!(stern, format!("{STERN} --include '(?:(?i)a)|(?:b)'"));
        let [_, (stern, unsaid)] = both("/a/ /b/ \"a c\"");
        assert_eq!(stern, format!("{STERN} --include '(?:a).*(?:b)|(?:b).*(?:a)'"));
        assert_eq!(unsaid, ["\"a c\""]);
    }

    #[test]
    fn pods_and_containers_are_said_where_the_command_can() {
        let [(kubectl, unsaid), (stern, none)] = both("pod:x2 container=app -pod:old");
        assert_eq!(kubectl, format!("{ALL} {KUBECTL} --container=app"));
        assert_eq!(unsaid, ["pod:x2", "-pod:old"]);
        assert_eq!(
            stern,
            "stern x2 -n staging -l app.kubernetes.io/name=orders --container '^app$' --exclude-pod old"
        );
        assert_eq!(none, [""; 0]);
    }

    #[test]
    fn what_no_command_can_say_is_named() {
        for (_, unsaid) in both("level>=warn status>=500 a or level:error") {
            assert_eq!(unsaid, ["level>=warn", "status>=500", "a or level:error"]);
        }
    }
}
