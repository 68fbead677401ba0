//! Running a few words of shell in a container.

use bollard::Docker;
use bollard::exec::StartExecResults;
use bollard::models::ExecConfig;
use futures_util::StreamExt;

/// Runs a script in a running container: its exit code and what it said; the error is in words.
pub(super) async fn run(engine: &Docker, container: &str, script: String) -> Result<(Option<i64>, String), String> {
    let words = |error: bollard::errors::Error| error.to_string();
    let config = ExecConfig {
        cmd: Some(vec!["/bin/sh".to_owned(), "-c".to_owned(), script]),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        ..ExecConfig::default()
    };
    let made = engine.create_exec(container, config).await.map_err(words)?;
    let mut said = String::new();
    if let StartExecResults::Attached { mut output, .. } = engine.start_exec(&made.id, None).await.map_err(words)? {
        while let Some(line) = output.next().await {
            said.push_str(&line.map_err(words)?.to_string());
        }
    }
    let ended = engine.inspect_exec(&made.id).await.map_err(words)?;
    Ok((ended.exit_code, said.trim().to_owned()))
}
