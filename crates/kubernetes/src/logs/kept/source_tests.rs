use super::super::super::line::Origin;
use super::super::{Keeper, LogKeeping, segments};
use super::*;
use fairway_domain::{Namespace, ServiceName};
use std::sync::Arc;
use std::time::Duration;

struct Folder {
    keeping: LogKeeping,
    kept: Kept,
    _temporary: tempfile::TempDir,
}

fn names() -> (Namespace, ServiceName) {
    ("staging".parse().unwrap(), "orders".parse().unwrap())
}

impl Folder {
    fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().to_owned();
        let keeping = LogKeeping { folder, bytes: 16 * 1024, age: Duration::from_secs(3600) };
        let (namespace, service) = names();
        let kept = Kept::of(&keeping, &namespace, &service);
        Self { keeping, kept, _temporary: temporary }
    }

    async fn keeper(&self) -> Keeper {
        let (namespace, service) = names();
        Keeper::open(&self.keeping, &namespace, &service).await
    }

    async fn open(&self, place: Place) -> KeptSource {
        KeptSource::open(&self.kept, SourceId(1), place, None).await
    }
}

fn item(source: u64, nanos: i64, what: What) -> Arc<Item> {
    let origin = Arc::new(Origin { pod: "orders-1".into(), container: "app".into(), revision: Some(1) });
    Arc::new(Item { source: SourceId(source), origin, restart: 0, nanos, ordinal: 1, beyond: 0, what })
}

fn line(source: u64, nanos: i64) -> Arc<Item> {
    item(source, nanos, What::Line(format!("line {nanos} of {source}")))
}

fn after(nanos: i64) -> Place {
    Place::After(Cursor { nanos, ordinal: 1, ..Cursor::default() })
}

/// The times of what is read, with a minus for a gap.
async fn times(source: &mut KeptSource) -> Vec<i64> {
    let mut times = Vec::new();
    while let Some(item) = source.next().await {
        let gap = matches!(item.what, What::Gap(_));
        times.push(if gap { -item.nanos } else { item.nanos });
    }
    times
}

#[tokio::test]
async fn one_source_is_read_from_any_place_on_and_nothing_else() {
    let folder = Folder::new();
    let mut keeper = folder.keeper().await;
    keeper.append(&[item(1, 1, What::Joined("joined".into()))]).await;
    for nanos in 2..100 {
        keeper.append(&[line(1, nanos), line(2, nanos)]).await;
    }
    assert!(segments(&folder.kept.folder).unwrap().len() > 2, "it takes several segments");
    assert_eq!(times(&mut folder.open(Place::From(0)).await).await, (2..100).collect::<Vec<_>>());
    for nanos in 2..100 {
        let mut read = folder.open(after(nanos)).await;
        assert_eq!(times(&mut read).await, (nanos + 1..100).collect::<Vec<_>>());
        assert!(read.follows());
        let mut read = folder.open(Place::From(nanos)).await;
        assert_eq!(times(&mut read).await, (nanos..100).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn what_is_written_meanwhile_is_read_too_also_by_a_next_process_and_into_the_next_segment() {
    let folder = Folder::new();
    let mut keeper = folder.keeper().await;
    keeper.append(&[line(1, 1)]).await;
    let mut read = folder.open(after(1)).await;
    assert_eq!(times(&mut read).await, [0; 0]);
    assert!(read.follows());
    for nanos in 2..100 {
        if nanos == 50 {
            keeper = folder.keeper().await;
        }
        keeper.append(&[line(1, nanos)]).await;
        assert_eq!(times(&mut read).await, [nanos]);
    }
    assert!(segments(&folder.kept.folder).unwrap().len() > 1);
}

#[tokio::test]
async fn where_something_is_not_kept_any_more_a_gap_says_so_once() {
    let folder = Folder::new();
    let mut keeper = folder.keeper().await;
    for nanos in 1..2000 {
        keeper.append(&[line(1, nanos)]).await;
    }
    let all = times(&mut folder.open(Place::From(0)).await).await;
    assert!(
        all[0] > 1 && all == (all[0]..2000).collect::<Vec<_>>(),
        "who has read nothing gets what is there"
    );
    let mut read = folder.open(after(1)).await;
    assert!(!read.follows());
    assert_eq!(times(&mut read).await, [&[-1], &all[..]].concat());

    // One that goes while it is read.
    let mut read = folder.open(Place::From(0)).await;
    let first = read.next().await.unwrap().nanos;
    let (_, second) = segments(&folder.kept.folder).unwrap().remove(1);
    std::fs::remove_file(second).unwrap();
    let rest = times(&mut read).await;
    let gap = rest.iter().position(|nanos| *nanos < 0).unwrap();
    assert_eq!(rest[..gap], (first + 1..=-rest[gap]).collect::<Vec<_>>());
    assert!(rest[gap + 1] > -rest[gap] + 1);
    assert_eq!(rest[gap + 1..], (rest[gap + 1]..2000).collect::<Vec<_>>());
}

#[tokio::test]
async fn of_a_source_that_is_not_known_nothing_is_said() {
    let folder = Folder::new();
    assert_eq!(times(&mut folder.open(Place::From(0)).await).await, [0; 0]);
    folder.keeper().await.append(&[line(2, 1)]).await;
    let mut read = folder.open(after(1)).await;
    assert_eq!(times(&mut read).await, [0; 0]);
    assert!(!read.follows());
}

#[tokio::test]
async fn the_last_lines_are_read_from_no_further_back_than_they_need() {
    let folder = Folder::new();
    let mut keeper = folder.keeper().await;
    for nanos in 1..150 {
        keeper.append(&[line(1, nanos)]).await;
    }
    let counts = |item: &Item| item.nanos < 140;
    let wanted = Enough { lines: 5, counts: &counts };
    let mut read = KeptSource::open(&folder.kept, SourceId(1), Place::From(0), Some((&wanted, 140))).await;
    let read = times(&mut read).await;
    assert!((2..=135).contains(&read[0]), "{}", read[0]);
    assert_eq!(read, (read[0]..150).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_line_is_found_by_its_place_as_long_as_it_is_kept() {
    let folder = Folder::new();
    let mut keeper = folder.keeper().await;
    for nanos in 1..300 {
        let another = Item { ordinal: 2, beyond: 7, ..Item::clone(&line(1, nanos)) };
        keeper.append(&[line(1, nanos), Arc::new(another), line(2, nanos)]).await;
    }
    assert!(segments(&folder.kept.folder).unwrap().len() > 2, "it takes several segments");
    let place = |source, nanos, ordinal| LogPlace { source, restart: 0, nanos, ordinal };
    assert_eq!(folder.kept.line(place(1, 299, 1)).await.as_ref(), Some(&*line(1, 299)));
    assert_eq!(folder.kept.line(place(2, 250, 1)).await.as_ref(), Some(&*line(2, 250)));
    assert_eq!(
        folder.kept.line(place(1, 250, 2)).await.map(|item| (item.ordinal, item.beyond)),
        Some((2, 7))
    );
    let other_instance = LogPlace { restart: 1, ..place(1, 299, 1) };
    for other in [
        place(1, 299, 3),
        place(1, 300, 1),
        place(2, 250, 2),
        place(3, 250, 1),
        place(1, 1, 1),
        other_instance,
    ] {
        assert_eq!(folder.kept.line(other).await, None, "{other:?}");
    }
}
