//! The commands that show the same lines in a terminal.

use crate::Filter;
use crate::filter::{Comparison, Name, Term, Text, What};
use fairway_domain::{LogMoment, LogRequest, Namespace, ServiceName, ShellCommand, Timestamp};

/// More than any log is long: without an age, `stern` begins two days ago.
const EVER: &str = "--since=87600h";

/// A command that shows a service's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Equivalent {
    /// The line to paste.
    pub command: ShellCommand,
    /// The terms of the filter that it can't say, as they were written: it shows more than they would leave.
    pub unsaid: Vec<String>,
}

/// Whose lines a command shows.
#[derive(Clone, Copy, Debug)]
pub struct Whose<'a> {
    /// Where the service runs.
    pub namespace: &'a Namespace,
    /// The service.
    pub service: &'a ServiceName,
}

/// Which of a container's runs `kubectl` shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// The one that goes on.
    Present,
    /// The one before its last restart.
    Previous,
}

/// `kubectl logs`, with what it has no options for said by `grep` and `awk`.
pub fn kubectl(whose: Whose<'_>, filter: &Filter, request: &LogRequest, run: Run) -> Equivalent {
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
    let follows = run == Run::Present && request.follow && request.until.is_none();
    let sifted = !greps.is_empty() || request.until.is_some();
    let mut words = vec!["-n".to_owned(), whose.namespace.to_string(), "logs".to_owned()];
    words.extend(follows.then(|| "-f".to_owned()));
    // Where a container has no earlier run, others may have one.
    let previous = ["--previous", "--ignore-errors"].map(str::to_owned);
    words.extend(previous.into_iter().filter(|_| run == Run::Previous));
    words.extend(match (request.from.map(time), request.since) {
        (Some(from), _) => Some(format!("--since-time={}", whole_second(from))),
        (None, since) => since.map(|seconds| format!("--since={seconds}s")),
    });
    // By itself it shows the last ten lines; what is sifted may stand anywhere.
    let tail = request.tail.filter(|_| !sifted).map_or(-1, i64::from);
    words.extend([format!("--tail={tail}"), "--prefix".to_owned()]);
    words.extend(request.until.map(|_| "--timestamps".to_owned()));
    let which = container.map_or_else(|| "--all-containers".to_owned(), |name| format!("--container={name}"));
    words.extend(["--max-log-requests=20".to_owned(), "-l".to_owned(), selector(whose.service), which]);
    let logs = until_then(ShellCommand::new("kubectl", words), request, "$2");
    let command = greps.iter().fold(logs, |command, (option, pattern)| {
        command.pipe(&ShellCommand::new("grep", ["--line-buffered", option, pattern]))
    });
    let last = request.tail.filter(|_| sifted && !follows).map(|tail| tail.to_string());
    let command = match last {
        Some(last) => command.pipe(&ShellCommand::new("tail", ["-n", &last])),
        None => command,
    };
    Equivalent { command, unsaid: said.unsaid }
}

/// `stern`, which shows no earlier runs.
pub fn stern(whose: Whose<'_>, filter: &Filter, request: &LogRequest) -> Equivalent {
    let mut said = Said::default();
    let (pod, mut options) = sterns_filter(filter, &mut said);
    let until = request.until.map(time);
    let from = request.from.map(time);
    let tail = request.tail.map(|tail| format!("--tail={tail}"));
    if from.is_none() {
        let ever = request.tail.is_none().then(|| EVER.to_owned());
        options.extend(request.since.map(|seconds| format!("--since={seconds}s")).or(ever));
    }
    if filter.groups.is_empty() && until.is_none() {
        options.extend(tail);
    }
    if until.is_some() || !request.follow {
        options.push("--no-follow".to_owned());
    }
    if until.is_some() {
        options.extend(["--timestamps", "--timezone=UTC"].map(str::to_owned));
    }
    let selector = selector(whose.service);
    let words = pod.into_iter().chain(["-n", whose.namespace.as_str(), "-l", &selector].map(str::to_owned));
    let stern = ShellCommand::new("stern", words.chain(options).collect::<Vec<_>>());
    let stern = match from {
        // It knows ages alone.
        Some(from) => stern.seconds_since("--since", from.as_second()),
        None => stern,
    };
    Equivalent { command: until_then(stern, request, "$3"), unsaid: said.unsaid }
}

/// The name of the pods, if one is asked for, and options.
fn sterns_filter(filter: &Filter, said: &mut Said) -> (Option<String>, Vec<String>) {
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
    (pod, options)
}

/// The command with what is outside of the range left out, by the time in a field of each line, where the range has an end: no
/// command has an option for one.
fn until_then(command: ShellCommand, request: &LogRequest, field: &str) -> ShellCommand {
    let Some(until) = request.until.map(time) else { return command };
    let from = request.from.map(|from| format!("{field} >= \"{}\" && ", as_words(time(from))));
    let sifted = format!("{}{field} < \"{}\"", from.unwrap_or_default(), as_words(until));
    command.pipe(&ShellCommand::new("awk", [sifted]))
}

/// When a moment is: that of a line, its own time.
fn time(moment: LogMoment) -> Timestamp {
    match moment {
        LogMoment::At(at) => at,
        LogMoment::Line(place) => Timestamp::from_nanosecond(place.nanos.into()).unwrap_or_default(),
    }
}

