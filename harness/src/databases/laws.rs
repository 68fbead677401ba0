//! What every database must do, tested on the real ones.

use std::sync::Arc;
use std::time::{Duration, Instant};

use redquake_experiments::spec::{DatabasePool, Duration as Length};

use super::{Begin, Charge, Charged, Database, Postgres, QueryError, Server, Sqlite};

fn pool(connections: u32, queue: u32, service: u64, timeout: u64) -> DatabasePool {
    DatabasePool { service_time: Length::from_millis(service), pool: connections, queue, timeout: Length::from_millis(timeout) }
}

/// A file of its own for each test, gone with it.
fn sqlite(pool: DatabasePool) -> (tempfile::TempDir, Arc<dyn Database>) {
    let folder = tempfile::tempdir().unwrap();
    let database = Sqlite::create(&folder.path().join("items.db"), 100, pool).unwrap();
    (folder, Arc::new(database))
}

async fn items_are_found(database: &dyn Database) {
    assert_eq!(database.lookup(99).await.answer, Ok(Some(99)));
    assert_eq!(database.lookup(100).await.answer, Ok(None));
}

async fn a_newer_token_shuts_an_older_one_out(database: &dyn Database) {
    let charge = |id, fence| Charge { job: 1, id, fence };
    assert_eq!(database.begin(1, Some(10)).await.answer, Ok(Begin::Open));
    assert_eq!(database.begin(1, Some(10)).await.answer, Ok(Begin::Stale), "a token is registered once");
    assert_eq!(database.begin(1, Some(11)).await.answer, Ok(Begin::Open));
    assert_eq!(database.charge(charge(100, Some(10))).await.answer, Ok(Charged::Stale));
    assert_eq!(database.charge(charge(101, Some(11))).await.answer, Ok(Charged::Entered));
    assert_eq!(database.begin(1, Some(12)).await.answer, Ok(Begin::Paid));
    let ledger = database.ledger().await.unwrap();
    assert_eq!(ledger.iter().map(|entry| (entry.job, entry.id, entry.fence)).collect::<Vec<_>>(), [(1, 101, Some(11))]);
}

async fn without_tokens_a_job_can_be_charged_twice(database: &dyn Database) {
    assert_eq!(database.begin(2, None).await.answer, Ok(Begin::Open));
    assert_eq!(database.begin(2, None).await.answer, Ok(Begin::Open));
    for id in [200, 201] {
        assert_eq!(database.charge(Charge { job: 2, id, fence: None }).await.answer, Ok(Charged::Entered));
    }
    let ledger = database.ledger().await.unwrap();
    assert_eq!(ledger.iter().filter(|entry| entry.job == 2).count(), 2);
}

/// However the holders of two tokens interleave, a fenced job is charged at most once.
async fn racing_holders_charge_a_fenced_job_once(database: &Arc<dyn Database>) {
    for job in 10..30 {
        let holder = |token: u64| {
            let database = Arc::clone(database);
            async move {
                if database.begin(job, Some(token)).await.answer == Ok(Begin::Open) {
                    let _ = database.charge(Charge { job, id: token, fence: Some(token) }).await;
                }
            }
        };
        let holders: Vec<_> = (1..=4).map(|token| tokio::spawn(holder(token))).collect();
        for holder in holders {
            holder.await.unwrap();
        }
    }
    let ledger = database.ledger().await.unwrap();
    for job in 10..30 {
        let times = ledger.iter().filter(|entry| entry.job == job).count();
        assert!(times <= 1, "job {job} was charged {times} times");
    }
}

/// One connection and room for one to wait: of three queries at once the first is served, the second waits, the third is refused.
async fn the_queue_is_bounded_and_the_wait_is_measured(database: &Arc<dyn Database>, service: Duration) {
    let ask = || {
        let database = Arc::clone(database);
        tokio::spawn(async move { database.lookup(1).await })
    };
    let until = |waiting: u64, busy: u64| {
        let database = Arc::clone(database);
        async move {
            let deadline = Instant::now() + Duration::from_secs(5);
            while (database.gauge().read().waiting, database.gauge().read().busy) != (waiting, busy) {
                assert!(Instant::now() < deadline, "{:?}", database.gauge().read());
                tokio::task::yield_now().await;
            }
        }
    };
    let first = ask();
    until(0, 1).await;
    let second = ask();
    until(1, 1).await;
    let third = database.lookup(1).await;
    assert!(matches!(third.answer, Err(QueryError::Refused(_))), "{third:?}");
    assert!(third.answer.unwrap_err().is_certain());
    assert_eq!(third.began, None);
    let (first, second) = (first.await.unwrap(), second.await.unwrap());
    assert_eq!((&first.answer, &second.answer), (&Ok(Some(1)), &Ok(Some(1))));
    assert!(first.ended - first.began.unwrap() >= service);
    assert!(second.began.unwrap() >= first.began.unwrap() + service, "the second waited for the first one's connection");
    let read = database.gauge().read();
    assert_eq!((read.refused, read.waiting, read.busy), (1, 0, 0));
    assert_eq!(read.asked, read.answered + read.refused);
}

