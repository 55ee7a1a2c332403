use super::super::line::{Item, Origin, SourceId, What};
use super::super::merge::merged;
use super::super::position::Position;
use super::read::Enough;
use super::*;
use futures::StreamExt;
use std::collections::HashSet;
use std::sync::Arc;

const HOUR: Duration = Duration::from_secs(3600);

struct Folder {
    keeping: LogKeeping,
    namespace: Namespace,
    service: ServiceName,
    _temporary: tempfile::TempDir,
}

impl Folder {
    fn new(bytes: u64) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let keeping = LogKeeping { folder: temporary.path().join("logs"), bytes, age: HOUR };
        let (namespace, service) = ("staging".parse().unwrap(), "orders".parse().unwrap());
        Self { keeping, namespace, service, _temporary: temporary }
    }

    async fn keeper(&self) -> Keeper {
        Keeper::open(&self.keeping, &self.namespace, &self.service).await
    }

    fn path(&self) -> PathBuf {
        self.keeping.folder_of(&self.namespace, &self.service)
    }

    /// What a reader at `position` gets, each with the position after it.
    async fn read(&self, mut position: Position, tail: Option<u32>) -> Vec<(Position, Item)> {
        let counts = |item: &Item| matches!(item.what, What::Line(_));
        let enough = tail.map(|lines| Enough { lines, counts: &counts });
        let kept = Kept::of(&self.keeping, &self.namespace, &self.service);
        let beginning = kept.beginning(&position, &HashSet::new(), enough.as_ref()).await;
        let mut got = beginning.enter(&mut position);
        let streams = beginning.streams(&position, vec![]);
        let mut items = std::pin::pin!(merged(streams));
        while let Some(Ok(chunk)) = items.next().await {
            for item in chunk {
                position.advance(&item);
                got.push((position.clone(), item));
            }
        }
        got
    }
}

fn item(source: u64, nanos: i64, what: What) -> Arc<Item> {
    let origin =
        Arc::new(Origin { pod: format!("pod-{source}").into(), container: "app".into(), revision: Some(1) });
    Arc::new(Item { source: SourceId(source), origin, restart: 0, nanos, ordinal: 1, beyond: 0, what })
}

fn line(source: u64, nanos: i64) -> Arc<Item> {
    item(source, nanos, What::Line(format!("line {nanos} of {source}")))
}

fn of(got: &[(Position, Item)]) -> Vec<Item> {
    got.iter().map(|(_, item)| item.clone()).collect()
}

#[tokio::test]
async fn what_was_written_is_read_from_any_place_also_by_the_next_process() {
    let folder = Folder::new(16 * 1024);
    let mut all = vec![item(1, 1, What::Joined("pod-1 joined".into()))];
    all.extend((2..200).map(|nanos| line(1 + u64::from(nanos % 3 == 0), nanos)));
    all.push(item(1, 200, What::Closed(Some("pod-1 is gone".into()))));
    let mut keeper = folder.keeper().await;
    for some in all.chunks(7) {
        keeper.append(some).await;
    }
    let got = folder.read(Position::default(), None).await;
    let written: Vec<Item> = all.iter().map(|item| Item::clone(item)).collect();
    assert_eq!(of(&got), written);
    assert!(segments(&folder.path()).unwrap().len() > 2, "it takes several segments");
    for (read, (position, _)) in got.iter().enumerate() {
        assert!(of(&folder.read(position.clone(), None).await) == written[read + 1..], "after {read}");
    }

    let mut next = folder.keeper().await;
    assert_eq!(next.cursor(SourceId(2)), keeper.cursor(SourceId(2)));
    assert!(next.cursor(SourceId(1)).unwrap().closed());
    assert_eq!(next.cursor(SourceId(3)), None);
    next.append(&[line(3, 201)]).await;
    assert_eq!(folder.read(Position::default(), None).await.len(), written.len() + 1);
}

