//! The shell script that makes a database cluster and becomes its server. Pure.

use std::net::Ipv4Addr;

use super::USER;

/// Name of the script in the node's folder.
pub(crate) const FILE: &str = "start-postgres";

/// What a server is started with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings<'a> {
    /// Folder with the programs; empty where they are on the `PATH`.
    pub(crate) programs: &'a str,
    /// Folder of the node, writable for the server.
    pub(crate) folder: &'a str,
    /// Address it listens on.
    pub(crate) ip: Ipv4Addr,
    /// Port it listens on.
    pub(crate) port: u16,
    /// Connections it accepts.
    pub(crate) max_connections: u32,
}

/// The script. It runs as the user the server is to have, who must not be root: `initdb` and `postgres` refuse to be.
pub(crate) fn script(settings: Settings<'_>) -> String {
    let Settings { programs, folder, ip, port, max_connections } = settings;
    let path = if programs.is_empty() { String::new() } else { format!("PATH='{programs}':$PATH\n") };
    // A disk's latency is not part of what is measured here, and nothing must survive a crash of the machine.
    // Shared memory lies in the folder, so that nothing outside it outlives a killed server.
    let options = [
        format!("listen_addresses={ip}"),
        format!("port={port}"),
        format!("max_connections={max_connections}"),
        "superuser_reserved_connections=0".to_owned(),
        "unix_socket_directories=".to_owned(),
        "dynamic_shared_memory_type=mmap".to_owned(),
        "shared_buffers=32MB".to_owned(),
        "fsync=off".to_owned(),
        "jit=off".to_owned(),
        "timezone=GMT".to_owned(),
        "log_timezone=GMT".to_owned(),
        format!("hba_file='{folder}/hba.conf'"),
    ];
    let options: String = options.iter().map(|option| format!(" \\\n  -c {option}")).collect();
    format!(
        "set -e\n{path}export LC_ALL=C\numask 077\ncd '{folder}'\n\
         if [ ! -f data/PG_VERSION ]; then\n  \
           initdb --pgdata=data --username={USER} --auth=trust --encoding=UTF8 --locale=C --no-sync --no-instructions >/dev/null\n\
         fi\n\
         echo 'host all all all trust' > hba.conf\n\
         exec postgres -D data{options}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_is_made_once_and_the_shell_becomes_the_server() {
        let settings = Settings {
            programs: "/usr/lib/postgresql/15/bin",
            folder: "/run/redquake/lab1/postgres",
            ip: Ipv4Addr::new(10, 64, 1, 17),
            port: 5432,
            max_connections: 20,
        };
        insta::assert_snapshot!(script(settings));
    }
}
