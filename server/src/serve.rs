//! From configuration to a program that answers, and its graceful end.

use crate::{assets, configuration::Configuration, logging, router, router::Edge};
use fairway_portal::Portal;
use metrics_exporter_prometheus::PrometheusBuilder;
use std::{net::SocketAddr, path::Path, process::ExitCode, sync::Arc, time::Duration};
use tokio::signal::unix::{SignalKind, signal};

/// How long open requests may take to end once the program is asked to stop.
const GRACE: Duration = Duration::from_secs(10);

/// Runs until SIGTERM or SIGINT. What keeps it from starting is printed, every error at once.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let configuration = match Configuration::load(arguments, &std::env::vars().collect()) {
        Ok(configuration) => configuration,
        Err(errors) => {
            eprintln!("{errors}");
            return ExitCode::from(2);
        }
    };
    logging::start(configuration.log_format);
    match serve(configuration) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            eprintln!("Fairway can't start: {error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn serve(configuration: Configuration) -> Result<(), String> {
    // Two providers stand in the dependency tree; rustls wants to be told which.
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| "the TLS provider was installed twice")?;
    any_spawner::Executor::init_tokio().map_err(|error| error.to_string())?;
    let metrics = PrometheusBuilder::new().install_recorder().map_err(|error| error.to_string())?;
    let process = metrics_process::Collector::default();
    process.describe();
    let assets = assets::load(&configuration.site)?;
    let csrf = csrf_token(&configuration.data)?;
    let hosts = hosts(configuration.listen, &configuration.public_url);
    let listen = configuration.listen;
    let site = configuration.site.clone();
    let heartbeat = configuration.heartbeat;
    let portal = Portal::open(configuration.settings()?).await.map_err(|error| error.to_string())?;
    let listener = tokio::net::TcpListener::bind(listen)
        .await
        .map_err(|error| format!("{listen} can't be listened on: {error}. Is another Fairway running?"))?;
    let edge =
        Edge { portal: portal.clone(), assets, hosts: hosts.into(), csrf, heartbeat, metrics, process };
    tracing::info!(%listen, url = portal.public_url(), "Fairway answers");
    // As it is, the router would be put together anew for each connection: 0.3 MB of each that stays open.
    let router = router::router(edge, &site).into_make_service();
    let answering = axum::serve(listener, router).with_graceful_shutdown(portal.closing());
    let ended = tokio::spawn(answering.into_future());
    until_asked_to_stop().await?;
    tracing::info!("stopping: open requests end, running jobs are given back");
    let ((), ended) = tokio::join!(portal.close(), tokio::time::timeout(GRACE, ended));
    if ended.is_err() {
        tracing::warn!("some requests were cut off");
    }
    Ok(())
}

async fn until_asked_to_stop() -> Result<(), String> {
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        interrupted = tokio::signal::ctrl_c() => interrupted.map_err(|error| error.to_string()),
    }
}

/// The hosts that requests may name: where we listen, by address and by name, and where the configuration says that people reach us.
fn hosts(listen: SocketAddr, public_url: &str) -> Vec<String> {
    let mut hosts = vec![listen.to_string(), format!("localhost:{}", listen.port())];
    let public = public_url.split_once("://").map_or(public_url, |(_, host)| host).to_owned();
    if !hosts.contains(&public) {
        hosts.push(public);
    }
    hosts
}

/// What forms carry: made once, kept in the data folder, so that a page stays valid across a restart.
fn csrf_token(data: &Path) -> Result<Arc<str>, String> {
    let path = data.join("csrf-token");
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    if let Ok(token) = std::fs::read_to_string(&path)
        && token.len() >= 32
    {
        return Ok(token.into());
    }
    std::fs::create_dir_all(data).map_err(failed)?;
    let token = format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
    std::fs::write(&path, &token).map_err(failed)?;
    Ok(token.into())
}