/// Whose time is over while waiting was certainly not executed; whose time is over on a connection may have been.
async fn a_query_out_of_time_says_whether_it_was_sent(database: &Arc<dyn Database>) {
    let ask = || {
        let database = Arc::clone(database);
        tokio::spawn(async move { database.lookup(1).await })
    };
    let (one, other) = (ask(), ask());
    let (one, other) = (one.await.unwrap(), other.await.unwrap());
    let mut sent: Vec<bool> = [one.answer, other.answer]
        .into_iter()
        .map(|answer| match answer {
            Err(QueryError::TimedOut { sent }) => sent,
            other => panic!("out of time, not {other:?}"),
        })
        .collect();
    sent.sort_unstable();
    assert_eq!(sent, [false, true]);
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_keeps_items_and_a_ledger_with_tokens() {
    let (_folder, database) = sqlite(pool(4, 100, 0, 5000));
    items_are_found(&*database).await;
    a_newer_token_shuts_an_older_one_out(&*database).await;
    without_tokens_a_job_can_be_charged_twice(&*database).await;
    racing_holders_charge_a_fenced_job_once(&database).await;
}

/// So many pages that what is written ahead is brought into the file several times.
#[tokio::test(flavor = "multi_thread")]
async fn sqlite_leaves_no_file_from_its_first_moment_on_and_every_connection_sees_what_another_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let database: Arc<dyn Database> = Arc::new(Sqlite::create(&folder.path().join("items.db"), 200_000, pool(6, 1000, 1, 5000)).unwrap());
    let files = || std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(files(), 0);
    let charges = (0..600).map(|job| {
        let database = Arc::clone(&database);
        tokio::spawn(async move {
            assert_eq!(database.lookup(199_999 - job).await.answer, Ok(Some(i64::from(199_999 - job))));
            database.charge(Charge { job, id: u64::from(job), fence: None }).await.answer
        })
    });
    for charge in charges.collect::<Vec<_>>() {
        assert_eq!(charge.await.unwrap(), Ok(Charged::Entered));
    }
    let mut jobs: Vec<u32> = database.ledger().await.unwrap().iter().map(|entry| entry.job).collect();
    jobs.sort_unstable();
    assert_eq!(jobs, (0..600).collect::<Vec<_>>());
    assert_eq!(files(), 0);
    drop(database);
    assert_eq!(files(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_queues_refuses_and_times_out() {
    let (_folder, database) = sqlite(pool(1, 1, 300, 5000));
    the_queue_is_bounded_and_the_wait_is_measured(&database, Duration::from_millis(300)).await;
    let (_folder, database) = sqlite(pool(1, 10, 400, 100));
    a_query_out_of_time_says_whether_it_was_sent(&database).await;
}

/// A server of this machine's PostgreSQL on a free loopback port, ended with the test.
struct Local {
    process: std::process::Child,
    _folder: tempfile::TempDir,
    server: Server,
}

impl Drop for Local {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// `None`, with the reason printed, where PostgreSQL is not installed.
fn local(max_connections: u32) -> Option<Local> {
    use redquake_topologies::postgres;
    let Some(source) = postgres::packaged("15") else {
        println!("skipped: PostgreSQL 15 is not installed; install the package `postgresql-15`");
        return None;
    };
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    let process = postgres::start(&source, folder.path(), "127.0.0.1".parse().unwrap(), port, max_connections).unwrap();
    let server = Server { ip: "127.0.0.1".parse().unwrap(), port, user: postgres::USER.to_owned() };
    Some(Local { process, _folder: folder, server })
}

impl Local {
    /// The tables of a workload, as soon as the server answers.
    async fn tables(&self, workload: u16, pool: DatabasePool) -> Arc<dyn Database> {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            match Postgres::create(&self.server, workload, 100, pool).await {
                Ok(database) => return Arc::new(database),
                Err(error) => assert!(Instant::now() < deadline, "PostgreSQL does not answer: {error}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_keeps_items_and_a_ledger_with_tokens_and_queues_at_its_pool() {
    let Some(server) = local(20) else { return };
    let database = server.tables(0, pool(4, 100, 0, 5000)).await;
    items_are_found(&*database).await;
    a_newer_token_shuts_an_older_one_out(&*database).await;
    without_tokens_a_job_can_be_charged_twice(&*database).await;
    racing_holders_charge_a_fenced_job_once(&database).await;
    let database = server.tables(1, pool(1, 1, 300, 5000)).await;
    the_queue_is_bounded_and_the_wait_is_measured(&database, Duration::from_millis(300)).await;
    let database = server.tables(2, pool(1, 10, 400, 100)).await;
    a_query_out_of_time_says_whether_it_was_sent(&database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_refuses_connections_above_its_limit() {
    let Some(server) = local(4) else { return };
    let database = server.tables(0, pool(12, 100, 500, 5000)).await;
    let asks: Vec<_> = (0..12)
        .map(|_| {
            let database = Arc::clone(&database);
            tokio::spawn(async move { database.lookup(1).await.answer })
        })
        .collect();
    let (mut answered, mut refused) = (0, 0);
    for ask in asks {
        match ask.await.unwrap() {
            Ok(_) => answered += 1,
            Err(QueryError::Refused(reason)) => {
                assert!(reason.contains("too many clients"), "{reason}");
                refused += 1;
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert!(answered >= 1 && refused >= 1, "{answered} answered, {refused} refused");
    assert_eq!(answered + refused, 12);
}
