//! The one way in which a foreign program is run to its end: with a deadline, a bound on what it says, and nothing of it left running.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::ioctl_fionbio;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

/// How long what a program left behind may keep its output open.
const GRACE: Duration = Duration::from_millis(200);
/// Read at once.
const PIECE: usize = 64 << 10;

/// What a program may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Longest time.
    pub(crate) time: Duration,
    /// Most bytes it may say, on each of its outputs.
    pub(crate) bytes: usize,
}

/// How a program ended, and what it said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: ExitStatus,
    pub(crate) output: String,
    pub(crate) errors: String,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// It is not there, or may not be started.
    #[error("it does not start ({0})")]
    Start(io::Error),
    /// It was killed for taking too long.
    #[error("it did not end within {} s and was killed", .0.as_secs())]
    Late(Duration),
    /// It was killed for saying too much.
    #[error("it said more than {0} bytes and was killed")]
    Long(usize),
    /// The system did not do what was asked of it.
    #[error("{0}")]
    Failed(String),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Runs a program with some input. It is the first of a process group of its own, which is killed when the program has ended, has taken too
/// long or has said too much.
///
/// # Errors
/// [`Refusal`], in words that follow the program's name.
pub(crate) fn run(command: &mut Command, input: &[u8], bounds: Bounds) -> Result<Answer, Refusal> {
    let stdin = if input.is_empty() { Stdio::null() } else { Stdio::piped() };
    let child = command.process_group(0).stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(Refusal::Start)?;
    Conversation { child: Group(child), bounds, until: Instant::now() + bounds.time }.hold(input)
}

/// A process group that does not outlive this value.
struct Group(Child);

impl Group {
    /// Kills all of it. Only while its first process has not been waited for: afterwards its id may mean another group.
    fn kill(&self) {
        if let Some(group) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Ok(None) = self.0.try_wait() {
            self.kill();
            let _ = self.0.wait();
        }
    }
}

struct Conversation {
    child: Group,
    bounds: Bounds,
    until: Instant,
}

impl Conversation {
    fn hold(mut self, mut input: &[u8]) -> Result<Answer, Refusal> {
        let child = &mut self.child.0;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or_else(|| Refusal::Failed("no process id".to_owned()))?;
        let ended = pidfd_open(pid, PidfdFlags::empty()).map_err(io::Error::from)?;
        let (mut stdin, mut stdout, mut stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        for pipe in
            [stdin.as_ref().map(AsFd::as_fd), stdout.as_ref().map(AsFd::as_fd), stderr.as_ref().map(AsFd::as_fd)].into_iter().flatten()
        {
            ioctl_fionbio(pipe, true).map_err(io::Error::from)?;
        }
        let (mut output, mut errors) = (Vec::new(), Vec::new());
        let mut over = false;
        loop {
            if let Some(pipe) = &mut stdin
                && wrote_all(pipe, &mut input)?
            {
                stdin = None;
            }
            read_some(&mut stdout, &mut output, self.bounds.bytes)?;
            read_some(&mut stderr, &mut errors, self.bounds.bytes)?;
            if over && (stdout.is_none() && stderr.is_none() || Instant::now() >= self.until) {
                break;
            }
            if Instant::now() >= self.until {
                return Err(Refusal::Late(self.bounds.time));
            }
            let mut waited: Vec<PollFd<'_>> = Vec::new();
            let reads = [stdout.as_ref().map(AsFd::as_fd), stderr.as_ref().map(AsFd::as_fd)];
            waited.extend(reads.into_iter().flatten().map(|pipe: BorrowedFd<'_>| PollFd::from_borrowed_fd(pipe, PollFlags::IN)));
            waited.extend(stdin.as_ref().map(|pipe| PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::OUT)));
            if !over {
                waited.push(PollFd::from_borrowed_fd(ended.as_fd(), PollFlags::IN));
            }
            let left = Timespec::try_from(self.until.saturating_duration_since(Instant::now())).ok();
            match poll(&mut waited, left.as_ref()) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(io::Error::from(error).into()),
            }
            let gone = waited.last().is_some_and(|last| last.revents().contains(PollFlags::IN));
            if !over && gone {
                over = true;
                stdin = None;
                // Whatever it has started ends with it, and closes what it held open.
                self.child.kill();
                self.until = self.until.min(Instant::now() + GRACE);
            }
        }
        let status = self.child.0.wait()?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim().to_owned();
        Ok(Answer { status, output: text(output), errors: text(errors) })
    }
}

/// Writes what fits; whether there is nothing left to write. A program that does not read to the end says why.
fn wrote_all(pipe: &mut impl Write, input: &mut &[u8]) -> io::Result<bool> {
    while !input.is_empty() {
        match pipe.write(input) {
            Ok(written) => *input = input.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(true),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// Reads what there is; closes the pipe at its end.
fn read_some<P: Read>(pipe: &mut Option<P>, said: &mut Vec<u8>, most: usize) -> Result<(), Refusal> {
    let mut piece = [0; PIECE];
    while let Some(open) = pipe {
        match open.read(&mut piece) {
            Ok(0) => *pipe = None,
            Ok(read) => {
                said.extend_from_slice(piece.get(..read).unwrap_or_default());
                if said.len() > most {
                    return Err(Refusal::Long(most));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// The code a shell would give.
pub(crate) fn exit_code(status: ExitStatus) -> u8 {
    match (status.code(), status.signal()) {
        (Some(code), _) => code.clamp(0, 255) as u8,
        (None, Some(signal)) => 128u8.saturating_add(signal as u8),
        (None, None) => 255,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOME: Bounds = Bounds { time: Duration::from_secs(20), bytes: 1 << 20 };

    fn shell(script: &str, input: &str, bounds: Bounds) -> Result<Answer, Refusal> {
        run(Command::new("sh").args(["-c", script]), input.as_bytes(), bounds)
    }

    /// The processes whose arguments hold a text.
    fn running(text: &str) -> usize {
        let commands = std::fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
        commands.filter(|command| String::from_utf8_lossy(command).split('\0').any(|word| word == text)).count()
    }

    #[test]
    fn a_program_gets_its_input_and_is_heard_on_both_outputs() {
        let long = "x".repeat(200_000);
        let answer = shell("cat; echo no >&2; exit 3", &long, SOME).unwrap();
        assert_eq!((answer.output, answer.errors.as_str(), exit_code(answer.status)), (long, "no", 3));
    }

    #[test]
    fn a_program_that_does_not_end_is_killed_with_its_children() {
        let began = Instant::now();
        let late = shell("sleep 86397 & sleep 86397", "", Bounds { time: Duration::from_millis(300), ..SOME });
        assert!(matches!(late, Err(Refusal::Late(_))), "{late:?}");
        assert!(began.elapsed() < Duration::from_secs(10));
        assert_eq!(running("86397"), 0);
    }

    #[test]
    fn a_program_that_says_too_much_is_killed() {
        let long = shell("while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done", "", SOME);
        assert!(matches!(long, Err(Refusal::Long(_))), "{long:?}");
    }

    #[test]
    fn what_a_program_left_in_the_background_ends_with_it() {
        let began = Instant::now();
        let answer = shell("sleep 86398 & echo done", "", SOME).unwrap();
        assert_eq!(answer.output, "done");
        assert!(began.elapsed() < SOME.time / 2, "waited for the background");
        assert_eq!(running("86398"), 0);
    }

    #[test]
    fn a_program_that_is_not_there_is_told_from_one_that_fails() {
        let missing = run(&mut Command::new("/no/such/program"), b"", SOME);
        assert!(matches!(missing, Err(Refusal::Start(_))), "{missing:?}");
    }
}
