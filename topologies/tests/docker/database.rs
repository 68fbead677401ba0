//! PostgreSQL on the network of a lab.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use redquake_topologies::namespace::Zone;
use redquake_topologies::postgres;
use redquake_topologies::runtime::{DatabaseNode, NodeAddress, Runtime, Signal};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{LIMIT, announce, engine, objects, request, run, topology};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "builds an image with PostgreSQL: ci/test --all"]
async fn a_database_answers_on_the_lab_network_and_leaves_nothing() {
    let Some(engine) = engine().await else { return };
    let run = run("database");
    let source = engine.provide_postgres("15", &announce()).await.unwrap();
    println!("{}", source.description);
    let lab = engine.open(request(&engine, &run, 1, &topology(0, 1)).await).await.unwrap();
    let address = lab.attach(DatabaseNode { source, max_connections: 10 }).await.unwrap();
    let zone = Zone::open("clients", lab.client_namespace(), 1).unwrap();
    let deadline = Instant::now() + LIMIT;
    while !zone.spawn(speaks_postgres(address)).await.unwrap() {
        if Instant::now() > deadline {
            let log = lab.logs(postgres::NAME).await;
            lab.close().await;
            panic!("PostgreSQL does not answer: {log:?}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    lab.signal(postgres::NAME, Signal::Kill).await.unwrap();
    while lab.alive(postgres::NAME).await.unwrap() {
        assert!(Instant::now() < deadline, "the database ends");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    zone.close(LIMIT).await;
    assert_eq!(lab.close().await, Vec::<String>::new());
    assert_eq!(objects(&run), Vec::<String>::new());
}

/// Whether a postmaster answers whether it would speak TLS, which is the first thing a client asks.
async fn speaks_postgres(address: NodeAddress) -> bool {
    let asked = async {
        let mut stream = tokio::net::TcpStream::connect(SocketAddr::from((address.ip, address.port))).await?;
        stream.write_all(&[0, 0, 0, 8, 4, 210, 22, 47]).await?;
        stream.read_u8().await
    };
    matches!(tokio::time::timeout(Duration::from_millis(300), asked).await, Ok(Ok(b'N')))
}
