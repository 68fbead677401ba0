//! What an engine answers to whoever asks for leftovers and images: lists of containers, networks, volumes and images.
#![no_main]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{LazyLock, Mutex, PoisonError};

use libfuzzer_sys::fuzz_target;
use redquake_topologies::docker::{self, DockerRuntime};
use redquake_topologies::runtime::Runtime as _;
use tokio::runtime::{Builder, Runtime};

/// What the engine answers to everything but the first questions.
static ANSWER: Mutex<Vec<u8>> = Mutex::new(Vec::new());

static ENGINE: LazyLock<(Runtime, DockerRuntime)> = LazyLock::new(|| {
    let path = std::env::temp_dir().join(format!("redquake-fuzz-{}.sock", std::process::id()));
    let listener = UnixListener::bind(&path).expect("a socket");
    // Nothing else runs yet.
    unsafe { std::env::set_var("DOCKER_HOST", format!("unix://{}", path.display())) };
    std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| drop(answer(stream))));
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let engine = runtime.block_on(docker::connect()).expect("the engine");
    let _ = std::fs::remove_file(path);
    (runtime, engine)
});

fn answer(stream: UnixStream) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let body = match first.split(' ').nth(1) {
        Some(path) if path.ends_with("/_ping") => b"OK".to_vec(),
        Some(path) if path.ends_with("/version") => br#"{"Version":"20.10.24","ApiVersion":"1.41","MinAPIVersion":"1.12"}"#.to_vec(),
        _ => ANSWER.lock().unwrap_or_else(PoisonError::into_inner).clone(),
    };
    let mut stream = stream;
    write!(stream, "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Type: application/json\r\n")?;
    write!(stream, "Content-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    stream.write_all(&body)
}

fuzz_target!(|bytes: &[u8]| {
    let (runtime, engine) = &*ENGINE;
    *ANSWER.lock().unwrap_or_else(PoisonError::into_inner) = bytes.to_vec();
    runtime.block_on(async {
        for left in engine.leftovers().await.into_iter().flatten() {
            let _ = (left.what.len(), left.fate);
        }
        let _ = engine.images().await.map(|images| images.len());
    });
});
