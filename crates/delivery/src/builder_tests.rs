use super::*;

#[test]
fn the_command_is_what_a_person_types_in_a_checkout() {
    let mut settings =
        BuilderSettings { root: Some("/data/layers".into()), ..BuilderSettings::new("/data/builds".into()) };
    settings.build_arguments.insert("MIRROR".into(), "https://mirror.example/ a".into());
    settings.read_only_mounts.push(("/etc/ssl/certs".into(), "/etc/ssl/certs".into()));
    let builder = Builder::new(settings, Registry::new("127.0.0.1:5000".into(), true));
    let commit: CommitSha = "6180689618068961806896180689618068961806".parse().unwrap();
    let expected = format!(
        "git checkout --quiet {commit} && buildah build --isolation chroot --layers --force-rm --tls-verify=false --build-arg \
         'MIRROR=https://mirror.example/ a' --volume /etc/ssl/certs:/etc/ssl/certs:ro --tag 127.0.0.1:5000/orders:{commit} . && \
         buildah push --tls-verify=false 127.0.0.1:5000/orders:{commit}"
    );
    assert_eq!(builder.command(&"orders".parse().unwrap(), &commit).as_str(), expected);
}

#[test]
fn a_registry_with_tls_is_verified() {
    let builder =
        Builder::new(BuilderSettings::new("/data".into()), Registry::new("registry.example".into(), false));
    let commit: CommitSha = "6180689618068961806896180689618068961806".parse().unwrap();
    let command = builder.command(&"orders".parse().unwrap(), &commit);
    assert!(!command.as_str().contains("tls-verify"), "{command}");
}

#[test]
fn a_step_that_failed_without_a_word_is_told_from_one_that_said_why() {
    let silently =
        |lines: &[&str]| failed_silently(&lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>());
    let (before, step) = ("a line of the step before", "[1/2] STEP 2/2: RUN make");
    let (exit, error) =
        ("subprocess exited with status 3", "Error: building at STEP \"RUN make\": exit status 3");
    assert!(silently(&[before, step, exit, error]));
    assert!(silently(&[before, step, error]));
    assert!(!silently(&[before, step, "no rule to make target", exit, error]));
    assert!(!silently(&["Error: no such file: Dockerfile"]), "no step was begun");
    assert!(!silently(&[before, step]), "it was ended from outside");
}
