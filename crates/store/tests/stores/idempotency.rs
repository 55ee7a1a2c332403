use crate::databases::Database;
use crate::on_both_stores;
use fairway_store::{Remembered, Reservation, Store, StoredResponse};

on_both_stores![
    an_answer_is_given_again,
    of_fifty_requests_with_one_key_one_is_carried_out,
    a_key_that_was_given_back_is_free,
    a_key_whose_holder_was_killed_is_taken_over_and_the_old_answer_ignored,
    answers_are_forgotten_after_a_day,
];

fn response(body: &str) -> StoredResponse {
    StoredResponse {
        status: 202,
        headers: vec![("location".into(), "/api/v1/jobs/1".into())],
        body: body.into(),
    }
}

async fn reserved(store: &Store) -> Reservation {
    match store.remembered("key", "POST /a").await.unwrap() {
        Remembered::New(reservation) => reservation,
        other => panic!("{other:?}"),
    }
}

async fn an_answer_is_given_again(database: &Database) {
    let store = database.open().await;
    let reservation = reserved(&store).await;
    assert!(matches!(store.remembered("key", "POST /a").await.unwrap(), Remembered::InProgress));
    store.remember(reservation, &response("one")).await.unwrap();
    let again = store.remembered("key", "POST /a").await.unwrap();
    assert!(matches!(&again, Remembered::Same(known) if *known == response("one")), "{again:?}");
    assert!(matches!(store.remembered("key", "POST /b").await.unwrap(), Remembered::Different));
}

async fn of_fifty_requests_with_one_key_one_is_carried_out(database: &Database) {
    let (store, other_process) = (database.open().await, database.open().await);
    let asked = (0..50).map(|number| {
        let store = if number % 2 == 0 { store.clone() } else { other_process.clone() };
        tokio::spawn(async move { store.remembered("key", "POST /a").await.unwrap() })
    });
    let answers = futures::future::join_all(asked).await;
    let new = answers.iter().filter(|answer| matches!(answer, Ok(Remembered::New(_)))).count();
    let waiting = answers.iter().filter(|answer| matches!(answer, Ok(Remembered::InProgress))).count();
    assert_eq!((new, waiting), (1, 49));
}

async fn a_key_that_was_given_back_is_free(database: &Database) {
    let store = database.open().await;
    store.forget(reserved(&store).await).await.unwrap();
    reserved(&store).await;
}

async fn a_key_whose_holder_was_killed_is_taken_over_and_the_old_answer_ignored(database: &Database) {
    let store = database.open().await;
    let old = reserved(&store).await;
    database.execute("UPDATE idempotency SET reserved_until = 1").await;
    let new = reserved(&store).await;
    store.remember(old, &response("old")).await.unwrap();
    assert!(matches!(store.remembered("key", "POST /a").await.unwrap(), Remembered::InProgress));
    store.remember(new, &response("new")).await.unwrap();
    let known = store.remembered("key", "POST /a").await.unwrap();
    assert!(matches!(&known, Remembered::Same(answer) if answer.body == "new"), "{known:?}");
}

async fn answers_are_forgotten_after_a_day(database: &Database) {
    let store = database.open().await;
    store.remember(reserved(&store).await, &response("one")).await.unwrap();
    database.execute("UPDATE idempotency SET created_at = created_at - 90000000").await;
    reserved(&store).await;
}
