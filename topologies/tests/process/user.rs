//! The users as whom the tool is tried.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::walls::{self, Wall};

/// Somebody who starts the tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User {
    /// Whoever runs the tests.
    Current { root: bool },
    /// The user `nobody`, if root runs the tests.
    Nobody,
}

/// Root and `nobody`, or the ordinary user who runs the tests.
pub fn here() -> Vec<User> {
    let root = rustix::process::geteuid().is_root();
    if root {
        return vec![User::Current { root }, User::Nobody];
    }
    println!("not tried as root: these tests were started by an ordinary user");
    vec![User::Current { root }]
}

impl User {
    pub fn name(self) -> &'static str {
        match self {
            Self::Current { root: true } => "root",
            Self::Current { root: false } | Self::Nobody => "an_ordinary_user",
        }
    }

    /// `program` as this user.
    pub fn command(self, program: &str) -> Command {
        if self != Self::Nobody {
            return Command::new(program);
        }
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--", program]);
        command
    }

    /// The tool as this user, asked to play `scene` inside.
    pub fn tool(self, scene: &[&str]) -> Command {
        self.tool_without(&[], scene)
    }

    /// The same on a kernel that lacks some walls.
    pub fn tool_without(self, walls: &[Wall], scene: &[&str]) -> Command {
        let mut command = self.command(program());
        command.args(walls::without(walls)).arg("outer").args(scene);
        command
    }

    /// This program, as this user can start it.
    pub fn program(self) -> &'static str {
        program()
    }

    /// A folder that only this user needs, with what is in it removed on drop.
    pub fn folder(self) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        folder
    }
}

/// This program, where everybody can read it: build folders often lie where `nobody` may not look.
fn program() -> &'static str {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| {
        let own = std::env::current_exe().unwrap();
        let open = |folder: &Path| folder.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o005 == 0o005);
        if own.ancestors().skip(1).all(open) {
            return own;
        }
        std::fs::copy(own, copy()).unwrap();
        copy()
    });
    program.to_str().unwrap()
}

fn copy() -> PathBuf {
    std::env::temp_dir().join(format!("redquake-process-tests-{}", std::process::id()))
}

/// Removes the copy, if one was made.
pub fn clear() {
    let _ = std::fs::remove_file(copy());
}
