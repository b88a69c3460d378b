//! Clean-ups delete in batches, which end with the service.

use tokio::time::timeout;

use crate::support::{
    PATIENCE, TestApp,
    service::{background::Background, db},
};

/// A backlog of any length costs shutdown one batch at most.
#[tokio::test]
async fn a_clean_up_ends_between_batches_when_the_service_stops() {
    let app = TestApp::start().await;
    let background = Background::default();
    let stopping = background.stopping();
    let mut batches = 0;
    let clean_up = db::in_batches(app.state.db.clone(), "test", stopping.clone(), async |_, _| {
        batches += 1;
        if batches == 3 {
            stopping.cancel();
        }
        Ok(1)
    });
    timeout(PATIENCE, clean_up).await.expect("it ends").unwrap();
    assert_eq!(batches, 3);
}

#[tokio::test]
async fn a_clean_up_ends_with_the_first_empty_batch() {
    let app = TestApp::start().await;
    let stopping = Background::default().stopping();
    let mut left = [500, 20, 0].into_iter();
    let clean_up = db::in_batches(app.state.db.clone(), "test", stopping, async |_, _| {
        Ok(left.next().expect("no batch follows an empty one"))
    });
    timeout(PATIENCE, clean_up).await.expect("it ends").unwrap();
    assert_eq!(left.next(), None);
}
