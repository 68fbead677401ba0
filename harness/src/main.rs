//! `redquake`: breaks a real Redis or Valkey on purpose and says in numbers what its users would have felt.

use std::process::ExitCode;

fn main() -> ExitCode {
    // First of all: the same program also is what stands between the tool and the namespaces of a run without Docker.
    if let Some(code) = redquake_topologies::process::stage() {
        return code;
    }
    redquake::main()
}
