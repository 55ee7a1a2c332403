//! What Fairway is told at its start: one file, every value of which can also be a variable. Checked whole, every error at once.

mod history;
mod names;
mod section;
mod source;
mod values;

use fairway_domain::{Environment, EnvironmentName, EnvironmentPolicy};
use fairway_portal::{
    BaseImages, BuilderSettings, HelmSettings, HistorySettings, LogKeeping, Masks, Pace, PurgeSettings,
    RedisOfService, Secrets, Settings,
};
use source::{Kind, Place, Source};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) use source::ConfigurationErrors;

/// Every value, by its path in the file. `docs/configuration.md` describes each; a test compares.
const KEYS: [&str; 28] = [
    "listen",
    "public_url",
    "data",
    "site",
    "database_url",
    "log_format",
    "heartbeat_seconds",
    "kubernetes.kubeconfig",
    "kubernetes.context",
    "environments",
    "redis",
    "registry.address",
    "registry.plain_http",
    "base_images.python",
    "base_images.redis",
    "base_images.go_builder",
    "builder.program",
    "builder.root",
    "builder.run_root",
    "builder.build_arguments",
    "builder.read_only_mounts",
    "builder.limit_minutes",
    "helm.program",
    "logs.redact",
    "logs.keep_bytes",
    "logs.keep_hours",
    "purge.name_above",
    "purge.busy_microseconds",
];

/// How Fairway writes its own log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// Lines for people.
    Text,
    /// A JSON object a line.
    Json,
}

/// The configuration, checked.
#[derive(Clone, Debug)]
pub(crate) struct Configuration {
    /// Where it listens: a loopback address.
    pub(crate) listen: SocketAddr,
    /// Where people reach it, without a slash at the end.
    pub(crate) public_url: String,
    /// Its folder.
    pub(crate) data: PathBuf,
    /// The folder of the files that pages load.
    pub(crate) site: PathBuf,
    /// How it writes its own log.
    pub(crate) log_format: LogFormat,
    /// How often a stream says something where nothing happens.
    pub(crate) heartbeat: Duration,
    database_url: String,
    kubeconfig: Option<PathBuf>,
    context: Option<String>,
    environments: Vec<Environment>,
    histories: BTreeMap<EnvironmentName, HistorySettings>,
    registry: String,
    registry_plain_http: bool,
    base_images: BaseImages,
    redis_image: String,
    builder: BuilderSettings,
    helm_program: PathBuf,
    redact: Masks,
    log_keeping: Option<LogKeeping>,
    redis: Vec<RedisOfService>,
    purge: PurgeSettings,
}

impl Configuration {
    /// Reads the file that `--config` or `FAIRWAY_CONFIG` names, if one does, and the variables, which win. Looks at nothing else of
    /// the process; at the disk, to see whether the named files are there.
    pub(crate) fn load(
        arguments: &[String],
        variables: &BTreeMap<String, String>,
    ) -> Result<Self, ConfigurationErrors> {
        let path = config_path(arguments, variables)?;
        let text = match &path {
            Some(path) => std::fs::read_to_string(path).map_err(|error| {
                ConfigurationErrors::one(format!("{} can't be read: {error}.", path.display()))
            })?,
            None => String::new(),
        };
        let mut source = Source::new(path.as_deref(), &text, variables);
        source.check_names();
        let configuration = Self::read(&mut source);
        source.finish(configuration)
    }

