use super::super::super::line::{Item, Origin, What};
use super::super::record::{write_item, write_source};
use super::*;

fn named(source: u64) -> Vec<u8> {
    let origin = Arc::new(Origin { pod: "pod".into(), container: "app".into(), revision: None });
    let mut bytes = Vec::new();
    write_source(&mut bytes, &KnownSource { id: SourceId(source), origin, cursor: None });
    bytes
}

fn item(source: u64, nanos: i64) -> Vec<u8> {
    let origin = Arc::new(Origin { pod: "pod".into(), container: "app".into(), revision: None });
    let what = What::Line("a line".into());
    let mut bytes = Vec::new();
    let item = Item { source: SourceId(source), origin, restart: 0, nanos, ordinal: 0, beyond: 0, what };
    write_item(&mut bytes, &item);
    bytes
}

fn span(index: &Index, source: u64) -> Span {
    index.spans[&SourceId(source)]
}

#[tokio::test]
async fn what_is_added_to_a_segment_is_seen_and_what_was_there_is_not_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("7");
    let indexes = Indexes::default();
    assert!(indexes.of(7, &path).await.is_none());

    let mut bytes = [named(1), item(1, 30), item(1, 20)].concat();
    let (head, each) = (named(1).len() as u64, item(1, 30).len() as u64);
    let last = (7, 2 * (head + each));
    std::fs::write(&path, &bytes).unwrap();
    let first = indexes.of(7, &path).await.unwrap();
    assert_eq!(first.known.len(), 1);
    assert_eq!(span(&first, 1), Span { places: ((7, head), (7, head + each)), nanos: (20, 30) });
    assert!(Arc::ptr_eq(&first, &indexes.of(7, &path).await.unwrap()), "nothing was added");

    // What was looked through isn't any more: broken, it would end the reading.
    let more = [named(2), item(2, 40), item(1, 50)].concat();
    bytes.extend(&more);
    let half = bytes.len() - 3;
    std::fs::write(
        &path,
        [&vec![0; bytes.len() - more.len()], &bytes[bytes.len() - more.len()..half]].concat(),
    )
    .unwrap();
    let torn = indexes.of(7, &path).await.unwrap();
    assert_eq!((torn.known.len(), span(&torn, 2).places), (2, (last, last)));
    assert_eq!(span(&torn, 1).places.1, (7, head + each), "what isn't whole is none");
    std::fs::write(&path, &bytes).unwrap();
    let whole = indexes.of(7, &path).await.unwrap();
    assert_eq!(span(&whole, 1), Span { places: ((7, head), (7, last.1 + each)), nanos: (20, 50) });
}

#[tokio::test]
async fn a_segment_that_was_cut_or_replaced_is_looked_through_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("7");
    let indexes = Indexes::default();
    std::fs::write(&path, [named(1), item(1, 30), item(1, 40)].concat()).unwrap();
    indexes.of(7, &path).await.unwrap();
    std::fs::write(&path, [named(1), item(1, 30)].concat()).unwrap();
    assert_eq!(span(&indexes.of(7, &path).await.unwrap(), 1).nanos, (30, 30));

    let other = folder.path().join("other");
    std::fs::write(&other, [named(2), item(2, 30), item(2, 40), item(2, 50)].concat()).unwrap();
    std::fs::rename(&other, &path).unwrap();
    let index = indexes.of(7, &path).await.unwrap();
    assert_eq!((index.known.len(), index.spans.len(), span(&index, 2).nanos), (1, 1, (30, 50)));

    indexes.keep_only(folder.path(), &[]);
    assert!(indexes.lock().is_empty());
}

#[tokio::test]
async fn a_segment_is_opened_where_something_of_a_source_begins_and_the_rest_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("7");
    let indexes = Indexes::default();
    let (before, after) = ([named(1), item(1, 30), item(1, 20)].concat(), [named(2), item(2, 40)].concat());
    std::fs::write(&path, [&before[..], &after].concat()).unwrap();
    let index = indexes.of(7, &path).await.unwrap();
    // What stands before is looked through no more: broken, it would end the reading.
    std::fs::write(
        &path,
        [&vec![0; before.len()], &after[..], &item(1, 50), &named(3), &item(3, 60)].concat(),
    )
    .unwrap();
    for (source, times) in [(2, &[40][..]), (3, &[60]), (4, &[])] {
        let mut segment = index.open(&path, |one| one == SourceId(source)).await.unwrap();
        let mut found = Vec::new();
        while let Some(record) = segment.next(|head| head.source == SourceId(source)).await {
            if let Record::Item(item) = record {
                found.push(item.nanos);
            }
        }
        assert_eq!(found, times, "{source}");
    }
}
