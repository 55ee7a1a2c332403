//! Credentials that stop being valid while a log is read.

use crate::fixture::{Fixture, in_namespace, kubeconfig, names, orders, take_until};
use crate::logs::{Got, NUMBERS, assert_each_number_once, follow_all};
use crate::proxy::{Proxy, server};
use fairway_kubernetes::k8s_openapi::api::authentication::v1::TokenRequest;
use fairway_kubernetes::k8s_openapi::api::core::v1::ServiceAccount;
use fairway_kubernetes::{Cluster, Error};
use futures::StreamExt;
use kube::api::{Api, DeleteParams, PostParams};
use kube::config::{AuthInfo, Kubeconfig};
use serde_json::json;
use std::path::Path;
use std::pin::pin;
use std::time::Duration;

/// A token of a service account that may read the test's namespace.
async fn token(fixture: &Fixture, account: &str) -> String {
    let ns = fixture.namespace.as_str();
    let object = json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": account } });
    fixture.apply(object).await;
    fixture
        .apply(json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": { "name": account },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view" },
            "subjects": [{ "kind": "ServiceAccount", "name": account, "namespace": ns }]
        }))
        .await;
    let wanted: TokenRequest = serde_json::from_value(json!({ "spec": { "audiences": [] } })).unwrap();
    let given = accounts(fixture).create_token_request(account, &PostParams::default(), &wanted).await;
    given.unwrap().status.unwrap().token.unwrap()
}

fn accounts(fixture: &Fixture) -> Api<ServiceAccount> {
    Api::namespaced(fixture.client.clone(), fixture.namespace.as_str())
}

/// The cluster through a proxy, as whoever the token in the file says.
async fn through_proxy_with(fixture: &Fixture, token: &Path) -> (Proxy, Fixture) {
    let original = std::fs::read_to_string(kubeconfig()).unwrap();
    let server = server(&original);
    let proxy = Proxy::before(server).await;
    let path = proxy.kubeconfig(&original, server);
    let mut config = Kubeconfig::read_from(&path).unwrap();
    let file = token.to_str().unwrap().to_owned();
    for user in &mut config.auth_infos {
        user.auth_info = Some(AuthInfo { token_file: Some(file.clone()), ..AuthInfo::default() });
    }
    std::fs::write(&path, serde_json::to_string(&config).unwrap()).unwrap();
    let cluster = Cluster::connect(Some(&path), None).await.unwrap();
    std::fs::remove_file(path).unwrap();
    (proxy, Fixture { cluster, ..fixture.clone() })
}

#[test]
fn a_log_goes_on_once_expired_credentials_were_replaced_in_their_file() {
    in_namespace(|fixture| async move {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        let (first, second) = (token(&fixture, "first").await, token(&fixture, "second").await);
        std::fs::write(&file, first).unwrap();
        let (proxy, through) = through_proxy_with(&fixture, &file).await;
        let state = through.watch();
        fixture.deploy(1, NUMBERS).await;
        through.until(&state, "a pod", |objects| names(objects).len() == 1).await;
        let pod = names(&state.namespace(&fixture.namespace).service(&orders())).remove(0);
        let mut stream = pin!(through.logs(&state, follow_all()));
        let mut got: Got = take_until(&mut stream, |got| got.len() > 50).await;

        accounts(&fixture).delete("first", &DeleteParams::default()).await.unwrap();
        let refused = || through.cluster.container_tail(&fixture.namespace, &pod, "app", false, 1);
        while !matches!(refused().await, Err(Error::Refused { code: 401, .. })) {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        proxy.cut();
        tokio::time::sleep(Duration::from_millis(500)).await;
        proxy.open();
        // One who comes now waits as well.
        let mut late = pin!(through.logs(&state, follow_all()));
        let mut of_late: Got = Vec::new();
        let coming = async {
            while let Some(next) = late.next().await {
                of_late.push(next);
            }
        };
        assert!(tokio::time::timeout(Duration::from_secs(3), coming).await.is_err(), "the stream goes on");
        assert!(
            of_late.iter().all(|(_, entry)| entry.marker.is_some()),
            "no line can be read yet: {of_late:?}"
        );
        std::fs::write(&file, second).unwrap();
        got.extend(take_until(&mut stream, |got| got.len() > 500).await);
        assert_each_number_once(&got);
        of_late.extend(take_until(&mut late, |got| got.len() > 500).await);
        assert_each_number_once(&of_late);
    });
}