#[tokio::test]
async fn a_tail_reads_no_further_back_than_it_has_to_and_what_it_leaves_out_stays_read() {
    let folder = Folder::new(16 * 1024);
    let mut keeper = folder.keeper().await;
    for nanos in 0..250 {
        keeper.append(&[line(u64::try_from(nanos / 50).unwrap(), nanos)]).await;
    }
    let got = folder.read(Position::default(), Some(30)).await;
    assert!((30..200).contains(&got.len()), "{}", got.len());
    assert_eq!(got.last().unwrap().1, Item::clone(&line(4, 249)));
    for (read, (position, _)) in got.iter().enumerate() {
        let rest = folder.read(position.clone(), None).await;
        assert!(of(&rest) == of(&got[read + 1..]), "after {read}");
    }
}

#[tokio::test]
async fn what_was_written_late_is_read_at_its_time_and_can_be_resumed_there() {
    let folder = Folder::new(1024 * 1024);
    let mut keeper = folder.keeper().await;
    // As after a restart of Fairway: what one pod wrote meanwhile comes, and then what another one did.
    let mut all = Vec::new();
    for (source, first) in [(1, 0), (2, 1), (3, 2)] {
        let of_source: Vec<_> = (0..100).map(|nanos| line(source, first + 3 * nanos)).collect();
        keeper.append(&of_source).await;
        all.extend(of_source.iter().map(|item| Item::clone(item)));
    }
    // One that came after them, and was done before a fifth came.
    for source in [4, 5] {
        let of_source: Vec<_> =
            (0..10).map(|nanos| line(source, 1000 * i64::try_from(source).unwrap() + nanos)).collect();
        keeper.append(&of_source).await;
        all.extend(of_source.iter().map(|item| Item::clone(item)));
    }
    all.sort_by_key(|item| item.nanos);
    let got = folder.read(Position::default(), None).await;
    assert!(of(&got) == all, "in the order of their times");
    for (read, (position, _)) in got.iter().enumerate().step_by(13) {
        assert!(of(&folder.read(position.clone(), None).await) == all[read + 1..], "after {read}");
    }
    let kept = Kept::of(&folder.keeping, &folder.namespace, &folder.service);
    let beginning = kept.beginning(&Position::default(), &HashSet::new(), None).await;
    let streams = beginning.streams(&Position::default(), vec![]);
    assert_eq!(streams.len(), 3, "as many as wrote at the same time");
}

#[tokio::test]
async fn the_last_lines_are_the_latest_also_where_earlier_ones_were_written_late() {
    let folder = Folder::new(16 * 1024);
    let mut keeper = folder.keeper().await;
    for nanos in 0..50 {
        keeper.append(&[line(1, 1000 + nanos)]).await;
    }
    for nanos in 0..100 {
        keeper.append(&[line(2, nanos)]).await;
    }
    assert!(segments(&folder.path()).unwrap().len() > 2, "it takes several segments");
    let got = folder.read(Position::default(), Some(30)).await;
    let last: Vec<i64> = got.iter().rev().take(30).map(|(_, item)| item.nanos).collect();
    assert_eq!(last, (1020..1050).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_torn_end_costs_nothing_that_was_whole_and_writing_goes_on_behind_it() {
    let folder = Folder::new(1024 * 1024);
    folder.keeper().await.append(&[line(1, 1), line(1, 2), line(1, 3)]).await;
    let (_, path) = segments(&folder.path()).unwrap().pop().unwrap();
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 5]).unwrap();
    let mut keeper = folder.keeper().await;
    assert_eq!(keeper.cursor(SourceId(1)).unwrap().place(), (2, 1), "the third is to be read again");
    keeper.append(&[line(1, 3), line(1, 4)]).await;
    let nanos =
        of(&folder.read(Position::default(), None).await).iter().map(|item| item.nanos).collect::<Vec<_>>();
    assert_eq!(nanos, [1, 2, 3, 4]);
}

