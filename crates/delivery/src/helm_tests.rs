use super::*;

fn helm() -> Helm {
    let settings = HelmSettings {
        kubeconfig: Some("/secret/kubeconfig".into()),
        context: Some("local".into()),
        ..HelmSettings::new("/data/helm".into())
    };
    Helm::new(settings, Registry::new("127.0.0.1:5000".into(), true))
}

fn refused(errors: &str) -> Error {
    refusal(&helm().invocation(["upgrade", "orders"]), errors)
}

#[test]
fn the_command_is_what_a_person_types_in_a_checkout() {
    let digest = format!("sha256:{}", "1".repeat(64));
    let image =
        ImageReference { repository: "127.0.0.1:5000/orders".into(), digest: digest.parse().unwrap() };
    let (service, commit) =
        ("orders".parse().unwrap(), "6180689618068961806896180689618068961806".parse().unwrap());
    let release = Release {
        service: &service,
        environment: &"staging".parse().unwrap(),
        namespace: &"shop-staging".parse().unwrap(),
        chart_version: "1.0.0+0123456789ab",
        values_file: Path::new("/data/scratch/fairway.yaml"),
        image: &image,
        commit: &commit,
        description: "deploy 8",
        redis_image: "127.0.0.1:5000/base/redis:7",
    };
    let expected = format!(
        "helm upgrade --install orders oci://127.0.0.1:5000/charts/service --version 1.0.0+0123456789ab --plain-http \
         --server-side=true --force-conflicts -n shop-staging -f fairway.yaml --set-string environment=staging \
         --set-string image=127.0.0.1:5000/orders@{digest} --set-string commit={commit} \
         --set-string images.redis=127.0.0.1:5000/base/redis:7"
    );
    assert_eq!(helm().command(&release).as_str(), expected);
}

#[test]
fn a_value_that_helm_would_split_is_escaped() {
    assert_eq!(escaped(r"a,b\c"), r"a\,b\\c");
}

#[test]
fn a_schema_violation_is_a_sentence_for_each_place() {
    let error = refused(
        "Error: UPGRADE FAILED: values don't meet the specifications of the schema(s) in the following chart(s):\nservice:\n\
         - at '/port': got string, want integer\n- at '/environments/staging/replicas': maximum: got 50, want 20\n\
         - at '': additional properties 'foo' not allowed\n\n",
    );
    let Error::Values(sentences) = error else { panic!("{error}") };
    assert_eq!(
        sentences,
        [
            "port: got string, want integer",
            "environments.staging.replicas: maximum: got 50, want 20",
            "additional properties 'foo' not allowed",
        ]
    );
}

#[test]
fn a_cluster_and_a_registry_that_are_away_are_told_apart() {
    let error = refused(
        "Error: Kubernetes cluster unreachable: Get \"https://127.0.0.1:6443/version\": dial tcp: refused",
    );
    assert!(matches!(error, Error::ClusterAway(_)), "{error}");
    let error = refused(
        "Error: Get \"http://127.0.0.1:5000/v2/charts/service/tags\": dial tcp: connect: connection refused",
    );
    assert!(matches!(error, Error::Helm { .. }), "{error}");
}

#[test]
fn a_refusal_is_in_helms_own_words() {
    let error =
        refused("level=WARN msg=\"upgrade failed\"\nError: UPGRADE FAILED: Service \"orders\" is invalid\n");
    assert_eq!(error.to_string(), "Helm refused: UPGRADE FAILED: Service \"orders\" is invalid");
}
