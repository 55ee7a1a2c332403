//! What a container's status says, read in one place.

use k8s_openapi::api::core::v1::{
    Container, ContainerStateRunning, ContainerStateTerminated, ContainerStateWaiting, ContainerStatus, Pod,
};

const IMAGE_REASONS: [&str; 6] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "RegistryUnavailable",
    "ImageInspectError",
];
const CONFIGURATION_REASONS: [&str; 5] = [
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
    "PreCreateHookError",
    "PostStartHookError",
];

/// Why the container waits, if it does.
pub(crate) fn waiting(status: &ContainerStatus) -> Option<&ContainerStateWaiting> {
    status.state.as_ref()?.waiting.as_ref()
}

/// Since when it runs, if it does.
pub(crate) fn running(status: &ContainerStatus) -> Option<&ContainerStateRunning> {
    status.state.as_ref()?.running.as_ref()
}

/// How it ended, if it isn't running now.
pub(crate) fn terminated(status: &ContainerStatus) -> Option<&ContainerStateTerminated> {
    status.state.as_ref()?.terminated.as_ref()
}

/// How the instance before the present one ended, if there was one.
pub(crate) fn previously_terminated(status: &ContainerStatus) -> Option<&ContainerStateTerminated> {
    status.last_state.as_ref()?.terminated.as_ref()
}

/// Whether its image can't be had.
pub(crate) fn waits_for_image(status: &ContainerStatus) -> bool {
    waits_for(status, &IMAGE_REASONS)
}

/// Whether it can't be started as it is configured.
pub(crate) fn waits_for_configuration(status: &ContainerStatus) -> bool {
    waits_for(status, &CONFIGURATION_REASONS)
}

/// Whether Kubernetes waits before it starts it once more.
pub(crate) fn backs_off(status: &ContainerStatus) -> bool {
    waits_for(status, &["CrashLoopBackOff"])
}

/// Whether the container is in a state that it doesn't leave in good health by itself.
pub(crate) fn is_failing(status: &ContainerStatus) -> bool {
    let ended = terminated(status).is_some_and(|end| end.exit_code != 0);
    ended || waits_for_image(status) || waits_for_configuration(status) || backs_off(status)
}

/// The word for a container that isn't running: why it waits or how it ended.
pub(crate) fn reason_not_running(status: &ContainerStatus) -> Option<String> {
    if let Some(waiting) = waiting(status) {
        return waiting.reason.clone();
    }
    let end = terminated(status)?;
    // An initialising container that ended well has done its work.
    let reason = end.reason.clone().filter(|reason| reason != "Completed");
    reason.or_else(|| (end.exit_code != 0).then(|| format!("ExitCode:{}", end.exit_code)))
}

/// The container's specification.
pub(crate) fn specification<'a>(pod: &'a Pod, name: &str) -> Option<&'a Container> {
    let spec = pod.spec.as_ref()?;
    let initialising = spec.init_containers.as_deref().unwrap_or_default();
    initialising.iter().chain(&spec.containers).find(|container| container.name == name)
}

/// Whether the container prepares the pod and is meant to end.
pub(crate) fn is_initialising(pod: &Pod, name: &str) -> bool {
    let initialising = pod.spec.as_ref().and_then(|spec| spec.init_containers.as_deref());
    initialising.unwrap_or_default().iter().any(|container| container.name == name)
}

/// The most memory that the container may use, as it was written.
pub(crate) fn memory_limit(container: &Container) -> Option<&str> {
    let limits = container.resources.as_ref()?.limits.as_ref()?;
    limits.get("memory").map(|quantity| quantity.0.as_str())
}

fn waits_for(status: &ContainerStatus, reasons: &[&str]) -> bool {
    let reason = waiting(status).and_then(|waiting| waiting.reason.as_deref());
    reason.is_some_and(|reason| reasons.contains(&reason))
}
