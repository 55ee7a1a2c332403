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
