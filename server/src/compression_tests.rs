use super::*;
use axum::Router;
use axum::middleware::from_fn;
use axum::routing::get;
use flate2::write::GzDecoder;
use futures::channel::mpsc::{UnboundedSender, unbounded};
use std::io::Write;
use tower::ServiceExt;

/// Decodes bytes as they come.
struct Reader {
    body: axum::body::BodyDataStream,
    decoder: GzDecoder<Vec<u8>>,
    /// How many bytes came over the wire.
    wire: usize,
}

impl Reader {
    fn of(body: Body) -> Self {
        Self { body: body.into_data_stream(), decoder: GzDecoder::new(Vec::new()), wire: 0 }
    }

    /// The text of the next piece, if it is there.
    fn next(&mut self) -> Option<String> {
        let piece = self.body.next().now_or_never()??.unwrap();
        self.wire += piece.len();
        self.decoder.write_all(&piece).unwrap();
        self.decoder.flush().unwrap();
        Some(String::from_utf8(std::mem::take(self.decoder.get_mut())).unwrap())
    }

    /// The text up to the end, which is a whole file's.
    fn rest(mut self) -> String {
        let mut text = String::new();
        while let Some(piece) = self.next() {
            text.push_str(&piece);
        }
        text.push_str(&String::from_utf8(self.decoder.finish().unwrap()).unwrap());
        text
    }
}

/// A stream that says what it is given.
fn open() -> (UnboundedSender<Result<String, BoxError>>, Reader) {
    let (says, said) = unbounded();
    (says, Reader::of(Body::from_stream(compressed(Body::from_stream(said)))))
}

fn line(number: usize) -> String {
    let at = format!("2026-11-25T12:{:02}:{:02}.{:09}Z", number / 60 % 60, number % 60, number * 7919);
    format!(
        "id: 1.0,7b0a4c21f9e3d.18a7c{number:08x}.1.0\ndata: {{\"at\":\"{at}\",\"pod\":\"orders-7c9f6d5b4-x2k8p\",\"container\":\"app\",\
         \"restart\":0,\"revision\":3,\"level\":\"info\",\"text\":\"GET /orders/{} 200 {} ms\",\"bytes\":27,\"place\":\"7b0a4c21f9e3d.0.18a7c{number:08x}.1\",\
         \"continues\":false,\"late\":false,\"marker\":null}}\n\n",
        number * 31 % 10_007,
        number * 17 % 250
    )
}

#[test]
fn each_line_can_be_read_before_there_is_another() {
    let (says, mut reader) = open();
    assert_eq!(reader.next(), None);
    for said in [line(1), line(2), ":\n\n".into(), line(3)] {
        says.unbounded_send(Ok(said.clone())).unwrap();
        assert_eq!(reader.next(), Some(said));
        assert_eq!(reader.next(), None, "nothing else is there yet");
    }
    drop(says);
    assert_eq!(reader.rest(), "");
}

#[test]
fn what_is_there_at_once_goes_out_as_one_piece_of_bounded_size_and_takes_a_small_part() {
    let (says, mut reader) = open();
    let all: String = (0..1000).map(line).collect();
    for number in 0..1000 {
        says.unbounded_send(Ok(line(number))).unwrap();
    }
    let (mut text, mut pieces) = (String::new(), 0);
    while let Some(piece) = reader.next() {
        assert!(piece.len() < AT_ONCE + line(1000).len(), "{}", piece.len());
        text.push_str(&piece);
        pieces += 1;
    }
    assert!(text == all && pieces <= all.len().div_ceil(AT_ONCE), "{pieces} pieces");
    assert!(reader.wire * 6 < all.len(), "{} of {} bytes", reader.wire, all.len());
}

#[test]
fn lines_that_come_one_by_one_take_a_small_part_too() {
    let (says, mut reader) = open();
    let mut bytes = 0;
    for number in 0..1000 {
        says.unbounded_send(Ok(line(number))).unwrap();
        bytes += reader.next().unwrap().len();
    }
    assert!(reader.wire * 3 < bytes, "{} of {bytes} bytes", reader.wire);
}

