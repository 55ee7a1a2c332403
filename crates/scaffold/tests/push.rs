//! Pushing and cloning as a developer does: the real git client, over HTTP, through the real hook.

#![allow(clippy::unwrap_used)] // clippy knows #[test] functions, but not what they call

use axum::{Router, body::Body, extract::State, http::Request, response::Response};
use fairway_domain::{ParametersDraft, ServiceName};
use fairway_scaffold::{BaseImages, GitRequest, Repositories, check_push, render};
use futures::{StreamExt, TryStreamExt, stream};
use std::{
    io::Read,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};
use tempfile::TempDir;

/// Not a test of its own: the hook of the repositories below runs this program for it, as it runs Fairway.
#[tokio::test]
#[ignore = "git's hook calls it"]
async fn answers_the_hook() {
    let service: ServiceName = std::env::var("TEST_HOOK_SERVICE").unwrap().parse().unwrap();
    let mut lines = String::new();
    std::io::stdin().read_to_string(&mut lines).unwrap();
    if let Err(wrong) = check_push(Path::new("."), &service, &lines).await {
        eprintln!("{}", wrong.join("\n"));
        std::process::exit(1);
    }
}

/// A served repository of `orders` and a clone of it.
struct Scene {
    folder: TempDir,
    repositories: Repositories,
    url: String,
}

fn orders() -> ServiceName {
    "orders".parse().unwrap()
}

async fn scene() -> Scene {
    let folder = TempDir::new().unwrap();
    let repositories = Repositories::new(folder.path().join("git's own"), &hook_program(&folder)).unwrap();
    let draft =
        ParametersDraft { name: "orders".into(), team: "checkout".into(), ..ParametersDraft::sensible() };
    let files = render(&draft.parse().unwrap(), &BaseImages::in_registry("127.0.0.1:5000")).unwrap();
    let at = "2026-11-25T01:02:03Z".parse().unwrap();
    repositories.create(&orders(), &files, "ada", "Start orders", at).await.unwrap();
    let url = serve(repositories.clone()).await;
    let scene = Scene { folder, repositories, url };
    scene.git(&["clone", "-q", &format!("{}/orders.git", scene.url), "work"]).unwrap();
    scene
}

/// A program that is called as Fairway is, in a folder whose name needs quoting.
fn hook_program(folder: &TempDir) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let program = folder.path().join("it's a hook");
    let this = std::env::current_exe().unwrap();
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = pre-receive ] || exit 3\nTEST_HOOK_SERVICE=\"$2\" exec '{}' --ignored --exact answers_the_hook --nocapture >/dev/null\n",
        this.display()
    );
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    program
}

async fn serve(repositories: Repositories) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer).with_state(repositories);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

async fn answer(State(repositories): State<Repositories>, request: Request<Body>) -> Response {
    let headers = request.headers().clone();
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let path = request.uri().path().trim_start_matches('/').to_owned();
    let (name, rest) = path.split_once(".git/").unwrap_or((&path, ""));
    let Ok(service) = name.parse() else {
        return Response::builder().status(404).body(Body::empty()).unwrap();
    };
    let git = GitRequest {
        method: request.method().to_string(),
        path_in_repository: rest.to_owned(),
        query: request.uri().query().unwrap_or_default().to_owned(),
        content_type: header("content-type"),
        content_encoding: header("content-encoding"),
        git_protocol: header("git-protocol"),
        remote_user: Some("ada".to_owned()),
        body: request.into_body().into_data_stream().map_err(std::io::Error::other).boxed(),
    };
    let answer = repositories.http(&service, git).await.unwrap();
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    response.body(Body::from_stream(answer.body)).unwrap()
}

