//! Images that can't be pulled.

use crate::containers;
use crate::events;
use crate::observed::commit;
use crate::scene::{Account, Candidate, Scene, evidence};
use fairway_domain::Cause;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};

/// What people do about a registry's answer depends on which of these it is.
enum Answer {
    NotFound,
    Denied,
    Unreachable,
    InvalidName,
    Other,
}

/// The finding about a container whose image can't be had.
pub(crate) fn candidate(scene: &Scene, pod: &Pod, status: &ContainerStatus) -> Option<Candidate> {
    if !containers::waits_for_image(status) {
        return None;
    }
    let failed =
        events::about_container(scene.observed, pod, &status.name, &["Failed", "InspectFailed"], |message| {
            // "Error: ErrImagePull" only repeats the container's state.
            !message.starts_with("Error: ")
        });
    let waiting = containers::waiting(status);
    let stated =
        waiting.and_then(|waiting| waiting.message.as_deref()).map(without_wrapping).unwrap_or_default();
    let happened = failed.as_ref().map(|event| without_wrapping(event.message)).unwrap_or_default();
    let answered = if stated.is_empty() { happened } else { stated };
    let reason = waiting.and_then(|waiting| waiting.reason.as_deref()).unwrap_or_default();
    let kind = kind_of(reason, answered);
    let image = containers::specification(pod, &status.name).and_then(|container| container.image.clone());
    let mut facts = vec![evidence(said_by(&kind), if answered.is_empty() { reason } else { answered })];
    facts.extend(image.map(|image| evidence("Image", image)));
    Some(scene.candidate(Account {
        cause: Cause::ImagePull,
        title: format!("{}'s image can't be pulled", scene.subject()),
        short: short(&kind).into(),
        evidence: facts,
        next: next(scene, pod, &kind),
        command: scene.describe_pod(),
        since: failed.and_then(|event| event.first).or_else(|| crate::observed::created(&pod.metadata)),
    }))
}

/// The part of a message that comes from the registry or the runtime: the kubelet and containerd wrap it in what they were doing
/// (`Failed to pull image "…": rpc error: code = NotFound desc = failed to resolve reference "…": …`). Empty where only the
/// wrapping is there.
fn without_wrapping(message: &str) -> &str {
    const QUOTING: [&str; 6] = [
        "Back-off pulling image ",
        "Failed to pull image ",
        "Failed to inspect image ",
        "failed to pull and unpack image ",
        "failed to resolve reference ",
        "failed to resolve image ",
    ];
    const PLAIN: [&str; 2] = ["ErrImagePull: ", "ImagePullBackOff: "];
    let mut rest = message.trim();
    loop {
        let shorter = if let Some(quoted) = QUOTING.iter().find_map(|prefix| rest.strip_prefix(prefix)) {
            let after =
                quoted.strip_prefix('"').and_then(|quoted| quoted.split_once('"')).map(|(_, after)| after);
            after.unwrap_or_default().trim_start_matches(": ")
        } else if let Some(call) = rest.strip_prefix("rpc error: ") {
            call.split_once("desc = ").map_or("", |(_, described)| described)
        } else if let Some(plain) = PLAIN.iter().find_map(|prefix| rest.strip_prefix(prefix)) {
            plain
        } else {
            return rest;
        };
        rest = shorter.trim();
    }
}

fn kind_of(reason: &str, answer: &str) -> Answer {
    let answer = answer.to_ascii_lowercase();
    let says = |parts: &[&str]| parts.iter().any(|part| answer.contains(part));
    if reason == "InvalidImageName" {
        Answer::InvalidName
    } else if says(&["manifest unknown", "not found", "name unknown", "no such image"]) {
        Answer::NotFound
    } else if says(&["unauthorized", "denied", "forbidden", "authorization failed"]) {
        Answer::Denied
    } else if says(&[
        "dial tcp",
        "connection refused",
        "no such host",
        "timeout",
        "deadline exceeded",
        "tls:",
    ]) {
        Answer::Unreachable
    } else {
        Answer::Other
    }
}

const fn said_by(kind: &Answer) -> &'static str {
    match kind {
        Answer::NotFound | Answer::Denied => "The registry answered",
        Answer::Unreachable | Answer::Other => "The container runtime answered",
        Answer::InvalidName => "Kubernetes answered",
    }
}

const fn short(kind: &Answer) -> &'static str {
    match kind {
        Answer::NotFound => "image not found",
        Answer::Denied => "registry refuses access",
        Answer::Unreachable => "registry can't be reached",
        Answer::InvalidName => "image name is invalid",
        Answer::Other => "image can't be pulled",
    }
}

fn next(scene: &Scene, pod: &Pod, kind: &Answer) -> String {
    match kind {
        Answer::NotFound => {
            let commit = commit(&pod.metadata);
            let what = commit.map_or_else(|| "the image".to_owned(), |commit| commit.short().to_owned());
            scene.or_roll_back(&format!("Build {what} again"))
        }
        Answer::Denied => {
            scene.or_roll_back("Give the namespace's service account a pull secret for this registry")
        }
        Answer::Unreachable => {
            "Check that the cluster's nodes reach the registry; Kubernetes tries again by itself.".into()
        }
        Answer::InvalidName => scene.or_roll_back("Correct the image's name and deploy again"),
        Answer::Other => scene.or_roll_back("Correct what the answer names and deploy again"),
    }
}

#[cfg(test)]
mod tests {
    use super::without_wrapping;

    #[test]
    fn only_the_registrys_own_words_are_left() {
        let containerd = r#"Failed to pull image "127.0.0.1:5000/orders:nope": rpc error: code = NotFound desc = failed to pull and unpack image "127.0.0.1:5000/orders:nope": failed to resolve reference "127.0.0.1:5000/orders:nope": 127.0.0.1:5000/orders:nope: not found"#;
        assert_eq!(without_wrapping(containerd), "127.0.0.1:5000/orders:nope: not found");
        let newer = r#"Back-off pulling image "r/o:1": ErrImagePull: failed to pull and unpack image "r/o:1": manifest unknown"#;
        assert_eq!(without_wrapping(newer), "manifest unknown");
        assert_eq!(without_wrapping(r#"Back-off pulling image "r/o:1""#), "");
        assert_eq!(without_wrapping("Failed to pull image"), "Failed to pull image");
        assert_eq!(without_wrapping(r#"Failed to pull image "unclosed"#), "");
    }
}