#[test]
fn streams_that_take_turns_on_one_encoder_keep_what_is_theirs() {
    let mut streams: Vec<_> = (0..7).map(|_| open()).collect();
    for number in 0..300 {
        for (stream, (says, reader)) in streams.iter_mut().enumerate() {
            let said = format!("{stream} {}", line(number * (stream + 1)));
            says.unbounded_send(Ok(said.clone())).unwrap();
            assert_eq!(reader.next(), Some(said));
        }
    }
    for (says, reader) in streams {
        drop(says);
        assert_eq!(reader.rest(), "");
    }
}

#[test]
fn what_is_long_or_cannot_be_compressed_comes_whole() {
    let (says, reader) = open();
    let mut seed = 1_u64;
    let mut noise = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b' ' + u8::try_from((seed >> 33) & 63).unwrap())
    };
    let said = [1, 9000, 300_000, 0, 70_000].map(|long| (0..long).map(|_| noise()).collect::<String>());
    for said in &said {
        says.unbounded_send(Ok(said.clone())).unwrap();
    }
    drop(says);
    assert_eq!(reader.rest(), said.concat());
}

#[test]
fn a_stream_that_breaks_is_no_whole_one_but_what_it_said_comes() {
    let (says, mut reader) = open();
    says.unbounded_send(Ok(line(1))).unwrap();
    says.unbounded_send(Err("the cluster is away".into())).unwrap();
    assert_eq!(reader.next(), Some(line(1)));
    assert!(reader.body.next().now_or_never().unwrap().unwrap().is_err());
    assert!(reader.body.next().now_or_never().unwrap().is_none());
}

async fn answer(kind: &'static str, accept: Option<&str>) -> Response {
    let handler =
        get(move || async move { ([(header::CONTENT_TYPE, kind), (header::CONTENT_LENGTH, "2")], "ok") });
    let router = Router::new().route("/", handler).layer(from_fn(streams));
    let mut request = Request::new(Body::empty());
    if let Some(accept) = accept {
        request.headers_mut().insert(header::ACCEPT_ENCODING, accept.parse().unwrap());
    }
    router.oneshot(request).await.unwrap()
}

#[tokio::test]
async fn streams_are_compressed_for_who_reads_that_and_say_so() {
    for kind in ["text/event-stream", "application/x-ndjson", "application/x-ndjson; charset=utf-8"] {
        let response = answer(kind, Some("gzip, deflate, br, zstd")).await;
        assert_eq!(response.headers()[header::CONTENT_ENCODING], "gzip");
        assert_eq!(response.headers()[header::VARY], "accept-encoding");
        assert!(!response.headers().contains_key(header::CONTENT_LENGTH));
        assert_eq!(Reader::of(response.into_body()).rest(), "ok");
        let response = answer(kind, None).await;
        assert!(!response.headers().contains_key(header::CONTENT_ENCODING));
        assert_eq!(response.headers()[header::VARY], "accept-encoding");
    }
    let response = answer("text/html", Some("gzip")).await;
    assert!(!response.headers().contains_key(header::CONTENT_ENCODING));
    assert!(!response.headers().contains_key(header::VARY));
}

#[test]
fn who_reads_gzip_is_who_says_so() {
    let reads = |accept: &str| {
        reads_gzip(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, accept.parse().unwrap())]))
    };
    for accept in
        ["gzip", "br, GZIP", "deflate;q=1, gzip;q=0.5", "gzip; q=0.001", "x-gzip", "identity;q=0.5, gzip"]
    {
        assert!(reads(accept), "{accept}");
    }
    for accept in [
        "",
        "br",
        "gzip;q=0",
        "*",
        "*, gzip;q=0",
        "identity, gzip;q=0.5",
        "gzip;q=2",
        "gzip;q=x",
        "gzip;level=1",
    ] {
        assert!(!reads(accept), "{accept}");
    }
}