    /// Reads every value. What is wrong is noted in `source`, and something valid stands in its place.
    fn read(source: &mut Source<'_>) -> Self {
        let listen = source
            .parsed("listen", Kind::Text, values::listen)
            .unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 3000)));
        let public_url = source.parsed("public_url", Kind::Text, values::public_url);
        let data = source.path("data").or_else(|| default_data(source)).unwrap_or_default();
        let database_url = source.parsed("database_url", Kind::Text, values::database_url);
        let registry = source
            .parsed("registry.address", Kind::Text, values::registry)
            .unwrap_or_else(|| "127.0.0.1:5000".into());
        let plain_http = source.parsed("registry.plain_http", Kind::Flag, values::flag);
        let image = |source: &mut Source<'_>, key, default: String| {
            source.parsed(key, Kind::Text, values::image).unwrap_or(default)
        };
        let local = BaseImages::in_registry(&registry);
        let (environments, histories) = environments(source);
        Self {
            listen,
            public_url: public_url.unwrap_or_else(|| format!("http://{listen}")),
            site: source.path("site").unwrap_or_else(|| "target/site".into()),
            log_format: source
                .parsed("log_format", Kind::Text, values::log_format)
                .unwrap_or(LogFormat::Text),
            heartbeat: Duration::from_secs(
                source.parsed("heartbeat_seconds", Kind::Number, values::heartbeat).unwrap_or(15),
            ),
            database_url: database_url.unwrap_or_else(|| values::sqlite_url(&data.join("fairway.db"))),
            kubeconfig: source.existing_path("kubernetes.kubeconfig"),
            context: source.parsed("kubernetes.context", Kind::Text, |name| Ok(name.to_owned())),
            redis: redis(source, &environments),
            environments,
            histories,
            registry_plain_http: plain_http.unwrap_or_else(|| values::is_loopback(&registry)),
            base_images: BaseImages {
                python: image(source, "base_images.python", local.python),
                go_builder: image(source, "base_images.go_builder", local.go_builder),
            },
            redis_image: image(source, "base_images.redis", format!("{registry}/base/redis:7")),
            builder: builder(source, &data),
            helm_program: source.program("helm.program").unwrap_or_else(|| "helm".into()),
            redact: masks(source),
            log_keeping: log_keeping(source, &data),
            purge: purge(source),
            registry,
            data,
        }
    }

    /// What the portal is told. Fails where this program can't tell its own path, which repositories' hooks need.
    pub(crate) fn settings(self) -> Result<Settings, String> {
        let hook_program =
            std::env::current_exe().map_err(|error| format!("this program's path isn't known: {error}"))?;
        Ok(Settings {
            public_url: self.public_url,
            database_url: self.database_url,
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
            environments: self.environments,
            histories: self.histories,
            registry: self.registry,
            registry_plain_http: self.registry_plain_http,
            base_images: self.base_images,
            redis_image: self.redis_image,
            builder: self.builder,
            helm: HelmSettings {
                program: self.helm_program,
                kubeconfig: self.kubeconfig,
                context: self.context,
                home: self.data.join("helm"),
            },
            secrets: Secrets::and(&self.redact).map_err(|error| error.to_string())?,
            redact: self.redact,
            log_keeping: self.log_keeping,
            redis: self.redis,
            purge: self.purge,
            hook_program,
            data: self.data,
        })
    }
}

fn config_path(
    arguments: &[String],
    variables: &BTreeMap<String, String>,
) -> Result<Option<PathBuf>, ConfigurationErrors> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => Ok(variables.get("FAIRWAY_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from)),
        ["--config", path] => Ok(Some(path.into())),
        [word] if word.starts_with("--config=") => Ok(word.strip_prefix("--config=").map(PathBuf::from)),
        ["--config"] => Err(ConfigurationErrors::one("--config needs the path of a file.")),
        _ => Err(ConfigurationErrors::one(format!(
            "“{}” isn't understood; the only argument is --config FILE.",
            words.join(" ")
        ))),
    }
}

fn default_data(source: &mut Source<'_>) -> Option<PathBuf> {
    let folder = source.outer_variable("XDG_DATA_HOME").map(PathBuf::from);
    let home = || source.outer_variable("HOME").map(|home| Path::new(home).join(".local/share"));
    let found = folder.or_else(home).map(|folder| folder.join("fairway"));
    if found.is_none() && !source.is_given("data") {
        source
            .wrong(&Place::Nowhere("data".into()), "is needed, since neither XDG_DATA_HOME nor HOME is set.");
    }
    found
}

fn builder(source: &mut Source<'_>, data: &Path) -> BuilderSettings {
    let mut settings = BuilderSettings::new(data.join("build"));
    if let Some(program) = source.program("builder.program") {
        settings.program = program;
    }
    settings.root = source.path("builder.root");
    settings.run_root = source.path("builder.run_root");
    for (text, place) in source.pairs("builder.build_arguments") {
        settings.build_arguments.extend(source.note(&place, values::build_argument(&text)));
    }
    for (text, place) in source.list("builder.read_only_mounts", &[',', '\n']) {
        settings.read_only_mounts.extend(source.note(&place, values::mount(&text)));
    }
    if let Some(minutes) = source.parsed("builder.limit_minutes", Kind::Number, values::minutes) {
        settings.limit = Duration::from_secs(60 * minutes);
    }
    settings
}