#[tokio::test]
async fn what_is_kept_has_a_bound_and_who_was_in_the_middle_of_what_went_is_told() {
    let folder = Folder::new(16 * 1024);
    let mut keeper = folder.keeper().await;
    keeper.append(&[line(1, 1), line(2, 1)]).await;
    let in_the_middle = folder.read(Position::default(), None).await.pop().unwrap().0;
    for nanos in 2..1500 {
        keeper.append(&[line(1, nanos)]).await;
    }
    // Many at once take no more.
    keeper.append(&(1500..3000).map(|nanos| line(1, nanos)).collect::<Vec<_>>()).await;
    let sizes = segments(&folder.path()).unwrap().into_iter().map(|(_, path)| path.metadata().unwrap().len());
    let size: u64 = sizes.sum();
    assert!((8 * 1024..17 * 1024).contains(&size), "{size}");

    let fresh = of(&folder.read(Position::default(), None).await);
    assert!(
        fresh.iter().all(|item| matches!(item.what, What::Line(_))),
        "who asks for all gets what is there"
    );
    let gone = Kept::of(&folder.keeping, &folder.namespace, &folder.service).removed().await.unwrap();
    let What::Gap(told) = &gone.what else { panic!("{gone:?}") };
    assert!(told.contains(&format!(" ({} lines): ", 3000 - fresh.len())), "{told}");
    assert!(gone.nanos < fresh[0].nanos, "it stands before what is left");
    assert_eq!(
        Kept::of(&Folder::new(1024).keeping, &folder.namespace, &folder.service).removed().await,
        None
    );
    let resumed = folder.read(in_the_middle, None).await;
    assert!(matches!(resumed[0].1.what, What::Gap(_)) && resumed[0].1.source == SourceId(1));
    assert_eq!(of(&resumed[1..]), fresh);
    let after_the_gap = folder.read(resumed[0].0.clone(), None).await;
    assert!(of(&after_the_gap) == fresh, "the gap is told once");
}

#[tokio::test]
async fn what_could_not_be_written_is_told_in_its_place_once_it_can_be_again() {
    let folder = Folder::new(1024 * 1024);
    let mut keeper = folder.keeper().await;
    keeper.append(&[line(1, 1)]).await;
    // As a full disk: nothing can be made there.
    keeper = folder.keeper().await;
    let (path, aside) = (folder.path(), folder.path().with_extension("aside"));
    std::fs::rename(&path, &aside).unwrap();
    std::fs::write(&path, "in the way").unwrap();
    keeper.append(&[line(1, 2), line(2, 2)]).await;
    keeper.append(&[line(2, 3)]).await;
    std::fs::remove_file(&path).unwrap();
    std::fs::rename(&aside, &path).unwrap();
    keeper.append(&[line(1, 3)]).await;
    keeper.append(&[line(1, 4), line(2, 4)]).await;
    let got = of(&folder.read(Position::default(), None).await);
    let of_first = got.iter().filter(|item| item.source == SourceId(1));
    let story: Vec<_> = of_first.map(|item| (item.nanos, matches!(item.what, What::Gap(_)))).collect();
    assert_eq!(story, [(1, false), (1, true), (3, false), (4, false)]);
    let told = |source: u64, count: &str| {
        let is_it = |item: &&Item| matches!(&item.what, What::Gap(why) if why.starts_with(count));
        got.iter().filter(is_it).any(|item| item.source == SourceId(source))
    };
    assert!(told(1, "1 line couldn't") && told(2, "2 lines couldn't"), "{got:?}");
}

#[tokio::test]
async fn pods_that_went_while_nobody_wrote_are_closed_with_a_gap() {
    let folder = Folder::new(1024 * 1024);
    folder.keeper().await.append(&[line(1, 1), line(2, 2)]).await;
    let mut keeper = folder.keeper().await;
    keeper.close_all_but(&HashSet::from([SourceId(2)])).await;
    let got = of(&folder.read(Position::default(), None).await);
    let kinds: Vec<_> = got.iter().filter(|item| item.source == SourceId(1)).map(|item| &item.what).collect();
    assert!(matches!(kinds[..], [What::Line(_), What::Gap(_), What::Closed(Some(_))]), "{kinds:?}");
    assert!(keeper.cursor(SourceId(1)).unwrap().closed());
    let written = got.len();
    keeper.close_all_but(&HashSet::from([SourceId(2)])).await;
    assert_eq!(folder.read(Position::default(), None).await.len(), written, "once is enough");
}

#[tokio::test]
async fn what_is_too_old_goes() {
    let folder = Folder::new(1024 * 1024);
    folder.keeper().await.append(&[line(1, 1)]).await;
    folder.keeping.remove_old().await;
    assert_eq!(segments(&folder.path()).unwrap().len(), 1);
    LogKeeping { age: Duration::ZERO, ..folder.keeping.clone() }.remove_old().await;
    assert_eq!(segments(&folder.path()).unwrap().len(), 0);
}
