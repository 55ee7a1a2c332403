use super::*;

fn line(text: String) -> Arc<Item> {
    Arc::new(Item {
        source: SourceId(1),
        origin: Arc::default(),
        restart: 0,
        nanos: 1,
        ordinal: 1,
        beyond: 0,
        what: What::Line(text),
    })
}

#[test]
fn the_ring_keeps_the_latest_and_tells_who_is_too_late() {
    let mut ring = Ring::default();
    for number in 0..=MOST.items {
        ring.push(line(number.to_string()), MOST);
    }
    assert_eq!(ring.first, 1);
    assert_eq!(ring.read(0), None);
    assert_eq!(ring.read(1).unwrap()[0].what, What::Line("1".into()));
    assert_eq!(ring.read(ring.next()), Some(vec![]));
}

#[test]
fn long_lines_are_dropped_before_memory_is() {
    let mut ring = Ring::default();
    for _ in 0..10 {
        ring.push(line("x".repeat(MOST.bytes / 4)), MOST);
    }
    assert!(ring.bytes <= MOST.bytes);
    assert_eq!(ring.items.len(), 3);
    ring.push(line("x".repeat(MOST.bytes * 2)), MOST);
    assert_eq!(ring.items.len(), 1, "the latest line is always there");
}

#[test]
fn while_nobody_reads_little_is_held() {
    let mut ring = Ring::default();
    for number in 0..5000 {
        ring.push(line(number.to_string()), MOST);
    }
    ring.push(line("nobody reads any more".into()), MOST_UNREAD);
    assert_eq!(ring.items.len(), MOST_UNREAD.items);
    assert_eq!(ring.next(), 5001);
}

#[tokio::test]
async fn only_so_many_read_the_last_lines_at_once() {
    let hubs = Hubs::default();
    let mut turns = Vec::new();
    for _ in 0..BEGIN_AT_ONCE {
        turns.push(hubs.turn().await);
    }
    let waiting = async { hubs.turn().await.is_some() };
    tokio::pin!(waiting);
    assert!(futures::poll!(&mut waiting).is_pending());
    turns.pop();
    assert!(waiting.await);
}

#[test]
fn how_many_lines_of_each_source_were_dropped_is_known() {
    let mut ring = Ring::default();
    let of = |source| Arc::new(Item { source: SourceId(source), ..Item::clone(&line(String::new())) });
    for number in 0..10 {
        ring.push(of(number % 3), Bound { items: 3, bytes: 1000 });
    }
    assert_eq!(ring.dropped, HashMap::from([(SourceId(0), 3), (SourceId(1), 2), (SourceId(2), 2)]));
    for source in 0..2000 {
        ring.push(Arc::new(Item { what: What::Closed(None), ..Item::clone(&of(source)) }), MOST_UNREAD);
    }
    assert!(ring.over.len() <= MOST_OVER);
}