fn masks(source: &mut Source<'_>) -> Masks {
    let mut masks = Masks::default();
    for (text, place) in source.list("logs.redact", &[';', '\n']) {
        source.note(&place, masks.add(&text).map_err(|error| error.to_string()));
    }
    masks
}

/// Nothing if nothing is to be kept.
fn log_keeping(source: &mut Source<'_>, data: &Path) -> Option<LogKeeping> {
    let bytes = source.parsed("logs.keep_bytes", Kind::Number, values::kept_bytes).unwrap_or(64 << 20);
    let hours = source.parsed("logs.keep_hours", Kind::Number, values::kept_hours).unwrap_or(24);
    let age = Duration::from_hours(hours);
    (bytes > 0).then(|| LogKeeping { folder: data.join("logs"), bytes, age })
}

/// The Redis of a service in an environment, each named once.
fn redis(source: &mut Source<'_>, environments: &[Environment]) -> Vec<RedisOfService> {
    let mut named: Vec<RedisOfService> = Vec::new();
    for (text, place) in source.pairs("redis") {
        let Some(one) = source.note(&place, values::redis(&text)) else { continue };
        if !environments.iter().any(|environment| environment.name == one.environment) {
            source.wrong(&place, format!("There is no environment {}.", one.environment));
        } else if named
            .iter()
            .any(|other| other.environment == one.environment && other.service == one.service)
        {
            source.wrong(
                &place,
                format!("The Redis of {} on {} is given twice.", one.service, one.environment),
            );
        } else {
            named.push(one);
        }
    }
    named
}

fn purge(source: &mut Source<'_>) -> PurgeSettings {
    let mut settings = PurgeSettings::default();
    if let Some(keys) = source.parsed("purge.name_above", Kind::Number, values::count) {
        settings.name_above = keys;
    }
    match source.parsed("purge.busy_microseconds", Kind::Number, values::microseconds) {
        Some(0) => settings.pace = Pace::Full,
        Some(bound) => settings.pace = Pace::Gentle(Duration::from_micros(bound)),
        None => {}
    }
    settings
}

/// At least one, with names and namespaces of their own: two environments in one namespace would fight over each release.
fn environments(source: &mut Source<'_>) -> (Vec<Environment>, BTreeMap<EnvironmentName, HistorySettings>) {
    let mut histories = BTreeMap::new();
    let given = source.environments();
    let Some(given) = given else {
        let defaults = ["staging", "production"].iter().filter_map(|name| default_environment(name));
        return (defaults.collect(), histories);
    };
    if given.is_empty() {
        source.wrong(&source.place_of("environments"), "needs at least one environment.");
    }
    let mut environments: Vec<Environment> = Vec::new();
    for (fields, place) in given {
        let name = source.note(&place, fields.name.parse().map_err(|error| format!("{error}")));
        let namespace = source.note(&place, fields.namespace.parse().map_err(|error| format!("{error}")));
        let (Some(name), Some(namespace)) = (name, namespace) else { continue };
        if environments.iter().any(|other| other.name == name) {
            source.wrong(&place, format!("The environment {name} is given twice."));
        } else if environments.iter().any(|other| other.namespace == namespace) {
            source
                .wrong(&place, format!("The namespace {namespace} belongs to another environment already."));
        } else {
            let policy = EnvironmentPolicy { purgeable: fields.purgeable };
            let history = fields.history.and_then(|section| history::history(source, &section));
            histories.extend(history.map(|history| (name.clone(), history)));
            environments.push(Environment { name, namespace, policy });
        }
    }
    (environments, histories)
}

fn default_environment(name: &str) -> Option<Environment> {
    Some(Environment {
        name: name.parse().ok()?,
        namespace: name.parse().ok()?,
        policy: EnvironmentPolicy { purgeable: name == "staging" },
    })
}

#[cfg(test)]
#[path = "configuration_tests.rs"]
mod tests;
