//! Cloning and pushing over HTTP, through git's own `git http-backend`.

use crate::{Error, Repositories};
use fairway_domain::ServiceName;
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use std::{fmt, io, process::Stdio};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
};
use tokio_util::{
    bytes::{Bytes, BytesMut},
    task::AbortOnDropHandle,
};

/// A body as it comes.
pub type ByteStream = BoxStream<'static, io::Result<Bytes>>;

/// What a git client asks of one repository.
pub struct GitRequest {
    /// `GET` or `POST`.
    pub method: String,
    /// What follows `/git/NAME.git/`.
    pub path_in_repository: String,
    /// What follows the question mark; may be empty.
    pub query: String,
    /// The header Content-Type.
    pub content_type: Option<String>,
    /// The header Content-Encoding.
    pub content_encoding: Option<String>,
    /// The header Git-Protocol.
    pub git_protocol: Option<String>,
    /// Who asks; git records him with what he changes.
    pub remote_user: Option<String>,
    /// What is sent.
    pub body: ByteStream,
}

/// The answer. Its body ends once git has ended, so what a push changed has then happened; dropping it ends git.
pub struct GitResponse {
    /// HTTP's status.
    pub status: u16,
    /// Headers, in git's order.
    pub headers: Vec<(String, String)>,
    /// What is answered.
    pub body: ByteStream,
}

impl fmt::Debug for GitResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitResponse")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}

/// The header of a CGI answer is a few hundred bytes; what is longer isn't one.
const HEADER_LIMIT_BYTES: u64 = 16 * 1024;

/// How much of git's standard error goes to the log.
const STDERR_LIMIT_BYTES: u64 = 8 * 1024;

impl Repositories {
    /// Answers a git client. Only what today's clients ask is served (the smart protocol); anything else is a 404 or a 405,
    /// and no path leads out of the repository.
    pub async fn http(&self, service: &ServiceName, request: GitRequest) -> Result<GitResponse, Error> {
        let Some(method) = method_of(&request) else {
            return Ok(plain(404, "There is nothing here that a git client asks for.\n", None));
        };
        if request.method != method {
            return Ok(plain(405, "This address takes another method.\n", Some(("Allow", method))));
        }
        if !self.exists(service).await {
            return Ok(plain(404, "There is no such repository.\n", None));
        }
        let mut child = self.backend(service, &request).spawn().map_err(Error::GitMissing)?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(Error::GitAnswer("no pipes".to_owned()));
        };
        tokio::spawn(log_stderr(stderr, service.clone()));
        let feeding = AbortOnDropHandle::new(tokio::spawn(feed(request.body, stdin)));
        let mut stdout = BufReader::with_capacity(64 * 1024, stdout);
        let (status, headers) = read_header(&mut stdout).await?;
        Ok(GitResponse { status, headers, body: body(stdout, child, feeding) })
    }

    fn backend(&self, service: &ServiceName, request: &GitRequest) -> Command {
        let mut command = crate::git::outside();
        command
            .arg("http-backend")
            .env("GIT_PROJECT_ROOT", self.root())
            .env("GIT_HTTP_EXPORT_ALL", "1")
            .env("PATH_INFO", format!("/{service}.git/{}", request.path_in_repository))
            .env("REQUEST_METHOD", &request.method)
            .env("QUERY_STRING", &request.query)
            .env("CONTENT_TYPE", request.content_type.as_deref().unwrap_or_default())
            .env("REMOTE_USER", request.remote_user.as_deref().unwrap_or_default())
            .env_remove("CONTENT_LENGTH") // the body is read to its end
            .stdin(Stdio::piped());
        if matches!(request.content_encoding.as_deref(), Some("gzip" | "x-gzip")) {
            command.env("HTTP_CONTENT_ENCODING", "gzip");
        }
        if let Some(protocol) = request.git_protocol.as_deref().filter(|text| is_protocol(text)) {
            command.env("GIT_PROTOCOL", protocol);
        }
        command
    }
}

/// The method of an address that is served, by the smart protocol.
fn method_of(request: &GitRequest) -> Option<&'static str> {
    match (request.path_in_repository.as_str(), request.query.as_str()) {
        ("info/refs", "service=git-upload-pack" | "service=git-receive-pack") => Some("GET"),
        ("git-upload-pack" | "git-receive-pack", "") => Some("POST"),
        _ => None,
    }
}

/// `version=2`, perhaps with more keys.
fn is_protocol(text: &str) -> bool {
    text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"=:.-".contains(&b))
}

fn plain(status: u16, text: &'static str, header: Option<(&str, &str)>) -> GitResponse {
    let mut headers = vec![("Content-Type".to_owned(), "text/plain; charset=utf-8".to_owned())];
    headers.extend(header.map(|(name, value)| (name.to_owned(), value.to_owned())));
    GitResponse { status, headers, body: stream::iter([Ok(Bytes::from_static(text.as_bytes()))]).boxed() }
}

/// A body that breaks off is passed on as one that ends too early, which git refuses as a whole.
async fn feed(mut body: ByteStream, mut stdin: ChildStdin) {
    while let Some(Ok(chunk)) = body.next().await {
        if stdin.write_all(&chunk).await.is_err() {
            return; // git ended before it read everything; its answer says why
        }
    }
}

async fn log_stderr(stderr: impl AsyncRead + Unpin, service: ServiceName) {
    let mut text = Vec::new();
    let mut stderr = stderr.take(STDERR_LIMIT_BYTES);
    if stderr.read_to_end(&mut text).await.is_ok() && !text.is_empty() {
        tracing::warn!(%service, message = %String::from_utf8_lossy(&text).trim(), "git http-backend");
    }
    // What git says beyond the limit is read, lest it wait for somebody to do so.
    let _ = tokio::io::copy(&mut stderr.into_inner(), &mut tokio::io::sink()).await;
}

async fn read_header(stdout: &mut BufReader<ChildStdout>) -> Result<(u16, Vec<(String, String)>), Error> {
    let unreadable = |line: &str| Error::GitAnswer(line.trim().to_owned());
    let mut status = 200;
    let mut headers = Vec::new();
    let mut limited = stdout.take(HEADER_LIMIT_BYTES);
    loop {
        let mut line = String::new();
        limited.read_line(&mut line).await.map_err(|_| unreadable("no text"))?;
        if line.is_empty() {
            return Err(unreadable("nothing"));
        }
        let line = line.trim_end();
        if line.is_empty() {
            return Ok((status, headers));
        }
        let (name, value) = line.split_once(':').ok_or_else(|| unreadable(line))?;
        if name.eq_ignore_ascii_case("Status") {
            let code = value.split_whitespace().next().unwrap_or_default();
            status = code.parse().map_err(|_| unreadable(line))?;
        } else {
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
    }
}

/// What git writes, until it ends. The child goes away with the stream.
fn body(stdout: BufReader<ChildStdout>, child: Child, feeding: AbortOnDropHandle<()>) -> ByteStream {
    stream::unfold(Some((stdout, child, feeding)), |running| async {
        let (mut stdout, mut child, feeding) = running?;
        let mut chunk = BytesMut::with_capacity(32 * 1024);
        match stdout.read_buf(&mut chunk).await {
            Ok(0) => {
                // Its end was seen; how it ended, its standard error told.
                let _ = child.wait().await;
                None
            }
            Ok(_) => Some((Ok(chunk.freeze()), Some((stdout, child, feeding)))),
            Err(error) => Some((Err(error), None)),
        }
    })
    .boxed()
}