/// A time as it is compared with those of lines, word by word: without a zone, so that a fraction goes after the whole second.
fn as_words(at: Timestamp) -> String {
    let text = at.to_string();
    text.strip_suffix('Z').unwrap_or(&text).to_owned()
}

fn whole_second(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
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

/// The pods that run it: those of its Redis have its name too.
fn selector(service: &ServiceName) -> String {
    format!("app.kubernetes.io/name={service},app.kubernetes.io/component=service")
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

    const KUBECTL: &str =
        "--prefix --max-log-requests=20 -l app.kubernetes.io/name=orders,app.kubernetes.io/component=service";
    const ALL: &str = "kubectl -n staging logs -f --tail=500";
    const SOME: &str = "kubectl -n staging logs -f --tail=-1";
    const STERN: &str =
        "stern -n staging -l app.kubernetes.io/name=orders,app.kubernetes.io/component=service";

    fn of(filter: &str, request: &LogRequest) -> [(String, Vec<String>); 3] {
        let filter = Filter::parse(filter).unwrap();
        let (namespace, service) = ("staging".parse().unwrap(), "orders".parse().unwrap());
        let whose = Whose { namespace: &namespace, service: &service };
        [
            kubectl(whose, &filter, request, Run::Present),
            stern(whose, &filter, request),
            kubectl(whose, &filter, request, Run::Previous),
        ]
        .map(|equivalent| (equivalent.command.to_string(), equivalent.unsaid))
    }

    fn newest() -> LogRequest {
        LogRequest { tail: Some(500), follow: true, ..LogRequest::default() }
    }

    fn both(filter: &str) -> [(String, Vec<String>); 2] {
        let [kubectl, stern, _] = of(filter, &newest());
        [kubectl, stern]
    }

    fn commands(filter: &str, request: &LogRequest) -> [String; 3] {
        of(filter, request).map(|(command, _)| command)
    }

    #[test]
    fn the_newest_lines_are_followed() {
        let [kubectl, stern, previous] = commands("", &newest());
        assert_eq!(kubectl, format!("{ALL} {KUBECTL} --all-containers"));
        assert_eq!(stern, format!("{STERN} --tail=500"));
        let before = "kubectl -n staging logs --previous --ignore-errors --tail=500";
        assert_eq!(previous, format!("{before} {KUBECTL} --all-containers"));
    }

    #[test]
    fn an_age_is_said() {
        let request = LogRequest { since: Some(900), tail: None, ..newest() };
        let [kubectl, stern, _] = commands("", &request);
        let since = "kubectl -n staging logs -f --since=900s --tail=-1";
        assert_eq!(kubectl, format!("{since} {KUBECTL} --all-containers"));
        assert_eq!(stern, format!("{STERN} --since=900s"));
        let [kubectl, stern, _] = commands("", &LogRequest { since: None, ..request });
        assert_eq!(kubectl, format!("{SOME} {KUBECTL} --all-containers"));
        assert_eq!(stern, format!("{STERN} {EVER}"));
    }

    #[test]
    fn where_a_range_begins_is_said_also_to_a_command_that_knows_only_ages() {
        let from = Some("2026-11-25T12:01:07.5Z".parse().unwrap());
        let [kubectl, stern, _] = commands("", &LogRequest { from, tail: None, ..newest() });
        let since = "kubectl -n staging logs -f --since-time=2026-11-25T12:01:07Z --tail=-1";
        assert_eq!(kubectl, format!("{since} {KUBECTL} --all-containers"));
        assert_eq!(stern, format!("{STERN} --since=$(($(date +%s) - 1795608067))s"));
    }

    #[test]
    fn a_range_ends_where_it_ends_and_is_not_followed() {
        let (from, until) = ("2026-11-25T12:01:07.5Z".parse().ok(), "2026-11-25T12:02".parse().ok());
        let request = LogRequest { from, until, tail: Some(9), ..newest() };
        let [kubectl, stern, previous] = commands("", &request);
        let range = r#"awk '$2 >= "2026-11-25T12:01:07.5" && $2 < "2026-11-25T12:02:00"'"#;
        let since = "--since-time=2026-11-25T12:01:07Z --tail=-1 --prefix --timestamps";
        let whose = "--max-log-requests=20 -l app.kubernetes.io/name=orders,app.kubernetes.io/component=service --all-containers";
        assert_eq!(kubectl, format!("kubectl -n staging logs {since} {whose} | {range} | tail -n 9"));
        assert!(previous.starts_with("kubectl -n staging logs --previous --ignore-errors --since-time="));
        let since = "--since=$(($(date +%s) - 1795608067))s";
        let range = range.replace("$2", "$3");
        assert_eq!(stern, format!("{STERN} --no-follow --timestamps --timezone=UTC {since} | {range}"));
        let [kubectl, ..] = commands("a", &LogRequest { from: None, tail: None, ..request });
        assert!(kubectl.ends_with(r#"| awk '$2 < "2026-11-25T12:02:00"' | grep --line-buffered -P '(?i)a'"#));
    }

    #[test]
    fn the_time_of_a_line_that_a_range_ends_at_is_said() {
        let place = "a1.0.18fae2769b0fcd15.1".parse().ok();
        let [kubectl, ..] = commands("", &LogRequest { until: place, ..newest() });
        assert!(kubectl.contains(r#"awk '$2 < "2027-01-15T08:00:00.123456789"'"#), "{kubectl}");
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
            "stern x2 -n staging -l app.kubernetes.io/name=orders,app.kubernetes.io/component=service --container '^app$' --exclude-pod old"
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
