//! The one chart, as it was when Fairway was built: unpacked for previews, published for everybody's Helm.

use crate::{Error, Helm, helm::text};
use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};
use std::{fmt, fmt::Write, path::Path, path::PathBuf};
use tokio::fs;

static CHART: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../charts/service");

/// The chart's version: that of `Chart.yaml`, and after `+` the first twelve digits of its content's hash. Two contents never
/// share a version, so what was published never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChartVersion(String);

impl ChartVersion {
    /// The version of the chart in this program.
    pub(crate) fn embedded() -> Result<Self, Error> {
        let unreadable =
            |reason: &str| Error::Unreadable { what: "Chart.yaml".into(), reason: reason.into() };
        let text = CHART.get_file("Chart.yaml").and_then(|file| file.contents_utf8());
        let text = text.ok_or_else(|| unreadable("the chart has none"))?;
        let chart: serde_json::Value =
            serde_norway::from_str(text).map_err(|error| unreadable(&error.to_string()))?;
        let version = chart.get("version").and_then(|version| version.as_str());
        let version = version.ok_or_else(|| unreadable("it names no version"))?;
        Ok(Self(format!("{version}+{}", content_hash())))
    }

    /// As Helm's `--version` takes it.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// As a registry's tag, which has no `+`; Helm writes `_` instead.
    fn tag(&self) -> String {
        self.0.replace('+', "_")
    }
}

impl fmt::Display for ChartVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Helm {
    /// Publishes the embedded chart as `oci://REGISTRY/charts/service`, unless the registry has this version, and returns the
    /// version. One that was published is never overwritten: two contents never share a version.
    pub async fn publish_chart(&self) -> Result<String, Error> {
        let version = ChartVersion::embedded()?;
        let _turn = self.publishing.lock().await;
        if self.registry.digest("charts/service", &version.tag()).await?.is_some() {
            return Ok(version.0);
        }
        let chart = self.unpacked_chart().await?;
        let folder = self.settings.home.join("packages");
        fs::create_dir_all(&folder).await.map_err(folder_error(&folder))?;
        let (chart, folder) = (text(&chart), text(&folder));
        self.run(["package", &chart, "--version", version.as_str(), "--destination", &folder]).await?;
        let package = format!("{folder}/service-{version}.tgz");
        let repository = format!("oci://{}/charts", self.registry.address());
        let mut arguments = vec!["push", &package, &repository];
        arguments.extend(self.plain_http());
        self.run(arguments).await?;
        Ok(version.0)
    }

    /// The folder with the embedded chart, written at the first use.
    pub(crate) async fn unpacked_chart(&self) -> Result<PathBuf, Error> {
        let charts = self.settings.home.join("charts");
        self.unpacked.get_or_try_init(|| unpack(charts)).await.cloned()
    }
}

async fn unpack(charts: PathBuf) -> Result<PathBuf, Error> {
    let folder = charts.join(content_hash());
    let chart = folder.join("service");
    if fs::try_exists(&chart).await.map_err(folder_error(&chart))? {
        return Ok(chart);
    }
    // Written aside and moved into place, so that a Fairway killed here leaves no half a chart to the next.
    let aside = charts.join(format!("{}.{}", content_hash(), std::process::id()));
    let target = aside.join("service");
    fs::create_dir_all(&target).await.map_err(folder_error(&target))?;
    CHART.extract(&target).map_err(folder_error(&target))?;
    match fs::rename(&aside, &folder).await {
        // Another Fairway was quicker, with the same content.
        Err(_) if fs::try_exists(&chart).await.unwrap_or(false) => {
            let _ = fs::remove_dir_all(&aside).await;
            Ok(chart)
        }
        moved => moved.map_err(folder_error(&folder)).map(|()| chart),
    }
}

/// Twelve digits of the SHA-256 of every file's path and content.
fn content_hash() -> String {
    let mut hash = Sha256::new();
    let mut files = Vec::new();
    collect(&CHART, &mut files);
    files.sort_unstable_by_key(|(path, _)| *path);
    for (path, content) in files {
        let path = path.to_string_lossy();
        hash.update((path.len() as u64).to_be_bytes());
        hash.update(path.as_bytes());
        hash.update((content.len() as u64).to_be_bytes());
        hash.update(content);
    }
    hash.finalize().iter().take(6).fold(String::new(), |mut text, byte| {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn collect(folder: &Dir<'static>, files: &mut Vec<(&'static Path, &'static [u8])>) {
    files.extend(folder.files().map(|file| (file.path(), file.contents())));
    for inner in folder.dirs() {
        collect(inner, files);
    }
}

fn folder_error(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Folder { path, source }
}