impl Scene {
    fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// Runs git as bo, without his configuration; what it wrote, good or bad.
    fn git(&self, arguments: &[&str]) -> Result<String, String> {
        let work = self.work();
        let folder = if work.exists() { work.as_path() } else { self.folder.path() };
        let output = Command::new("git")
            .current_dir(folder)
            .args(["-c", "user.name=bo", "-c", "user.email=bo@x", "-c", "advice.diverging=false"])
            .args(arguments)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .output()
            .unwrap();
        let said =
            [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        if output.status.success() { Ok(said) } else { Err(said) }
    }

    /// Changes a file, commits, pushes.
    fn push_with(&self, change: impl FnOnce(&Path)) -> Result<String, String> {
        change(&self.work());
        self.git(&["add", "--all"]).unwrap();
        self.git(&["commit", "-q", "--message", "A change"]).unwrap();
        self.git(&["push", "origin", "HEAD:main"])
    }

    async fn head(&self) -> String {
        self.repositories.head(&orders()).await.unwrap().unwrap().sha.to_string()
    }

    fn local_head(&self) -> String {
        self.git(&["rev-parse", "HEAD"]).unwrap().trim().to_owned()
    }
}

fn edit(work: &Path, from: &str, to: &str) {
    let file = work.join("fairway.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(from));
    std::fs::write(file, text.replace(from, to)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_pushed_and_the_mode_of_an_executable_survives_the_clone() {
    use std::os::unix::fs::PermissionsExt;
    let scene = scene().await;
    assert_eq!(scene.work().join("run").metadata().unwrap().permissions().mode() & 0o111, 0o111);
    scene.push_with(|work| edit(work, "replicas: 2", "replicas: 3")).unwrap();
    assert_eq!(scene.head().await, scene.local_head());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_push_goes_through_in_parts() {
    let scene = scene().await;
    let mut noise = vec![0_u8; 3 * 1024 * 1024];
    std::fs::File::open("/dev/urandom").unwrap().read_exact(&mut noise).unwrap();
    scene.push_with(|work| std::fs::write(work.join("noise"), &noise).unwrap()).unwrap();
    assert_eq!(scene.head().await, scene.local_head());
    scene.git(&["clone", "-q", &format!("{}/orders.git", scene.url), "again"]).unwrap();
    assert_eq!(std::fs::read(scene.work().join("again/noise")).unwrap(), noise);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_fairway_yaml_is_refused_with_the_reason_at_the_client() {
    let scene = scene().await;
    let before = scene.head().await;
    let refused = scene.push_with(|work| edit(work, "replicas: 2", "replicas: many")).unwrap_err();
    assert!(
        refused.contains("remote: replicas: \"many\" is not of type \"integer\". (How many pods: 1 to 20.)"),
        "{refused}"
    );
    assert!(refused.contains("pre-receive hook declined"), "{refused}");
    assert_eq!(scene.head().await, before);
    scene.push_with(|work| edit(work, "replicas: many", "replicas: 4")).unwrap();
    assert_eq!(scene.head().await, scene.local_head(), "put right, it is taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_without_a_fairway_yaml_or_with_a_link_of_its_name_is_refused() {
    let scene = scene().await;
    let before = scene.head().await;
    let refused =
        scene.push_with(|work| std::fs::remove_file(work.join("fairway.yaml")).unwrap()).unwrap_err();
    assert!(refused.contains("remote: main needs a fairway.yaml at its root"), "{refused}");
    let refused = scene
        .push_with(|work| std::os::unix::fs::symlink("README.md", work.join("fairway.yaml")).unwrap())
        .unwrap_err();
    assert!(refused.contains("remote: main needs a fairway.yaml at its root"), "{refused}");
    assert_eq!(scene.head().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_services_fairway_yaml_is_refused() {
    let scene = scene().await;
    let refused = scene.push_with(|work| edit(work, "name: \"orders\"", "name: invoices")).unwrap_err();
    assert!(
        refused.contains("remote: name: is “invoices”, but this is the repository of orders."),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn main_is_neither_rewritten_nor_removed() {
    let scene = scene().await;
    scene.push_with(|work| edit(work, "replicas: 2", "replicas: 3")).unwrap();
    let before = scene.head().await;
    scene.git(&["commit", "-q", "--amend", "--message", "Rewritten"]).unwrap();
    let refused = scene.git(&["push", "--force", "origin", "HEAD:main"]).unwrap_err();
    assert!(refused.contains("remote: main only moves forward"), "{refused}");
    let refused = scene.git(&["push", "origin", ":main"]).unwrap_err();
    assert!(
        refused.contains("remote: main can't be removed") || refused.contains("deletion prohibited"),
        "{refused}"
    );
    assert_eq!(scene.head().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_of_somebodys_own_needs_no_fairway_yaml_but_other_references_are_refused() {
    let scene = scene().await;
    scene.git(&["rm", "-q", "fairway.yaml"]).unwrap();
    scene.git(&["commit", "-q", "--message", "An experiment"]).unwrap();
    scene.git(&["push", "origin", "HEAD:refs/heads/experiment"]).unwrap();
    let refused = scene.git(&["push", "origin", "HEAD:refs/odd/place"]).unwrap_err();
    assert!(refused.contains("remote: refs/odd/place is neither a branch nor a tag."), "{refused}");
}

async fn status(scene: &Scene, method: &str, path: &str, query: &str, service: &str) -> u16 {
    let request = GitRequest {
        method: method.to_owned(),
        path_in_repository: path.to_owned(),
        query: query.to_owned(),
        content_type: None,
        content_encoding: None,
        git_protocol: None,
        remote_user: None,
        body: stream::empty().boxed(),
    };
    scene.repositories.http(&service.parse().unwrap(), request).await.unwrap().status
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_what_a_git_client_asks_for_can_be_reached() {
    let scene = scene().await;
    for path in [
        "",
        "config",
        "HEAD",
        "hooks/pre-receive",
        "objects/info/packs",
        "../.hooks/pre-receive",
        "../orders.git/info/refs",
        "info/refs/",
        "info//refs",
        "/info/refs",
        "%2e%2e/config",
        "git-upload-archive",
        "info/refs\0",
    ] {
        assert_eq!(status(&scene, "GET", path, "", "orders").await, 404, "{path}");
    }
    for query in ["", "service=git-upload-archive", "service=git-upload-pack&x=y", "service=../../bin/sh"] {
        assert_eq!(status(&scene, "GET", "info/refs", query, "orders").await, 404, "{query}");
    }
    assert_eq!(status(&scene, "GET", "info/refs", "service=git-upload-pack", "orders").await, 200);
    assert_eq!(status(&scene, "GET", "info/refs", "service=git-upload-pack", "invoices").await, 404);
    assert_eq!(status(&scene, "POST", "info/refs", "service=git-upload-pack", "orders").await, 405);
    assert_eq!(status(&scene, "GET", "git-receive-pack", "", "orders").await, 405);
}

/// Git processes that serve this scene, by their environment.
fn serving(scene: &Scene) -> usize {
    let mark = format!("GIT_PROJECT_ROOT={}", scene.folder.path().canonicalize().unwrap().display());
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|process| std::fs::read(process.ok()?.path().join("environ")).ok())
        .filter(|environment| environment.windows(mark.len()).any(|part| part == mark.as_bytes()))
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_leaves_no_process_behind() {
    let scene = scene().await;
    let request = GitRequest {
        method: "POST".to_owned(),
        path_in_repository: "git-receive-pack".to_owned(),
        query: String::new(),
        content_type: Some("application/x-git-receive-pack-request".to_owned()),
        content_encoding: None,
        git_protocol: None,
        remote_user: None,
        body: stream::pending().boxed(),
    };
    let gone = tokio::time::timeout(Duration::from_millis(500), async {
        let answer = scene.repositories.http(&orders(), request).await.unwrap();
        answer.body.for_each(|_| async {}).await;
    });
    let watching = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        serving(&scene)
    };
    let (gone, while_there) = tokio::join!(gone, watching);
    assert!(gone.is_err() && while_there > 0, "git waited for the rest of the push");
    for _ in 0..50 {
        if serving(&scene) == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{} processes are left", serving(&scene));
}
