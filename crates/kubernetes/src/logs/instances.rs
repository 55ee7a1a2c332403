//! The instances of a container that the API can still be asked about.

use super::range::SECOND;
use k8s_openapi::api::core::v1::{ContainerStateTerminated, ContainerStatus, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// One run of the container, from a start to an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Instance {
    /// Containerd's id of it.
    pub(super) id: String,
    /// How often the container had been restarted before.
    pub(super) restart: u32,
    /// Whether the API calls it the *previous* one.
    pub(super) previous: bool,
    /// When it was started, in nanoseconds since the epoch, if that is known; Kubernetes rounds to the second.
    pub(super) started: Option<i64>,
    /// How it ended, if it has.
    pub(super) end: Option<End>,
}

impl Instance {
    /// Whether a line of this or a later instance is from before this one's end.
    pub(super) fn surely_wrote(&self, nanos: i64) -> bool {
        // Kubernetes tells the second of an end.
        self.end.as_ref().is_some_and(|end| nanos < end.nanos + SECOND)
    }

    /// In words, of one that isn't the first.
    pub(super) fn beginning(&self) -> String {
        format!("restarted for the {} time", nth(self.restart))
    }
}

/// Such as 3rd.
fn nth(number: u32) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// How an instance ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct End {
    /// When, in nanoseconds since the epoch; Kubernetes rounds to the second.
    pub(super) nanos: i64,
    /// In words.
    pub(super) text: String,
}

/// The instances whose lines can be read, the oldest first: at most two.
pub(super) fn instances(pod: &Pod, container: &str) -> Vec<Instance> {
    let statuses = pod.status.iter().flat_map(|status| {
        [&status.init_container_statuses, &status.container_statuses, &status.ephemeral_container_statuses]
    });
    let statuses = statuses.flat_map(|statuses| statuses.iter().flatten());
    statuses.filter(|status| status.name == container).flat_map(of_status).collect()
}

fn of_status(status: &ContainerStatus) -> Vec<Instance> {
    let restarts = u32::try_from(status.restart_count).unwrap_or_default();
    let present = status.container_id.as_deref().unwrap_or_default();
    let mut instances = Vec::new();
    if let Some(last) = status.last_state.as_ref().and_then(|state| state.terminated.as_ref()) {
        let id = last.container_id.clone().unwrap_or_default();
        // Between a crash and the next start, the latest instance already is the previous one.
        let restart = if id == present { restarts } else { restarts.saturating_sub(1) };
        let started = nanos_of(last.started_at.as_ref());
        instances.push(Instance { id, restart, previous: true, started, end: Some(end_of(last)) });
    }
    let state = status.state.as_ref();
    let running = state.and_then(|state| state.running.as_ref());
    let terminated = state.and_then(|state| state.terminated.as_ref());
    if !present.is_empty() && (running.is_some() || terminated.is_some()) {
        let since = running.and_then(|state| state.started_at.as_ref());
        let started = nanos_of(since.or(terminated.and_then(|state| state.started_at.as_ref())));
        let (id, end) = (present.to_owned(), terminated.map(end_of));
        instances.push(Instance { id, restart: restarts, previous: false, started, end });
    }
    instances
}

fn nanos_of(time: Option<&Time>) -> Option<i64> {
    i64::try_from(time?.0.as_nanosecond()).ok()
}

fn end_of(state: &ContainerStateTerminated) -> End {
    let reason = state.reason.as_deref().filter(|reason| !reason.is_empty());
    let reason = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
    End {
        nanos: nanos_of(state.finished_at.as_ref()).unwrap_or_default(),
        text: format!("exited with code {}{reason}", state.exit_code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(status: &serde_json::Value) -> Vec<(u32, bool, Option<String>)> {
        let pod: Pod = serde_json::from_value(json!({
            "metadata": { "name": "a" },
            "status": { "containerStatuses": [status] }
        }))
        .unwrap();
        instances(&pod, "app")
            .into_iter()
            .map(|i| (i.restart, i.previous, i.end.map(|end| end.text)))
            .collect()
    }

    fn terminated(id: &str, code: i32, reason: &str) -> serde_json::Value {
        json!({ "terminated": {
            "containerID": id, "exitCode": code, "reason": reason, "finishedAt": "2026-11-25T01:00:00Z"
        } })
    }

    fn status(
        id: Option<&str>,
        restarts: u32,
        state: &serde_json::Value,
        last: &serde_json::Value,
    ) -> serde_json::Value {
        json!({
            "name": "app", "image": "", "imageID": "", "ready": false,
            "containerID": id, "restartCount": restarts, "state": state, "lastState": last
        })
    }

    #[test]
    fn a_container_that_has_not_started_has_nothing_to_read() {
        let waiting = json!({ "waiting": { "reason": "ContainerCreating" } });
        assert_eq!(of(&status(None, 0, &waiting, &json!({}))), []);
    }

    #[test]
    fn after_a_restart_the_instance_before_can_be_read_too() {
        let running = json!({ "running": { "startedAt": "2026-11-25T01:00:01Z" } });
        let found = of(&status(Some("b"), 1, &running, &terminated("a", 1, "Error")));
        assert_eq!(found, [(0, true, Some("exited with code 1 (Error)".into())), (1, false, None)]);
    }

    #[test]
    fn when_each_was_started_is_known() {
        let running = json!({ "running": { "startedAt": "2026-11-25T01:00:01Z" } });
        let mut before = terminated("a", 1, "Error");
        before["terminated"]["startedAt"] = json!("2026-11-25T00:59:00Z");
        let pod: Pod = serde_json::from_value(json!({
            "metadata": { "name": "a" },
            "status": { "containerStatuses": [status(Some("b"), 1, &running, &before)] }
        }))
        .unwrap();
        let started: Vec<_> = instances(&pod, "app").into_iter().map(|i| i.started).collect();
        let first = 1_795_568_400_000_000_000;
        assert_eq!(started, [Some(first - 60_000_000_000), Some(first + 1_000_000_000)]);
    }

    #[test]
    fn while_it_backs_off_the_latest_instance_is_the_previous_one() {
        let waiting = json!({ "waiting": { "reason": "CrashLoopBackOff" } });
        let found = of(&status(Some("b"), 1, &waiting, &terminated("b", 137, "OOMKilled")));
        assert_eq!(found, [(1, true, Some("exited with code 137 (OOMKilled)".into()))]);
    }

    #[test]
    fn an_ended_pod_can_still_be_read() {
        let found = of(&status(Some("a"), 0, &terminated("a", 0, "Completed"), &json!({})));
        assert_eq!(found, [(0, false, Some("exited with code 0 (Completed)".into()))]);
    }

    #[test]
    fn a_number_has_its_ending() {
        let endings = [1, 2, 3, 4, 11, 12, 13, 21, 112].map(nth);
        assert_eq!(endings, ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "112th"]);
    }
}
